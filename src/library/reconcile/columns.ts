import { cte, withCtes } from "../../sql/ctes.ts";
import { id, suffixed } from "../../sql/identifiers.ts";
import { literal } from "../../sql/literals.ts";
import { join, type Sql, sql } from "../../sql/sql.ts";
import { OUTCOMES } from "./compare.ts";
import { type ComparedColumn, type Comparison, idOfSide } from "./options.ts";
import { isFigure } from "./rules.ts";
import { imports, source } from "./sources.ts";

const largest = (name: string) => id(suffixed(name, "_max"));
const first = (currency: string) => id(suffixed(currency, "_first"));
const last = (currency: string) => id(suffixed(currency, "_last"));

/** One row per compared column. Equal texts of outcomes are counted together first: there are few of them. */
export function columnStatistics(comparison: Comparison, rows: Sql): Sql {
  const columns = comparison.columns.map(statisticsOf);
  const ctes = [
    ...imports({ rows }),
    cte("by_outcome", byOutcome(comparison)),
    cte(
      "by_column",
      join(
        columns.flatMap((column, index) => (index ? [sql`union all`, column] : [column])),
        "\n",
      ),
    ),
    cte("rated", rated),
  ];
  return withCtes(ctes, sql`select * from rated`);
}

function byOutcome({ columns }: Comparison): Sql {
  const sums = columns
    .filter(({ rule }) => isFigure(rule))
    .flatMap(({ name }) => {
      const [ours, theirs] = [idOfSide(name, "ours"), idOfSide(name, "theirs")];
      return [
        sql`sum(${ours}) as ${ours},`,
        sql`sum(${theirs}) as ${theirs},`,
        sql`max(abs(${theirs} - ${ours})) as ${largest(name)},`,
      ];
    });
  const currencies = [...new Set(columns.flatMap(({ rule }) => (rule.kind === "money" ? [rule.currency] : [])))];
  const ranges = currencies.flatMap((name) => {
    const both = sql`${idOfSide(name, "ours")}, ${idOfSide(name, "theirs")}`;
    return [sql`min(least(${both})) as ${first(name)},`, sql`max(greatest(${both})) as ${last(name)},`];
  });
  return sql`
    select
      outcomes,
      ${join([...sums, ...ranges], "\n")}
      count(*) as pairs
    from ${source("rows")}
    where outcomes is not null
    group by outcomes`;
}

/** Sums of money are told in one currency only. */
function statisticsOf({ name, rule, position }: ComparedColumn): Sql {
  const currency = rule.kind === "money" ? rule.currency : undefined;
  const ifOne = (value: Sql) =>
    currency === undefined ? value : sql`case when min(${first(currency)}) = max(${last(currency)}) then ${value} end`;
  const figure = (value: Sql) => (isFigure(rule) ? ifOne(value) : sql`null::numeric`);
  const counts = [...OUTCOMES].map(([letter, label]) => {
    const having = sql`filter (where substr(outcomes, ${literal(position)}, 1) = ${literal(letter)})`;
    return sql`coalesce(sum(pairs) ${having}, 0)::bigint as ${id(label)}`;
  });
  return sql`
    select
      ${literal(position)} as position,
      ${literal(name)} as column_name,
      ${literal(rule.kind)} as kind,
      ${currency === undefined ? sql`null::text` : ifOne(sql`min(${first(currency)})`)} as currency,
      coalesce(sum(pairs), 0)::bigint as compared,
      ${counts},
      ${figure(sql`sum(${idOfSide(name, "ours")})`)} as sum_ours,
      ${figure(sql`sum(${idOfSide(name, "theirs")})`)} as sum_theirs,
      ${figure(sql`max(${largest(name)})`)} as max_abs_diff
    from by_outcome`;
}

const rated = sql`
  select
    position,
    column_name,
    kind,
    compared,
    ${[...OUTCOMES.values()].map((label) => id(label))},
    trunc(100.0 * (equal + both_null + within_tolerance) / nullif(compared, 0), 4)::numeric(7, 4) as match_pct,
    currency,
    sum_ours,
    sum_theirs,
    coalesce(sum_theirs, 0 * sum_ours) - coalesce(sum_ours, 0 * sum_theirs) as sum_diff,
    max_abs_diff
  from by_column`;
