// The row results of a reconciliation as they are kept: one select.

const compare = require("./reconcile_compare");
const { kept, sideOf, isKey, rowHash, asJson } = require("./reconcile_sides");

const SIDES = ["ours", "theirs"];

/**
 * One row per key, and one per row without a key, as small as it can be: of two rows with the same values no more than the
 * checksum and figures of ours. `results` makes the columns that people read of it.
 *
 * A full join over keys that no side has twice, and over rows without a key. Keys that a side has more than once are found by
 * a 64-bit hash before, which costs a third of grouping the rows, and are grouped apart from the others. A side that is said
 * to have none is not searched: were there one, it would have several results, which a unique index of the keys refuses.
 */
function store(options) {
  const searched = SIDES.filter((side) => !options.unique.includes(side));
  const sides = SIDES.map(
    (side) => `${side} as not materialized (
  ${sideOf(options, side)}
)`,
  );
  const single = (side) =>
    searched.length
      ? `select *, 1 as n from ${side} where not exists (select from repeated where repeated.key_hash = ${side}.key_hash)`
      : `select *, 1 as n from ${side}`;
  return `
with

${sides.join(",\n\n")},

${searched.length ? `${repeated(searched)},\n\n` : ""}single_pairs as (
  ${pairs(options, single, " and ours.has_key")}
),

single_keys as (
  ${results(options, "single_pairs")}
),

${searched.length ? `${repeatedKeys(options)},\n\n` : ""}results as (
  select * from single_keys${searched.length ? "\n  union all\n  select * from repeated_keys" : ""}
)

select * from results`;
}

function repeated(searched) {
  const ofSide = (side) => `select key_hash from ${side} where has_key group by key_hash having count(*) > 1`;
  return `repeated as materialized (
  ${searched.map(ofSide).join("\n  union all\n  ")}
)`;
}

function repeatedKeys(options) {
  return `repeated_pairs as (
  ${pairs(options, (side) => grouped(options, side), "")}
),

repeated_keys as (
  ${results(options, "repeated_pairs", "coalesce(n_ours, 1) = 1 and coalesce(n_theirs, 1) = 1")}
)`;
}

/** Of a single row the smallest value is the value; of several, none is used. */
function grouped({ key, columns, also }, side) {
  const list = Object.keys(key).join(", ");
  const only = ([name, { kind }]) => `${kind === "exact" ? `(array_agg(${name}))[1]` : `min(${name})`} as ${name}`;
  const values = [
    ...Object.entries(columns).map(only),
    ...also[side].map((name) => `min(also_${name}) as also_${name}`),
    "count(*)::int as n",
  ];
  return `
    select ${list}, ${values.join(", ")}
    from ${side}
    where has_key and exists (select from repeated where repeated.key_hash = ${side}.key_hash)
    group by ${list}
  `;
}

/**
 * Both sides beside each other. Values are compared as they are, which is cheaper than by checksums of both and has no
 * collisions. `offset 0`: whether they are the same is asked several times, and worked out once.
 */
function pairs({ key, columns, also }, rowsOf, more) {
  const keys = Object.keys(key);
  const names = Object.keys(columns);
  const all = (side) => [...keys, ...names, "n", ...also[side].map((name) => `also_${name}`)];
  const values = (side) => names.map((name) => `${side}.${name}`).join(", ");
  return `select
    ${SIDES.flatMap((side) => all(side).map((name) => `${side}.${name} as ${name}_${side}`)).join(",\n    ")},
    ours.n = 1 and theirs.n = 1 and (${values("ours")}) is not distinct from (${values("theirs")}) as is_same
  from (${rowsOf("ours")}) as ours
  full join (${rowsOf("theirs")}) as theirs
    on ${keys.map((name) => `ours.${name} = theirs.${name}`).join(" and ")}${more}
  offset 0`;
}

/**
 * What is kept of a pair; in two million every step counts.
 * @param alone where a side may have several rows: the condition that it has not. Of several nothing is kept.
 */
function results(options, from, alone) {
  const { key, columns, also } = options;
  const only = (value) => (alone ? `case when ${alone} then ${value} end` : value);
  const either = Object.keys(key).map((name) => `coalesce(${name}_ours, ${name}_theirs)`);
  const hash = (side) => rowHash(Object.keys(columns).map((name) => `${name}_${side}`));
  const ofRow = (side, value) => only(`case when n_${side} = 1 then ${value} end`);
  const unlessSame = (value) => only(`case when is_same then null else ${value} end`);
  const content = (side) => {
    const json = asJson({ key, columns, also }, side, (name) => `${name}_${side}`);
    return unlessSame(`case when n_${side} = 1 then ${json} end`);
  };
  return `select
    ${[
      ...Object.keys(key).map((name, index) => `${either[index]} as ${name}`),
      `${alone ? "true" : isKey(either)} as has_key`,
      "coalesce(n_ours, 0) as n_ours",
      "coalesce(n_theirs, 0) as n_theirs",
      `${ofRow("ours", hash("ours"))} as our_row_hash`,
      `${unlessSame(`case when n_theirs = 1 then ${hash("theirs")} end`)} as their_row_hash`,
      ...kept(options).flatMap((name) => [
        `${only(`${name}_ours`)} as ${name}_ours`,
        `${unlessSame(`${name}_theirs`)} as ${name}_theirs`,
      ]),
      `${outcomesOf(columns)} as outcomes`,
      `${content("ours")} as ours`,
      `${content("theirs")} as theirs`,
    ].join(",\n    ")}
  from ${from}`;
}

function outcomesOf(columns) {
  return `case
      when is_same then ${compare.outcomesOfEqual(columns)}
      when n_ours = 1 and n_theirs = 1 then ${compare.outcomes(columns).join("\n        || ")}
    end`;
}

module.exports = { store };
