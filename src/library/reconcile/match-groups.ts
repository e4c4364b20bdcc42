import { type Cte, cte } from "../../sql/ctes.ts";
import { id } from "../../sql/identifiers.ts";
import { literal } from "../../sql/literals.ts";
import { and, join, type Sql, sql } from "../../sql/sql.ts";
import { own } from "../shared/check-options.ts";
import { currencyForm } from "./compare.ts";
import type { Side } from "./options.ts";
import {
  areEqual,
  comparedAmount,
  equalColumns,
  groupName,
  guessedHalf,
  moneyOf,
  type Passing,
  rowNo,
} from "./passing.ts";
import { keyList } from "./sides.ts";
import { source } from "./sources.ts";

// Rows that something named puts together: their key, or columns that they have in common. One row of a side stands against
// all of the other; where both sides have several, nobody can know which belong together.

/** A sum beside the key. */
const sumOf = (side: Side) => own(`sum_${side}`);

/** A key that a side has several times and the other once: its rows are among the duplicates. */
export function keyMatches(passing: Passing): Cte[] {
  const { comparison, pass, named } = passing;
  const { currency } = moneyOf(comparison, pass);
  const keys = join(keyList(comparison), ", ");
  const amount = id(pass.amount);
  const money = currency === undefined ? sql`null::text` : currencyForm(comparison, currency, id(currency));
  const sum = (count: Sql) => comparedAmount(passing, sql`sum(${amount} * ${count})`, sql`min(${money})`);
  const alike = comparison.key.map(({ name }) => sql`${id("summed", name)} = ${id("stored", name)}`);
  const summed = sql`
    select
      ${keys},
      sum(n_ours) as n_ours,
      sum(n_theirs) as n_theirs,
      ${sum(sql`n_ours`)} as ${sumOf("ours")},
      ${sum(sql`n_theirs`)} as ${sumOf("theirs")}
    from ${source("duplicates")}
    group by ${keys}
    having
      sum(n_ours) >= 1
      and sum(n_theirs) >= 1
      and least(sum(n_ours), sum(n_theirs)) = 1
      and bool_and(coalesce(${amount} > '-Infinity' and ${amount} < 'Infinity', false))
      ${currency === undefined ? sql`` : sql`and count(distinct ${money}) = 1 and count(${money}) = count(*)`}`;
  const told = sql`
    select
      stored.${rowNo},
      case when summed.${sumOf("ours")} = summed.${sumOf("theirs")} then 'matched' else 'sum_differs' end as outcome,
      ${groupName(
        passing,
        sql`jsonb_build_array(${join(
          comparison.key.map(({ name }) => id("stored", name)),
          ", ",
        )})`,
      )} as match_group
    from ${id(named("sums"))} as summed
    inner join ${source("stored")} as stored on ${and([...alike, sql`stored.has_key`])}`;
  return [cte(named("sums"), summed), cte(named("told"), told, { materialized: true })];
}

export function groupMatches(passing: Passing): Cte[] {
  const { pass, named } = passing;
  const equal = equalColumns(passing);
  const amount = (side: Sql) => comparedAmount(passing, sql`sum(amount) filter (where ${side})`);
  const window = pass.days === undefined ? sql`` : sql`and max(booked_on) - min(booked_on) <= ${literal(pass.days)}`;
  const groups = sql`
    select
      ${equal},
      case
        when least(count(*) filter (where is_ours), count(*) filter (where not is_ours)) > 1 then 'ambiguous'
        when ${amount(sql`is_ours`)} = ${amount(sql`not is_ours`)} then 'matched'
        else 'sum_differs'
      end as outcome,
      ${groupName(passing, sql`jsonb_agg(jsonb_build_array(is_ours, content) order by is_ours, content)`)} as match_group
    from ${id(named("rows"))}
    group by ${join(equal, ", ")}
    having ${guessedHalf(sql`count(*) filter (where is_ours) >= 1 and count(*) filter (where not is_ours) >= 1 ${window}`)}`;
  const told = sql`
    select
      grouped.${rowNo},
      found.outcome,
      case when found.outcome <> 'ambiguous' then found.match_group end as match_group
    from ${id(named("rows"))} as grouped
    inner join ${id(named("groups"))} as found on ${and(areEqual(passing, sql`grouped`, sql`found`))}`;
  return [cte(named("groups"), groups), cte(named("told"), told, { materialized: true })];
}
