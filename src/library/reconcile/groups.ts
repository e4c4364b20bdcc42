import { cte, withCtes } from "../../sql/ctes.ts";
import { id } from "../../sql/identifiers.ts";
import { literal } from "../../sql/literals.ts";
import { and, join, type Sql, sql } from "../../sql/sql.ts";
import { currencyForm } from "./compare.ts";
import { type Comparison, idOfSide, type Side } from "./options.ts";
import { moneyOf } from "./passing.ts";
import { imports, source } from "./sources.ts";

/** One row per group of rows that a pass put together, with the sums of both sides. `duplicates` where a pass is by key. */
export function groupsOf(comparison: Comparison, rows: Sql, duplicates: Sql | undefined): Sql {
  const ctes = [
    ...imports(duplicates ? { rows, duplicates } : { rows }),
    cte("single_rows", singleRows(comparison)),
    ...(duplicates ? [cte("repeated_rows", repeatedRows(comparison))] : []),
    cte(
      "members",
      duplicates
        ? sql`
      select * from single_rows
      union all
      select * from repeated_rows`
        : sql`select * from single_rows`,
    ),
    cte("summed", summed),
    cte("differing", sql`select summed.*, sum_theirs - sum_ours as sum_diff from summed`),
  ];
  return withCtes(
    ctes,
    sql`
    select match_group, match_pass, outcome, confidence, n_ours, n_theirs, currency, sum_ours, sum_theirs, sum_diff, ours, theirs
    from differing`,
  );
}

const SAID = sql`match_group, match_pass, confidence, coalesce(match_note, 'matched') as outcome`;

function singleRows(comparison: Comparison): Sql {
  const of = (side: Side, name: string) => sql`when ${idOfSide(name, side)} is not null then ${idOfSide(name, side)}`;
  const perPass = (value: (amount: string) => Sql | undefined) =>
    sql`case match_pass ${join(
      comparison.passes.map((pass) => sql`when ${literal(pass.name)} then ${value(pass.amount) ?? sql`null`}`),
      " ",
    )} end`;
  const currency = perPass((amount) => {
    const { currency: name } = moneyOf(comparison, { amount });
    if (name === undefined) return undefined;
    return currencyForm(comparison, name, sql`case ${of("ours", name)} ${of("theirs", name)} end`);
  });
  return sql`
    select
      ${SAID},
      n_ours,
      n_theirs,
      ${currency}::text as currency,
      ${perPass((amount) => idOfSide(amount, "ours"))} as amount_ours,
      ${perPass((amount) => idOfSide(amount, "theirs"))} as amount_theirs,
      ours,
      theirs
    from ${source("rows")}
    where match_group is not null and n_ours <= 1 and n_theirs <= 1`;
}

function repeatedRows(comparison: Comparison): Sql {
  const { amount } = comparison.passes.find(({ by }) => by === "key")!;
  const { currency } = moneyOf(comparison, { amount });
  const same = comparison.key.map(({ name }) => sql`${id("repeated", name)} = ${id("results", name)}`);
  const of = (side: Side) => {
    const figures = [`ours`, `theirs`].map((one) => (one === side ? sql`repeated.${id(amount)}` : sql`null`));
    return sql`
      select
        ${SAID},
        ${literal(side === "ours" ? 1 : 0)},
        ${literal(side === "theirs" ? 1 : 0)},
        ${currency === undefined ? sql`null` : currencyForm(comparison, currency, id("repeated", currency))}::text,
        ${figures[0]!},
        ${figures[1]!},
        ${side === "ours" ? sql`one.content` : sql`null`},
        ${side === "theirs" ? sql`one.content` : sql`null`}
      from ${source("rows")} as results
      inner join ${source("duplicates")} as repeated on ${and(same)}
      cross join lateral jsonb_array_elements(repeated.${id(side)}) as one (content)
      where results.match_group is not null`;
  };
  return sql`
    ${of("ours")}
    union all
    ${of("theirs")}`;
}

const summed = sql`
  select
    match_group,
    match_pass,
    outcome,
    min(confidence) as confidence,
    sum(n_ours)::int as n_ours,
    sum(n_theirs)::int as n_theirs,
    min(currency) as currency,
    sum(amount_ours) as sum_ours,
    sum(amount_theirs) as sum_theirs,
    coalesce(jsonb_agg(ours order by ours) filter (where ours is not null), '[]') as ours,
    coalesce(jsonb_agg(theirs order by theirs) filter (where theirs is not null), '[]') as theirs
  from members
  group by match_group, match_pass, outcome`;
