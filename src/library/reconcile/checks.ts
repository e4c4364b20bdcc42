import { type Cte, cte, withCtes } from "../../sql/ctes.ts";
import { id } from "../../sql/identifiers.ts";
import { join, type Sql, sql } from "../../sql/sql.ts";
import { currencyForm, minorUnit, OUTCOMES } from "./compare.ts";
import { type Comparison, columnOf, SIDES, type Side } from "./options.ts";
import { comparedForm, measureOf } from "./sides.ts";
import { imports, source } from "./sources.ts";
import type { Relations } from "./store.ts";
import { typesOfColumns } from "./types.ts";

// The promises that the results are checked for: a select gives a row for each that is broken.

/** Sides of which not every row is counted once. */
export function rowsLost(relations: Relations, rows: Sql): Sql {
  const count = (side: Side) => sql`(select count(*) from ${source(side)})`;
  const ctes: Cte[] = [
    ...imports({ ...relations, rows }),
    cte(
      "counted",
      sql`
      select coalesce(sum(n_ours), 0) as n_ours, coalesce(sum(n_theirs), 0) as n_theirs
      from ${source("rows")}`,
    ),
    cte(
      "sides",
      sql`
      select 'ours' as side, ${count("ours")} as source_rows, n_ours as counted_rows from counted
      union all
      select 'theirs', ${count("theirs")}, n_theirs from counted`,
    ),
  ];
  return withCtes(
    ctes,
    sql`
    select side, source_rows, counted_rows
    from sides
    where source_rows <> counted_rows`,
  );
}

/** Columns whose counts are not as many as the pairs of rows that were compared. */
export function columnsWrong(rows: Sql, columns: Sql): Sql {
  const ctes: Cte[] = [
    ...imports({ rows, columns }),
    cte(
      "counted",
      sql`
      select count(*) as pairs
      from ${source("rows")}
      where status in ('matched', 'matched_within_tolerance', 'mismatched')`,
    ),
  ];
  const outcomes = [...OUTCOMES.values()].slice(1).map((label) => sql`+ ${id(label)}`);
  return withCtes(
    ctes,
    sql`
    select column_name, compared, pairs
    from ${source("columns")}
    cross join counted
    where compared <> pairs or ${id([...OUTCOMES.values()][0]!)} ${join(outcomes, " ")} <> compared`,
  );
}

/** Groups that are said to be matched and are not of both sides, or whose sums differ. */
export function groupsWrong(groups: Sql): Sql {
  const compared = (sum: Sql) =>
    sql`case when currency is null then ${sum} else round(${sum}, ${minorUnit(sql`currency`)}) end`;
  return sql`
    select match_group, match_pass, n_ours, n_theirs, currency, sum_ours, sum_theirs
    from ${groups} as found
    where outcome = 'matched'
      and (n_ours = 0 or n_theirs = 0 or ${compared(sql`sum_ours`)} is distinct from ${compared(sql`sum_theirs`)})`;
}

/** Currencies in which the statuses do not add up to what the sources have. Of what has no money, none. */
export function sumsWrong(comparison: Comparison, relations: Relations, summary: Sql): Sql {
  const { amount, currency } = measureOf(comparison)!;
  const amountColumn = columnOf(comparison, amount);
  const form = currencyForm(comparison, currency, sql`${id(currency)}::text`);
  const of = (side: Side) => sql`
    select ${form} as currency, sum(${comparedForm(amountColumn, side)}) as amount
    from ${source(side)}
    group by 1`;
  const ctes: Cte[] = [
    ...imports({ ...relations, summary }),
    ...typesOfColumns([amountColumn], SIDES),
    ...SIDES.map((side) => cte(side, of(side))),
    cte(
      "explained",
      sql`
      select currency, sum(amount_ours) as ours, sum(amount_theirs) as theirs
      from ${source("summary")}
      group by currency`,
    ),
    cte(
      "expected",
      sql`
      select coalesce(ours.currency, theirs.currency) as currency, ours.amount as ours, theirs.amount as theirs
      from ours
      full join theirs on coalesce(theirs.currency, '') = coalesce(ours.currency, '')`,
    ),
  ];
  return withCtes(
    ctes,
    sql`
    select
      coalesce(expected.currency, explained.currency) as currency,
      coalesce(expected.ours, 0) as ours,
      explained.ours as explained_ours,
      coalesce(expected.theirs, 0) as theirs,
      explained.theirs as explained_theirs
    from expected
    full join explained on coalesce(explained.currency, '') = coalesce(expected.currency, '')
    where coalesce(expected.ours, 0) <> coalesce(explained.ours, 0)
      or coalesce(expected.theirs, 0) <> coalesce(explained.theirs, 0)`,
  );
}
