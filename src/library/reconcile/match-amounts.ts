import { type Cte, cte } from "../../sql/ctes.ts";
import { id } from "../../sql/identifiers.ts";
import { literal } from "../../sql/literals.ts";
import { and, join, type Sql, sql } from "../../sql/sql.ts";
import { areEqual, comparedAmount, equalColumns, groupName, type Passing, rowNo } from "./passing.ts";

/**
 * One row against one of the same amount: each the nearest in days of the other, and no other as near. Rows of a side that are
 * alike in all of it are looked at as one cell, so that the work grows with rows and days and not with pairs of rows.
 */
export function amountMatches(passing: Passing): Cte[] {
  const { named } = passing;
  return [
    cte(named("cells"), cells(passing), { materialized: true }),
    cte(named("nearby"), nearby(passing), { materialized: true }),
    cte(named("pairs"), pairs(passing)),
    cte(named("ranked"), ranked(passing)),
    cte(named("judged"), judged(passing)),
    cte(named("told"), told(passing), { materialized: true }),
  ];
}

function cells(passing: Passing): Sql {
  const columns = [...equalColumns(passing), sql`is_ours`, sql`booked_on`, comparedAmount(passing, sql`amount`)];
  return sql`
    select
      row_number() over () as cell,
      ${columns.slice(0, -1)},
      ${columns.at(-1)!} as amount,
      array_agg(${rowNo}) as row_nos,
      count(*) = 1 as is_single,
      min(content::text) as content
    from ${id(passing.named("rows"))}
    group by ${join(columns, ", ")}`;
}

/** Each cell of ours once per day that is near enough: theirs is then found by equality. */
function nearby(passing: Passing): Sql {
  const { pass, named } = passing;
  const days = literal(pass.days!);
  return sql`
    select ours.*, booked_on + nearby.days as near_on, abs(nearby.days) as days
    from ${id(named("cells"))} as ours
    cross join generate_series(-${days}, ${days}) as nearby (days)
    where is_ours`;
}

function pairs(passing: Passing): Sql {
  const { named } = passing;
  const on = [...areEqual(passing, sql`ours`, sql`theirs`), sql`ours.amount = theirs.amount`];
  return sql`
    select
      ours.cell as our_cell,
      theirs.cell as their_cell,
      ours.row_nos as our_rows,
      theirs.row_nos as their_rows,
      ours.content as our_content,
      theirs.content as their_content,
      ours.is_single and theirs.is_single as are_single,
      ours.days
    from ${id(named("nearby"))} as ours
    inner join ${id(named("cells"))} as theirs
      on ${and([...on, sql`theirs.booked_on = ours.near_on`, sql`not theirs.is_ours`])}`;
}

function ranked({ named }: Passing): Sql {
  return sql`
    select
      pairs.*,
      rank() over (partition by our_cell order by days) = 1 and count(*) over (partition by our_cell, days) = 1 as is_ours_nearest,
      rank() over (partition by their_cell order by days) = 1 and count(*) over (partition by their_cell, days) = 1 as is_theirs_nearest
    from ${id(named("pairs"))} as pairs`;
}

function judged({ named }: Passing): Sql {
  return sql`
    select
      ranked.*,
      bool_or(is_match) over (partition by our_cell) as is_ours_taken,
      bool_or(is_match) over (partition by their_cell) as is_theirs_taken
    from (
      select *, are_single and is_ours_nearest and is_theirs_nearest as is_match from ${id(named("ranked"))} as ranked
    ) as ranked`;
}

function told(passing: Passing): Sql {
  const judged = id(passing.named("judged"));
  return sql`
    select one.${rowNo}, 'matched' as outcome, ${groupName(passing, sql`our_content, their_content`)} as match_group
    from ${judged}
    cross join lateral unnest(our_rows || their_rows) as one (${rowNo})
    where is_match
    union all
    select distinct one.${rowNo}, 'ambiguous', null
    from ${judged}
    cross join lateral unnest(our_rows || their_rows) as one (${rowNo})
    where not is_ours_taken and not is_theirs_taken`;
}
