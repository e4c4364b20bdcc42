import { type Cte, cte, withCtes } from "../../sql/ctes.ts";
import { id } from "../../sql/identifiers.ts";
import { literal } from "../../sql/literals.ts";
import { and, join, type Sql, sql } from "../../sql/sql.ts";
import { own } from "../shared/check-options.ts";
import { type Dialect, literalIn, statement } from "./dialects.ts";
import { normalized } from "./normalize.ts";
import { type Comparison, checkApart } from "./options.ts";
import { isFigure } from "./rules.ts";
import { keyList } from "./sides.ts";
import { imports, source } from "./sources.ts";

export interface Correcting {
  readonly proposals: Sql;
  readonly decisions: Sql;
  readonly dialect: Dialect;
  /** The table that statements correct, as its system writes it. */
  readonly table: string;
  /** Our rows, which say how our system stores a key. */
  readonly ours?: Sql | undefined;
  /** Their columns that do, by column of the key; the column itself where none is said. */
  readonly stored: ReadonlyMap<string, string>;
}

const SAID = ["column_name", "our_value", "their_value", "proposed_action"];
const DECIDED = ["decision", "decided_by", "decided_on", "comment"];

/**
 * One row per proposal that was decided, with its last decision: `accepted` while the difference is still there, `applied`
 * once it is gone, `superseded` where there is another one of the same row or column by now, `rejected`. Decisions carry the values they are about, so they outlive the proposal.
 */
export function correctionsOf(comparison: Comparison, correcting: Correcting): Sql {
  const { proposals, decisions, ours } = correcting;
  checkApart(comparison.caller, "corrections", [
    ...comparison.key.map(({ name }) => [name, "the key"] as const),
    ...["proposal_id", ...SAID, ...DECIDED, "state", "apply_statement"].map(
      (name) => [name, "a column of its own"] as const,
    ),
  ]);
  const ctes: Cte[] = [
    ...imports(ours ? { proposals, decisions, ours } : { proposals, decisions }),
    cte("decisions", lastDecisions, { comment: "of several decisions about one proposal the last counts" }),
    cte("corrections", corrections(comparison)),
    ...(ours ? [cte("located", located(comparison, correcting), { comment: "a key as our system stores it" })] : []),
    cte("stated", stated(comparison, correcting)),
  ];
  return withCtes(ctes, sql`select * from stated`);
}

const lastDecisions = sql`
  select distinct on (proposal_id) *
  from ${source("decisions")}
  order by proposal_id, decided_on desc, load_id desc, row_no desc`;

/** What is still proposed says what it is about, NULL included; of what is gone the decision does. */
function corrections({ key: of }: Comparison): Sql {
  const same = of.map(({ name }) => sql`others.${id(name)} = decisions.${id(name)}`);
  const said = [...of.map(({ name }) => name), ...SAID].map(
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
        when proposals.proposal_id is not null then 'accepted'
        when others.column_name is not null then 'superseded'
        else 'applied'
      end as state
    from decisions
    left join ${source("proposals")} as proposals on proposals.proposal_id = decisions.proposal_id
    left join (
      select distinct ${join(
        of.map(({ name }) => id(name)),
        ", ",
      )}, coalesce(column_name, '') as column_name
      from ${source("proposals")}
    ) as others
      on ${and([...same, sql`others.column_name = coalesce(decisions.column_name, '')`])}`;
}

/** Accepted changes, each beside the row of ours that it is about. */
function located({ key }: Comparison, { stored }: Correcting): Sql {
  const columns = key.map(({ name }, index) => sql`ours.${id(stored.get(name) ?? name)}::text as ${storedKey(index)}`);
  const same = key.map(
    ({ name, steps }) =>
      sql`corrections.${id(name)} = ${steps.length ? normalized(sql`ours.${id(name)}::text`, steps) : sql`ours.${id(name)}`}`,
  );
  return sql`
    select
      corrections.*,
      ${columns}
    from corrections
    left join ${source("ours")} as ours
      on ${and([...same, sql`corrections.state = 'accepted'`, sql`corrections.proposed_action = 'update'`])}`;
}

/** The name that a part of the key has as it is stored, by its place. */
function storedKey(index: number): Sql {
  return own(`stored_${index + 1}`);
}

function stated(comparison: Comparison, { dialect, table, ours }: Correcting): Sql {
  const update = updateOf(comparison, dialect, table, ours !== undefined);
  const isLocated = and(comparison.key.map((_, index) => sql`${storedKey(index)} is not null`));
  return sql`
    select
      proposal_id,
      ${keyList(comparison)},
      ${[...SAID, ...DECIDED].map((name) => id(name))},
      state,
      case when state = 'accepted' then
        case proposed_action
          when 'update' then
            ${ours ? sql`case when ${isLocated} then ${update} end` : update}
          when 'insert' then
            ${insertOf(comparison, dialect, table)}
        end
      end as apply_statement
    from ${ours ? sql`located` : sql`corrections`}`;
}

/** Says the old value as well: applied twice, or to a row that has changed since, it does nothing. */
function updateOf(comparison: Comparison, dialect: Dialect, table: string, isLocated: boolean): Sql {
  const column = dialect.nameIn(sql`column_name`);
  const keys = comparison.key.flatMap(({ name }, index) => [
    `${dialect.name(name)} = `,
    literalIn(dialect, isLocated ? storedKey(index) : sql`${id(name)}::text`, false),
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
