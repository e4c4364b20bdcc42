import { type Cte, cte, withCtes } from "../../sql/ctes.ts";
import { id } from "../../sql/identifiers.ts";
import { literal } from "../../sql/literals.ts";
import { and, join, type Sql, sql } from "../../sql/sql.ts";
import { own } from "../shared/check-options.ts";
import { currencyForm } from "./compare.ts";
import { amountMatches } from "./match-amounts.ts";
import { groupMatches, keyMatches } from "./match-groups.ts";
import { sumMatches } from "./match-sums.ts";
import { normalized } from "./normalize.ts";
import { type Comparison, idOfSide } from "./options.ts";
import { commonColumns, guessedHalf, moneyOf, type Passing, rowNo } from "./passing.ts";
import { imports, source } from "./sources.ts";

// What passes match of the rows that their key leaves open. Each pass reads the rows that are left, as few columns of them as
// it needs, and gives rows of `row_no, outcome, match_group`.

// beside the author's columns
const isOurs = own("is_ours");
const content = own("content");

/** What a pass says of a row, the one that counts first. A row that is ambiguous is left alone by the passes that follow. */
const OUTCOMES_OF_PASS = ["matched", "ambiguous", "sum_differs", "too_many"] as const;

/** One row per open row that a pass matched, or says something of. */
export function matchesOf(comparison: Comparison, stored: Sql, duplicates: Sql | undefined): Sql {
  const passes = comparison.passes.map((pass, index) => ({
    comparison,
    pass,
    named: (part: string) => `pass_${index + 1}_${part}`,
  }));
  const ctes: Cte[] = [
    ...imports(duplicates ? { stored, duplicates } : { stored }),
    cte("open_rows", openRows, { comment: "rows whose key the other side does not have, and rows without one" }),
    ...passes.flatMap((one, index) => ctesOf(one, passes.slice(0, index))),
    cte(
      "told",
      join(
        passes.flatMap((one, index) => [...(index ? [sql`union all`] : []), toldBy(one, index)]),
        "\n",
      ),
    ),
    cte("first_told", firstTold, { comment: "of what several passes say of a row" }),
  ];
  const isRecursive = comparison.passes.some(({ by }) => by === "sum");
  return withCtes(ctes, sql`select * from first_told`, { recursive: isRecursive });
}

const openRows = sql`
  select *, n_ours = 1 as ${isOurs}, coalesce(ours, theirs) as ${content}
  from ${source("stored")}
  where ${guessedHalf(sql`n_ours + n_theirs = 1`)}`;

function ctesOf(passing: Passing, before: readonly Passing[]): Cte[] {
  const { pass, named } = passing;
  if (pass.by === "key") return keyMatches(passing);
  const found = { group: groupMatches, amount: amountMatches, sum: sumMatches }[pass.by](passing);
  return [cte(named("rows"), rowsLeft(passing, before), { materialized: true }), ...found];
}

/** The open rows that have what the pass asks for, and no pass before has matched or found ambiguous. */
function rowsLeft({ comparison, pass }: Passing, before: readonly Passing[]): Sql {
  const { currency } = moneyOf(comparison, pass);
  const amount = ofEither(pass.amount);
  const values = [
    sql`${amount} as amount`,
    ...(currency === undefined ? [] : [sql`${currencyForm(comparison, currency, ofEither(currency))} as currency`]),
    ...(pass.date === undefined ? [] : [sql`(${content} ->> ${literal(pass.date)})::date as booked_on`]),
    ...commonColumns(pass).map(({ given, name }) => sql`${commonValue(comparison, given)} as ${name}`),
  ];
  const isThere = [
    sql`amount > '-Infinity' and amount < 'Infinity'`,
    ...(currency === undefined ? [] : [sql`currency is not null`]),
    ...(pass.date === undefined ? [] : [sql`isfinite(booked_on)`]),
    ...commonColumns(pass).map(({ name }) => sql`${name} is not null`),
  ];
  const isLeft = before.map(
    ({ named }) =>
      sql`not exists (select from ${id(named("told"))} as told where told.${rowNo} = left_rows.${rowNo} and ${guessedHalf(sql`told.outcome in ('matched', 'ambiguous')`)})`,
  );
  return sql`
    select *
    from (
      select
        ${[rowNo, sql`${isOurs} as is_ours`, sql`${content} as content`, ...values]}
      from open_rows
    ) as left_rows
    where ${and([guessedHalf(and(isThere)), ...isLeft])}`;
}

/** The value of an open row, which has one side only. */
function ofEither(name: string): Sql {
  return sql`coalesce(${idOfSide(name, "ours")}, ${idOfSide(name, "theirs")})`;
}

/** A value that rows have to have in common, in the form it is compared in; NULL where there is none. */
function commonValue(comparison: Comparison, name: string): Sql {
  const { key, columns } = comparison;
  if (key.some((column) => column.name === name)) return sql`nullif(${id(name)}::text, '')`;
  const rule = columns.find((column) => column.name === name)?.rule;
  if (rule?.kind === "exact") return sql`nullif(${content} -> ${literal(name)}, 'null')`;
  const text = sql`(${content} ->> ${literal(name)})`;
  return sql`nullif(${rule?.kind === "text" ? normalized(text, rule.normalize) : text}, '')`;
}

function toldBy({ pass, named }: Passing, index: number): Sql {
  return sql`
    select ${rowNo}, ${literal(index + 1)} as position, ${literal(pass.name)} as match_pass, ${literal(pass.confidence)} as confidence, outcome, match_group
    from ${id(named("told"))}`;
}

const firstTold = sql`
  select distinct on (${rowNo})
    ${rowNo},
    match_pass,
    case when outcome = 'matched' then confidence end as confidence,
    outcome,
    match_group
  from told
  order by ${rowNo}, array_position(array[${join(OUTCOMES_OF_PASS.map(literal), ", ")}], outcome), position`;
