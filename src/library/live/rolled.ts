import { type Cte, cte } from "../../sql/ctes.ts";
import { literal } from "../../sql/literals.ts";
import { join, type Sql, sql } from "../../sql/sql.ts";
import { isRolled, type Ledger, type RawTable, sameStream } from "./streams.ts";

/** `rolled_loads`: those that the store holds, from a number on: what audits compute once more. */
export function rolledLoads({ ledger }: Ledger, from: Sql): Cte {
  return cte(
    "rolled_loads",
    sql`
      select loads.load_id
      from known
      cross join lateral (
        select ledger.load_id
        from ${ledger} as ledger
        where ${sameStream} and ledger.load_id >= ${from}
        offset 0
      ) as loads
      where ${isRolled(sql`loads.load_id`)}`,
    { materialized: true },
  );
}

/** True where raw has not all rows of the first load that it should have: then older events are gone from it. */
export function hasAged({ ledger }: Ledger, tables: readonly RawTable[]): Sql {
  const counts = tables.map(
    ({ name, relation }) => sql`
      when ${literal(name)} then (
        select count(*) from ${relation} as arrived where arrived._load_id between firsts.load_id and firsts.load_id
      )`,
  );
  return sql`
    select exists (
      select
      from known
      cross join lateral (
        select ledger.table_name, ledger.load_id, ledger.rows
        from ${ledger} as ledger
        where ${sameStream} and ledger.status = 'loaded' and ledger.rows > 0
        order by ledger.load_id
        limit 1
      ) as firsts
      where firsts.rows > case firsts.table_name
        ${join(counts, "\n")}
      end
    ) as has_aged`;
}
