import { cte, withCtes } from "../../sql/ctes.ts";
import { id } from "../../sql/identifiers.ts";
import { literal } from "../../sql/literals.ts";
import { join, type Sql, sql } from "../../sql/sql.ts";
import { inCalls, MOST_ARGUMENTS } from "../shared/json.ts";
import type { Comparison } from "./options.ts";
import { keyJson, keyList } from "./sides.ts";
import { imports, source } from "./sources.ts";

/**
 * One row per thing to correct. Its id is made of what it says, so that a decision is about these very values, in whatever session;
 * not of what is shown beside them, as the file that a row came in: the same row that is delivered again is decided.
 */
export function proposalsOf(comparison: Comparison, rows: Sql): Sql {
  const keys = comparison.key.map((column) => keyJson(column, id(column.name)));
  const { ours, theirs } = comparison.also;
  const said = [
    id("column_name"),
    compared(id("our_value"), ours),
    compared(id("their_value"), theirs),
    id("proposed_action"),
  ];
  const array = (some: readonly Sql[]) => sql`
    jsonb_build_array(
      ${some}
    )`;
  const proposalId = sql`md5(${inCalls(MOST_ARGUMENTS, [...keys, ...said], array)}::text)`;
  const ctes = [
    ...imports({ rows }),
    cte("proposed", proposed(comparison)),
    cte("identified", sql`select ${proposalId} as proposal_id, proposed.* from proposed`),
  ];
  return withCtes(ctes, sql`select * from identified`);
}

/** A value; of a whole row without the columns that are only shown. */
function compared(value: Sql, also: readonly string[]): Sql {
  if (!also.length) return value;
  const names = join(
    also.map((name) => literal(name)),
    ", ",
  );
  return sql`case when column_name is null then (${value}::jsonb - array[${names}])::text else ${value} end`;
}

function proposed(comparison: Comparison): Sql {
  const keys = keyList(comparison);
  // what may be another row of ours is not added
  const insert = comparison.passes.length
    ? sql`case when coalesce(match_note, 'too_many') = 'too_many' then 'insert' else 'investigate' end`
    : sql`'insert'`;
  return sql`
    select
      ${keys},
      status,
      differing.column_name,
      ours ->> differing.column_name as our_value,
      theirs ->> differing.column_name as their_value,
      'update' as proposed_action
    from ${source("rows")}
    cross join lateral unnest(diff_columns) as differing (column_name)
    -- amounts in two currencies differ although the figure may be the same
    where status = 'mismatched' and ours ->> differing.column_name is distinct from theirs ->> differing.column_name
    union all
    select ${join(keys, ", ")}, status, null, null, theirs::text, ${insert}
    from ${source("rows")}
    where status = 'missing_in_ours'
    union all
    select ${join(keys, ", ")}, status, null, ours::text, null, 'investigate'
    from ${source("rows")}
    where status = 'missing_in_theirs'`;
}
