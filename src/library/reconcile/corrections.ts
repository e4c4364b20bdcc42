import { type Cte, cte, withCtes } from "../../sql/ctes.ts";
import { id } from "../../sql/identifiers.ts";
import { literal } from "../../sql/literals.ts";
import { join, type Sql, sql } from "../../sql/sql.ts";
import { type Dialect, literalIn, statement } from "./dialects.ts";
import { type Comparison, checkApart } from "./options.ts";
import { isFigure } from "./rules.ts";
import { imports, source } from "./sources.ts";

export interface Correcting {
  readonly proposals: Sql;
  readonly decisions: Sql;
  readonly dialect: Dialect;
  /** The table that statements correct, as its system writes it. */
  readonly table: string;
}

const SAID = ["column_name", "our_value", "their_value", "proposed_action"];
const DECIDED = ["decision", "decided_by", "decided_on", "comment"];

/**
 * One row per proposal that was decided, with its last decision: `accepted` while the difference is still there, `applied`
 * once it is gone, `rejected`. Decisions carry the values they are about, so they outlive the proposal.
 */
export function correctionsOf(comparison: Comparison, { proposals, decisions, dialect, table }: Correcting): Sql {
  checkApart(comparison.caller, "corrections", [
    ...comparison.key.map(({ name }) => [name, "the key"] as const),
    ...["proposal_id", ...SAID, ...DECIDED, "state", "apply_statement"].map(
      (name) => [name, "a column of its own"] as const,
    ),
  ]);
  const ctes: Cte[] = [
    ...imports({ proposals, decisions }),
    cte("decisions", lastDecisions, { comment: "of several decisions about one proposal the last counts" }),
    cte("corrections", corrections(comparison)),
    cte("stated", stated(comparison, dialect, table)),
  ];
  return withCtes(ctes, sql`select * from stated`);
}

const lastDecisions = sql`
  select distinct on (proposal_id) *
  from ${source("decisions")}
  order by proposal_id, decided_on desc, load_id desc, row_no desc`;

/** What is still proposed says what it is about, NULL included; of what is gone the decision does. */
function corrections({ key }: Comparison): Sql {
  const said = [...key.map(({ name }) => name), ...SAID].map(
    (name) =>
      sql`case when proposals.proposal_id is null then decisions.${id(name)} else proposals.${id(name)} end as ${id(name)}`,
  );
  return sql`
    select
      decisions.proposal_id,
      ${said},
      ${DECIDED.map((name) => sql`decisions.${id(name)}`)},
      case
        when decisions.decision = 'reject' then 'rejected'
        when proposals.proposal_id is null then 'applied'
        else 'accepted'
      end as state
    from decisions
    left join ${source("proposals")} as proposals on proposals.proposal_id = decisions.proposal_id`;
}

function stated(comparison: Comparison, dialect: Dialect, table: string): Sql {
  return sql`
    select
      *,
      case when state = 'accepted' then
        case proposed_action
          when 'update' then
            ${updateOf(comparison, dialect, table)}
          when 'insert' then
            ${insertOf(comparison, dialect, table)}
        end
      end as apply_statement
    from corrections`;
}

/** Says the old value as well: applied twice, or to a row that has changed since, it does nothing. */
function updateOf(comparison: Comparison, dialect: Dialect, table: string): Sql {
  const column = dialect.nameIn(sql`column_name`);
  const keys = comparison.key.flatMap(({ name }) => [
    `${dialect.name(name)} = `,
    literalIn(dialect, sql`${id(name)}::text`, false),
    " and ",
  ]);
  return statement([
    `update ${table} set `,
    column,
    " = ",
    valueIn(comparison, dialect, sql`their_value`),
    " where ",
    ...keys,
    column,
    ` ${dialect.isSame} `,
    valueIn(comparison, dialect, sql`our_value`),
    ";",
  ]);
}

/** A value of the column that differs, whichever it is. */
function valueIn({ columns }: Comparison, dialect: Dialect, value: Sql): Sql {
  const figures = columns.filter(({ rule }) => isFigure(rule)).map(({ name }) => literal(name));
  const text = literalIn(dialect, value, false);
  const number = literalIn(dialect, value, true);
  if (!figures.length || text.toString() === number.toString()) return text;
  return sql`case when column_name in (${join(figures, ", ")}) then ${number} else ${text} end`;
}

/** Only where the key is not there, so that it, too, does nothing when it is applied twice. */
function insertOf({ key, columns }: Comparison, dialect: Dialect, table: string): Sql {
  const valueIn = (name: string, isNumber: boolean) =>
    literalIn(dialect, sql`(their_value::jsonb ->> ${literal(name)})`, isNumber);
  const cells = [
    ...key.map(({ name }) => valueIn(name, false)),
    ...columns.map(({ name, rule }) => valueIn(name, isFigure(rule))),
  ];
  const names = [...key, ...columns].map(({ name }) => dialect.name(name));
  return statement([
    `insert into ${table} (${names.join(", ")}) select `,
    ...separated(
      cells.map((cell) => [cell]),
      ", ",
    ),
    `${dialect.nothing} where not exists (select 1 from ${table} where `,
    ...separated(
      key.map(({ name }, index) => [`${names[index]} = `, valueIn(name, false)]),
      " and ",
    ),
    ");",
  ]);
}

function separated(groups: readonly (readonly (string | Sql)[])[], separator: string): (string | Sql)[] {
  return groups.flatMap((group, index) => (index ? [separator, ...group] : group));
}
