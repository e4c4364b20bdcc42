// From proposals and people's decisions to corrections, to the records as corrected, and to statements that apply them.

const { normalized, typeOf } = require("./reconcile_compare");

/**
 * One row per proposal that was decided, with its last decision: `accepted` while the difference is still there, `applied`
 * once it is gone, `rejected`. Decisions carry the values they are about, so they outlive the proposal.
 * `target`: the table that `apply_statement` corrects.
 */
function corrections({ key, columns }, { proposals, decisions, target, dialect }) {
  const keys = Object.keys(key);
  const fields = [...keys, "column_name", "our_value", "their_value", "proposed_action"];
  return `
with

decisions as (
  select distinct on (proposal_id) *
  from ${decisions} as decisions
  order by proposal_id, decided_on desc, load_id desc, row_no desc
),

proposals as (
  select * from ${proposals} as proposals
),

corrections as (
  select
    decisions.proposal_id,
    ${fields.map((name) => `coalesce(proposals.${name}, decisions.${name}) as ${name}`).join(",\n    ")},
    decisions.decision,
    decisions.decided_by,
    decisions.decided_on,
    decisions.comment,
    case
      when decisions.decision = 'reject' then 'rejected'
      when proposals.proposal_id is null then 'applied'
      else 'accepted'
    end as state
  from decisions
  left join proposals on proposals.proposal_id = decisions.proposal_id
),

stated as (
  select
    *,
    case when state = 'accepted' then
      case proposed_action
        when 'update' then ${updateOf(keys, target, dialect)}
        when 'insert' then ${insertOf(keys, columns, target, dialect)}
      end
    end as apply_statement
  from corrections
)

select * from stated`;
}

/** Says the old value as well: applied twice, or to a row that has changed since, it does nothing. */
function updateOf(keys, target, dialect) {
  const quoted = quoter(dialect);
  const old = dialect === "mysql" ? "<=>" : "is not distinct from";
  const where = keys.map((name) => `'${name} = ' || ${quoted(`${name}::text`)}`).join(" || ' and ' || ");
  return `'update ${target} set ' || column_name || ' = ' || ${quoted("their_value")} || ' where ' || ${where} || ' and ' || column_name || ' ${old} ' || ${quoted("our_value")} || ';'`;
}

/** Only where the key is not there, so that it, too, does nothing when it is applied twice. */
function insertOf(keys, columns, target, dialect) {
  const names = [...keys, ...Object.keys(columns)];
  const quoted = quoter(dialect);
  const textOf = (name) => quoted(`their_value::jsonb ->> '${name}'`);
  const list = names.map(textOf).join(" || ', ' || ");
  const there = keys.map((name) => `'${name} = ' || ${textOf(name)}`).join(" || ' and ' || ");
  const from = dialect === "mysql" ? " from dual" : "";
  return `'insert into ${target} (${names.join(", ")}) select ' || ${list} || '${from} where not exists (select 1 from ${target} where ' || ${there} || ');'`;
}

/** A value as a literal of the own system. */
function quoter(dialect) {
  const text =
    dialect === "mysql"
      ? (value) => `'''' || replace(replace(${value}, '\\', '\\\\'), '''', '''''') || ''''`
      : (value) => `quote_literal(${value})`;
  return (value) => `coalesce(${text(value)}, 'null')`;
}

/** Our records with what was accepted: values changed in rows whose key is single, and rows added. */
function corrected({ key, columns, also }, { ours, corrections }) {
  const keys = Object.keys(key);
  const names = Object.keys(columns);
  const castOf = (name) => (typeOf(columns[name]) ? `::${typeOf(columns[name])}` : "");
  const kept = also.ours;
  return `
with

ours as (
  select * from ${ours} as ours
),

accepted as (
  select * from ${corrections} as corrections where state = 'accepted'
),

changes as (
  select ${keys.join(", ")}, jsonb_object_agg(column_name, their_value) as new_values
  from accepted
  where proposed_action = 'update'
  group by ${keys.join(", ")}
),

changed as (
  select
    ${[...keys, ...kept].map((name) => `ours.${name}`).join(",\n    ")},
    ${names
      .map(
        (name) =>
          `case when changes.new_values ? '${name}' then (changes.new_values ->> '${name}')${castOf(name)} else ours.${name}${castOf(name)} end as ${name}`,
      )
      .join(",\n    ")},
    changes.new_values is not null as is_corrected,
    false as is_added
  from ours
  left join changes on ${keys.map((name) => `changes.${name} = ${matchForm(key, name)}`).join(" and ")}
),

added as (
  select
    ${[...keys, ...kept.map((name) => `(select ours.${name} from ours limit 0) as ${name}`)].join(",\n    ")},
    ${names.map((name) => `(their_value::jsonb ->> '${name}')${castOf(name)} as ${name}`).join(",\n    ")},
    false as is_corrected,
    true as is_added
  from accepted
  where proposed_action = 'insert'
)

select * from changed
union all
select * from added`;
}

function matchForm(key, name) {
  return key[name].length ? normalized(`ours.${name}::text`, key[name]) : `ours.${name}`;
}

module.exports = { corrections, corrected };
