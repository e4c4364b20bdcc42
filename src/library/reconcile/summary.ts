import { cte, withCtes } from "../../sql/ctes.ts";
import { id } from "../../sql/identifiers.ts";
import { and, join, type Sql, sql } from "../../sql/sql.ts";
import { own } from "../shared/check-options.ts";
import { currencyForm } from "./compare.ts";
import { type Comparison, idOfSide } from "./options.ts";
import { keyList, measureOf } from "./sides.ts";
import { imports, source } from "./sources.ts";

/** One row per status, and per currency where there is money. Ours counts under our currency, theirs under theirs. */
export function summaryOf(comparison: Comparison, rows: Sql, duplicates: Sql | undefined): Sql {
  const measure = measureOf(comparison);
  if (!measure || !duplicates) return countsOf(rows);
  const repeated = comparison.passes.some(({ by }) => by === "key");
  const ctes = [
    ...imports({ rows, duplicates }),
    cte("grouped", grouped(comparison, measure)),
    cte("repeated", repeatedRows(comparison, repeated)),
    cte("parts", parts(comparison, measure), { comment: "a key with several rows has no amount of its own" }),
    cte("summed", summed),
  ];
  return withCtes(ctes, sql`select * from summed`);
}

function countsOf(rows: Sql): Sql {
  return sql`
    select
      status,
      count(*) as keys,
      sum(n_ours)::bigint as rows_ours,
      sum(n_theirs)::bigint as rows_theirs
    from ${rows} as results
    group by status`;
}

interface Measure {
  readonly amount: string;
  readonly currency: string;
}

function grouped(comparison: Comparison, { amount, currency }: Measure): Sql {
  return sql`
    select
      status,
      ${currencyForm(comparison, currency, idOfSide(currency, "ours"))} as currency_ours,
      ${currencyForm(comparison, currency, idOfSide(currency, "theirs"))} as currency_theirs,
      count(*) as keys,
      sum(n_ours) as rows_ours,
      sum(n_theirs) as rows_theirs,
      sum(${idOfSide(amount, "ours")}) as amount_ours,
      sum(${idOfSide(amount, "theirs")}) as amount_theirs
    from ${source("rows")}
    where n_ours <= 1 and n_theirs <= 1
    group by 1, 2, 3`;
}

function parts(comparison: Comparison, { amount, currency }: Measure): Sql {
  const form = currencyForm(comparison, currency, id(currency));
  return sql`
    select
      status, coalesce(currency_theirs, currency_ours) as currency, keys,
      0 as rows_ours, 0 as rows_theirs, 0 as amount_ours, 0 as amount_theirs
    from grouped
    union all
    select status, currency_ours, 0, rows_ours, 0, amount_ours, 0
    from grouped
    where rows_ours > 0
    union all
    select status, currency_theirs, 0, 0, rows_theirs, 0, amount_theirs
    from grouped
    where rows_theirs > 0
    union all
    select ${ofKey}, first_currency, count(*), 0, 0, 0, 0
    from (
      select min(${ofKey}) as ${ofKey}, min(${form}) as first_currency
      from repeated
      group by ${join(keyList(comparison), ", ")}
    ) as keys
    group by ${ofKey}, first_currency
    union all
    select ${ofKey}, ${form}, 0, n_ours, n_theirs, ${ofRows(amount, sql`n_ours`)}, ${ofRows(amount, sql`n_theirs`)}
    from repeated`;
}

/** So many rows of an amount. Of none there is no amount: NaN and infinity times 0 are NaN. */
const ofRows = (amount: string, rows: Sql) => sql`case when ${rows} > 0 then ${id(amount)} * ${rows} end`;

/** The key's status, beside columns of the author's. */
const ofKey = own("status");

/** Rows of keys that are there more than once, with the key's status: a pass may have matched them. */
function repeatedRows(comparison: Comparison, arePassed: boolean): Sql {
  if (!arePassed) return sql`select 'duplicate' as ${ofKey}, duplicates.* from ${source("duplicates")} as duplicates`;
  const same = comparison.key.map(({ name }) => sql`${id("results", name)} = ${id("duplicates", name)}`);
  return sql`
    select results.status as ${ofKey}, duplicates.*
    from ${source("duplicates")} as duplicates
    inner join ${source("rows")} as results
      on ${and([...same, sql`(results.n_ours > 1 or results.n_theirs > 1)`])}`;
}

const summed = sql`
  select
    status,
    currency,
    sum(keys)::bigint as keys,
    sum(rows_ours)::bigint as rows_ours,
    sum(rows_theirs)::bigint as rows_theirs,
    coalesce(sum(amount_ours), 0) as amount_ours,
    coalesce(sum(amount_theirs), 0) as amount_theirs,
    coalesce(sum(amount_theirs), 0) - coalesce(sum(amount_ours), 0) as amount_diff
  from parts
  group by status, currency`;
