import { type Cte, cte } from "../../sql/ctes.ts";
import { id } from "../../sql/identifiers.ts";
import { literal } from "../../sql/literals.ts";
import { join, type Sql, sql } from "../../sql/sql.ts";
import { refused } from "../shared/values.ts";
import { LEFT_OUT, ROLLED_BEYOND, ROLLED_TO, ROW_OF, TAKEN_IN } from "./shape.ts";
import { isStruck, type Ledger, type RawTable, sameStream } from "./streams.ts";

/** `stream_rows`: what the store is to know of each stream after this run. */
export function streamRows({ ledger }: Ledger, isAnew: boolean): Cte[] {
  const of = (relation: string) => sql`${id(relation, ROW_OF)} = known.${id(ROW_OF)}`;
  // Up to the first load that stays in the tail, or else all that there are: what comes later has a higher number.
  const ends = sql`
    select
      known.*,
      coalesce(
        (
          select min(tail_loads.load_id) - 1
          from tail_loads
          where ${of("tail_loads")}
            and tail_loads.load_id > known.rolled_to
            and tail_loads.load_id not in (select new_loads.load_id from new_loads)
        ),
        greatest(
          known.rolled_to,
          (select max(listed.load_id) from unnest(known.rolled_beyond) as listed (load_id)),
          (select max(tail_loads.load_id) from tail_loads where ${of("tail_loads")})
        )
      ) as now_to,
      array(select new_loads.load_id from new_loads where ${of("new_loads")}) as taken_in,
      array(select ledger.load_id from ${ledger} as ledger where ${sameStream} and ${isStruck}) as struck
    from known`;
  const listed = (loads: Sql, where: Sql) => sql`
    array(select listed.load_id from unnest(${loads}) as listed (load_id) where ${where} order by listed.load_id)`;
  const rows = sql`
    select
      ends.${id(ROW_OF)},
      ends.is_new,
      ends.now_to as ${id(ROLLED_TO)},
      ${listed(
        sql`ends.rolled_beyond || ends.taken_in`,
        sql`listed.load_id > ends.now_to and listed.load_id <> all (ends.struck)`,
      )} as ${id(ROLLED_BEYOND)},
      ${listed(
        sql`array(select unnest(ends.left_out || ends.struck) except select unnest(ends.taken_in))`,
        sql`listed.load_id <= ends.now_to`,
      )} as ${id(LEFT_OUT)},
      ${isAnew ? sql`null::bigint[]` : sql`ends.taken_in`} as ${id(TAKEN_IN)},
      ends.rolled_to as before_to,
      ends.rolled_beyond as before_beyond,
      ends.left_out as before_left_out
    from ends`;
  const isOther = sql`
    stream_rows.is_new
      or (stream_rows.${id(ROLLED_TO)}, stream_rows.${id(ROLLED_BEYOND)}, stream_rows.${id(LEFT_OUT)})
        is distinct from (stream_rows.before_to, stream_rows.before_beyond, stream_rows.before_left_out)`;
  return [
    cte("ends", ends),
    cte("stream_rows", rows, { materialized: true }),
    cte("changed_streams", sql`select stream_rows.* from stream_rows where ${isOther}`),
  ];
}

/**
 * `raw_rows`: for each stream that the store did not know, how much of its loads raw has no more. A full refresh that finds
 * less than the figures were made of has other rows here, and is held.
 * @param isAnew false: streams that are new to a store come with all that they have
 */
export function rawRows({ ledger }: Ledger, tables: readonly RawTable[], isAnew: boolean): Cte[] {
  const key = (lost: Sql) =>
    sql`jsonb_build_array(known.table_name, known.source, known.stream, ${lost})::text as ${id(ROW_OF)}`;
  if (!isAnew) return [cte("raw_rows", sql`select ${key(sql`null`)} from known where known.is_new`)];
  const counts = tables.map(
    ({ name, relation }) => sql`
      select ${literal(name)} as table_name, arrived._load_id as load_id, count(*) as rows
      from ${relation} as arrived
      group by arrived._load_id`,
  );
  return [
    cte("landed", join(counts, "\nunion all\n")),
    cte(
      "lost",
      sql`
        select known.${id(ROW_OF)}, count(*) || ' up to ' || max(ledger.load_id) as loads
        from known
        inner join ${ledger} as ledger on ${sameStream}
        left join landed on landed.table_name = known.table_name and landed.load_id = ledger.load_id
        where ledger.status = 'loaded' and ledger.rows > coalesce(landed.rows, 0)
        group by known.${id(ROW_OF)}`,
    ),
    cte(
      "raw_rows",
      sql`
        select ${key(sql`lost.loads`)}
        from known
        left join lost on lost.${id(ROW_OF)} = known.${id(ROW_OF)}`,
    ),
  ];
}

const ELSEWHERE =
  "of: the ledger has none of these tables, and from has rows: name the raw tables that it reads; found rows of load ";

/** True, or an error where the rows are of no table that is named: they would be left out without a word. */
export function unlessElsewhere(feed: Sql): Sql {
  const found = sql`(select events._load_id::text from ${feed} as events where events._load_id is not null limit 1)`;
  return sql`
    case
      when exists (select from known) then true
      when ${found} is not null then ${refused(ELSEWHERE, found)}::boolean
      else true
    end`;
}
