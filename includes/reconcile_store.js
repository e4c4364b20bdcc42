// The row results of a reconciliation as they are kept: one select.

const compare = require("./reconcile_compare");
const { kept, sideOf, asJson } = require("./reconcile_sides");

/**
 * One row per key, and one per row without a key, as small as it can be: two rows with equal hashes leave no more than their
 * hash and our figures. `results` makes the columns that people read of it.
 *
 * A full join over single keys. Keys that a side has more than once are found by a 64-bit hash before, which costs a third
 * of grouping the rows, and are grouped apart from the others.
 */
function store(options) {
  const keys = Object.keys(options.key);
  const pairs = (o, t, columns) => `select
    ${keys.map((name) => `coalesce(o.${name}, t.${name}) as ${name}`).join(",\n    ")},
    true as has_key,
    ${columns.join(",\n    ")}
  from (${o}) as o
  full join (${t}) as t on ${keys.map((name) => `o.${name} = t.${name}`).join(" and ")}`;
  return `
with

ours as not materialized (
  ${sideOf(options, "ours")}
),

theirs as not materialized (
  ${sideOf(options, "theirs")}
),

repeated as materialized (
  select key_hash from ours where has_key group by key_hash having count(*) > 1
  union all
  select key_hash from theirs where has_key group by key_hash having count(*) > 1
),

single_keys as (
  ${pairs(single("ours"), single("theirs"), singleColumns(options))}
),

repeated_keys as (
  ${pairs(grouped(options, "ours"), grouped(options, "theirs"), groupedColumns(options))}
),

without_key as (
  ${["ours", "theirs"].map((side) => withoutKey(options, side)).join("\n  union all\n  ")}
),

results as (
  select * from single_keys
  union all
  select * from repeated_keys
  union all
  select * from without_key
)

select * from results`;
}

function single(side) {
  return `
    select * from ${side}
    where has_key and not exists (select from repeated where repeated.key_hash = ${side}.key_hash)
  `;
}

/** Of a single row the smallest value is the value; of several, none is used. */
function grouped({ key, columns, also }, side) {
  const list = Object.keys(key).join(", ");
  const only = ([name, { kind }]) => `${kind === "exact" ? `(array_agg(${name}))[1]` : `min(${name})`} as ${name}`;
  const values = [
    ...Object.entries(columns).map(only),
    ...also[side].map((name) => `min(also_${name}) as also_${name}`),
    "min(row_hash) as row_hash",
    "count(*)::int as n",
  ];
  return `
    select ${list}, ${values.join(", ")}
    from ${side}
    where has_key and exists (select from repeated where repeated.key_hash = ${side}.key_hash)
    group by ${list}
  `;
}

/** What is kept of the rows `o` and `t` of a key that neither side has twice: in two million rows every step counts. */
function singleColumns(options) {
  const equal = "o.row_hash = t.row_hash";
  const json = (side, row) =>
    `case when ${equal} then null when ${row}.row_hash is not null then ${asJson(options, side, row)} end as ${side}`;
  return [
    "(o.row_hash is not null)::int as n_ours",
    "(t.row_hash is not null)::int as n_theirs",
    "o.row_hash as our_row_hash",
    "nullif(t.row_hash, o.row_hash) as their_row_hash",
    ...kept(options).flatMap((name) => [
      `o.${name} as ${name}_ours`,
      `case when ${equal} then null else t.${name} end as ${name}_theirs`,
    ]),
    `case
      when ${equal} then ${compare.outcomesOfEqual(options.columns)}
      when o.row_hash is not null and t.row_hash is not null then ${lettersOf(options)}
    end as outcomes`,
    json("ours", "o"),
    json("theirs", "t"),
  ];
}

/** The same of keys whose hash is there twice: nothing of a row where a side has several. */
function groupedColumns(options) {
  const alone = "coalesce(o.n, 1) = 1 and coalesce(t.n, 1) = 1";
  const unlike = `${alone} and o.row_hash is distinct from t.row_hash`;
  const json = (side, row) => `case when ${unlike} and ${row}.n = 1 then ${asJson(options, side, row)} end as ${side}`;
  return [
    "coalesce(o.n, 0) as n_ours",
    "coalesce(t.n, 0) as n_theirs",
    `case when ${alone} then o.row_hash end as our_row_hash`,
    `case when ${unlike} then t.row_hash end as their_row_hash`,
    ...kept(options).flatMap((name) => [
      `case when ${alone} then o.${name} end as ${name}_ours`,
      `case when ${unlike} then t.${name} end as ${name}_theirs`,
    ]),
    `case
      when o.n > 1 or t.n > 1 then null
      when o.row_hash = t.row_hash then ${compare.outcomesOfEqual(options.columns)}
      when o.n = 1 and t.n = 1 then ${lettersOf(options)}
    end as outcomes`,
    json("ours", "o"),
    json("theirs", "t"),
  ];
}

function lettersOf({ columns }) {
  return compare.outcomes(columns).join("\n        || ");
}

/** Rows without a key stay single: they have nothing in common. */
function withoutKey(options, side) {
  const mine = side === "ours";
  const nothing = (type) => `null::${type}`;
  const fields = kept(options).flatMap((name) => {
    const type = compare.typeOf(options.columns[name]) ?? "text";
    return mine ? [name, nothing(type)] : [nothing(type), name];
  });
  const json = asJson(options, side, side);
  const values = [
    ...Object.keys(options.key),
    "false",
    mine ? "1, 0" : "0, 1",
    mine ? `row_hash, ${nothing("bigint")}` : `${nothing("bigint")}, row_hash`,
    ...fields,
    nothing("text"),
    mine ? `${json}, ${nothing("jsonb")}` : `${nothing("jsonb")}, ${json}`,
  ];
  return `select ${values.join(", ")}
  from ${side}
  where not has_key`;
}

module.exports = { store };
