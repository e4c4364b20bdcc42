import type { DeltaStep } from "../model/plan.ts";
import { CHECK_NOW } from "../plan/publish-plan.ts";
import { type Client, withNames } from "../postgres/client.ts";
import { send } from "../postgres/send.ts";
import { sql } from "../sql/sql.ts";
import { statement } from "../sql/statement.ts";
import { takes } from "./takes.ts";

/**
 * Applies new rows to the table and takes them back, so that a table which does not take them fails its own model, while that
 * is built, and not the release. Only where there is something that could refuse them, and reading them does not tell that
 * it does not: the rows that are taken back are dead weight in the table.
 * @param uniqueKey by which they replace rows: an index over it refuses nothing that is replaced
 */
export async function tryDelta(
  client: Client,
  storage: string,
  delta: DeltaStep,
  uniqueKey: readonly string[],
): Promise<void> {
  const rows = delta.statements.filter(({ role }) => role === "delta");
  if (!rows.length) return;
  if (await withNames(client, "ours", () => takes(client, storage, delta.table, uniqueKey))) return;
  // The author's post_operations are not done twice; what they may put right is not looked at before them.
  const all = delta.statements.every(({ role }) => role !== "author");
  await send(client, [
    statement("begin", sql`begin`),
    ...rows,
    ...(all ? [CHECK_NOW] : []),
    statement("commit", sql`rollback`),
  ]);
}
