import type { DeltaStep } from "../model/plan.ts";
import { CHECK_NOW } from "../plan/publish-plan.ts";
import { type Client, withNames } from "../postgres/client.ts";
import { send } from "../postgres/send.ts";
import { PRIVATE_SCHEMA, WRITTEN_BY } from "../sql/names.ts";
import { sql } from "../sql/sql.ts";
import { statement } from "../sql/statement.ts";

/**
 * Applies new rows to the table and takes them back, so that a table which does not take them fails its own model, while that
 * is built, and not the release. Only where there is something that could refuse them.
 * @param uniqueKey by which they replace rows: an index over it refuses nothing that is replaced
 */
export async function tryDelta(
  client: Client,
  storage: string,
  delta: DeltaStep,
  uniqueKey: readonly string[],
): Promise<void> {
  if (!(await canRefuse(client, storage, uniqueKey))) return;
  const rows = delta.statements.filter(({ role }) => role === "delta");
  // The author's post_operations are not done twice; what they may put right is not looked at before them.
  const all = delta.statements.every(({ role }) => role !== "author");
  await send(client, [
    statement("begin", sql`begin`),
    ...rows,
    ...(all ? [CHECK_NOW] : []),
    statement("commit", sql`rollback`),
  ]);
}

/** Whether anything on the table can refuse a row, besides the types that its new rows have as well. */
async function canRefuse(client: Client, storage: string, uniqueKey: readonly string[]): Promise<boolean> {
  const question = sql`
      select
        c.relkind <> 'r'
        or c.relrowsecurity
        or exists (select from pg_trigger where tgrelid = c.oid)
        or exists (select from pg_rewrite where ev_class = c.oid)
        or exists (select from pg_constraint where conrelid = c.oid and contype <> 'n')
        or exists (
          select from pg_attribute
          where attrelid = c.oid and attnum > 0 and not attisdropped
            and (attgenerated <> '' or attnotnull and attname <> $3)
        )
        or exists (
          select from pg_index as x
          where x.indrelid = c.oid
            and (x.indisunique or x.indexprs is not null or x.indpred is not null)
            and not (
              x.indnullsnotdistinct and x.indexprs is null and x.indpred is null
              and $4::text[] = array(
                select a.attname::text
                from unnest(x.indkey) with ordinality as k (number, place)
                join pg_attribute as a
                  on a.attrelid = c.oid and a.attnum = k.number
                order by k.place
              )
            )
        ) as refuses
      from pg_class as c
      where c.relnamespace = $1::regnamespace and c.relname = $2`;
  const { rows } = await withNames(client, "ours", () =>
    client.query<{ refuses: string }>(question, [PRIVATE_SCHEMA, storage, WRITTEN_BY, uniqueKey]),
  );
  return rows[0]?.refuses === "t";
}
