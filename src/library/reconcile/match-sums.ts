import { type Cte, cte } from "../../sql/ctes.ts";
import { id } from "../../sql/identifiers.ts";
import { literal } from "../../sql/literals.ts";
import { and, join, type Sql, sql } from "../../sql/sql.ts";
import { areEqual, comparedAmount, equalColumns, groupName, guessedHalf, type Passing, rowNo } from "./passing.ts";

/**
 * One row of a side against a few of the other that add up to it. Every sum of the rows that come into question is tried, and
 * only where these are few: the pass has a bound for them and one for the rows of a sum.
 */
export function sumMatches(passing: Passing): Cte[] {
  const { named } = passing;
  const kept = { materialized: true };
  return [
    cte(named("days"), days(passing)),
    cte(named("nearby"), nearby(passing), kept),
    cte(named("around"), around(passing), { ...kept, comment: "how many rows of the other side come into question" }),
    cte(named("parts"), parts(passing), kept),
    cte(named("sums"), sums(passing)),
    cte(named("solutions"), solutions(passing), kept),
    cte(named("members"), members(passing), kept),
    cte(named("told"), told(passing), kept),
  ];
}

function days(passing: Passing): Sql {
  const columns = [...equalColumns(passing), sql`is_ours`, sql`booked_on`];
  return sql`
    select ${join(columns, ", ")}, sign(amount) as direction, count(*) as row_count
    from ${id(passing.named("rows"))}
    where amount <> 0
    group by ${join([...columns, sql`sign(amount)`], ", ")}`;
}

/** Each row once per day that is near enough: what lies there is then found by equality, and not row by row. */
function nearby(passing: Passing): Sql {
  const days = literal(passing.pass.days!);
  return sql`
    select
      ${[rowNo, ...equalColumns(passing), sql`not is_ours as are_ours`, sql`sign(amount) as direction`, sql`amount`]},
      booked_on + nearby.days as near_on
    from ${id(passing.named("rows"))}
    cross join generate_series(-${days}, ${days}) as nearby (days)
    where amount <> 0`;
}

function isNear(passing: Passing, direction: Sql): Sql {
  return and([
    ...areEqual(passing, sql`near_rows`, sql`other`),
    sql`other.is_ours = near_rows.are_ours`,
    sql`${direction} = near_rows.direction`,
    sql`other.booked_on = near_rows.near_on`,
  ]);
}

function around(passing: Passing): Sql {
  const { named } = passing;
  return sql`
    select near_rows.*, sum(other.row_count) over (partition by near_rows.${rowNo}) as row_count
    from ${id(named("nearby"))} as near_rows
    inner join ${id(named("days"))} as other on ${isNear(passing, sql`other.direction`)}`;
}

function parts(passing: Passing): Sql {
  const { pass, named } = passing;
  const currency = equalColumns(passing).some((name) => name.toString() === "currency")
    ? sql`near_rows.currency`
    : sql`null::text`;
  return sql`
    select
      near_rows.${rowNo} as whole_no,
      near_rows.amount as whole,
      ${currency} as currency,
      other.${rowNo} as part_no,
      other.amount,
      row_number() over (partition by near_rows.${rowNo} order by other.${rowNo}) as place
    from ${id(named("around"))} as near_rows
    inner join ${id(named("rows"))} as other on ${isNear(passing, sql`sign(other.amount)`)}
    where ${guessedHalf(sql`near_rows.row_count between 2 and ${literal(pass.candidates)}`)}`;
}

/** What is above the whole can only grow, as all are of one sign; a unit more is for rounding. */
function sums({ pass, named }: Passing): Sql {
  const isBelow = (amount: Sql, whole: Sql) => guessedHalf(sql`abs(${amount}) <= abs(${whole}) + 1`);
  return sql`
    select whole_no, whole, currency, array[part_no] as part_nos, place, amount, 1 as size
    from ${id(named("parts"))}
    where ${isBelow(sql`amount`, sql`whole`)}
    union all
    select sums.whole_no, sums.whole, sums.currency, sums.part_nos || parts.part_no, parts.place, sums.amount + parts.amount, sums.size + 1
    from ${id(named("sums"))} as sums
    inner join ${id(named("parts"))} as parts
      on parts.whole_no = sums.whole_no
      and parts.place > sums.place
      and sums.size < ${literal(pass.most)}
      and ${isBelow(sql`sums.amount + parts.amount`, sql`sums.whole`)}`;
}

function solutions(passing: Passing): Sql {
  return sql`
    select row_number() over () as solution, whole_no || part_nos as row_nos
    from ${id(passing.named("sums"))}
    where ${guessedHalf(sql`size >= 2 and ${comparedAmount(passing, sql`amount`)} = ${comparedAmount(passing, sql`whole`)}`)}`;
}

function members({ named }: Passing): Sql {
  return sql`
    select counted.*, max(solutions_of_row) over (partition by solution) as most_solutions
    from (
      select solutions.solution, member.${rowNo}, count(*) over (partition by member.${rowNo}) as solutions_of_row
      from ${id(named("solutions"))} as solutions
      cross join lateral unnest(solutions.row_nos) as member (${rowNo})
    ) as counted`;
}

function told(passing: Passing): Sql {
  const { pass, named } = passing;
  const name = groupName(passing, sql`jsonb_agg(jsonb_build_array(is_ours, content) order by is_ours, content)`);
  return sql`
    select unnest(matched.row_nos) as ${rowNo}, 'matched' as outcome, matched.match_group
    from (
      select array_agg(members.${rowNo}) as row_nos, ${name} as match_group
      from ${id(named("members"))} as members
      inner join ${id(named("rows"))} as rows on rows.${rowNo} = members.${rowNo}
      where most_solutions = 1
      group by members.solution
    ) as matched
    union all
    select distinct ${rowNo}, 'ambiguous', null
    from ${id(named("members"))}
    where most_solutions > 1
    union all
    select distinct ${rowNo}, 'too_many', null
    from ${id(named("around"))}
    where row_count > ${literal(pass.candidates)}`;
}
