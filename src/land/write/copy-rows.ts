import { counted } from "../../model/counted.ts";
import type { Client } from "../../postgres/client.ts";
import { copyChunks, copyIn, copyLine } from "../../postgres/copy.ts";
import { ids, relationId } from "../../sql/identifiers.ts";
import { join, sql } from "../../sql/sql.ts";
import type { LedgerKey } from "../ledger/ledger.ts";
import { rejectedTable } from "../ledger/ledger-tables.ts";
import { landedColumns } from "../table/tables.ts";
import { beginLanding, endLanding, undoLanding } from "./landing.ts";
import { copyFault } from "./reasons.ts";
import type { Rejection, RowBatch } from "./row-batch.ts";
import { insertRowByRow, type RowTarget } from "./row-fallback.ts";

/** So often a COPY is tried again without the row that the server refused; then it is asked row by row. */
const MAX_COPIES = 4;

/** Writes a batch by COPY. Returns how many rows the server took; the others go to `reject`. */
export async function copyRows(
  into: RowTarget,
  rows: RowBatch,
  reject: (rejection: Rejection) => void,
): Promise<number> {
  const { client, table } = into;
  for (let copies = 1; rows.count > 0; copies++) {
    await beginLanding(client);
    try {
      const copied = await copyAll(into, rows);
      await endLanding(client);
      return copied;
    } catch (error) {
      const fault = copyFault(error, table.name, landedColumns(table));
      const row = fault && rows.row(fault.index);
      if (!row) throw error;
      await undoLanding(client);
      if (copies >= MAX_COPIES) return insertBatch(into, rows, reject);
      rows.remove(fault.index);
      const { rowNo, place, text } = row;
      reject({ rowNo, ...place, reason: fault.reason, text });
    }
  }
  return 0;
}

async function copyAll(into: RowTarget, rows: RowBatch): Promise<number> {
  const { statement, chunks } = copyOf(into, rows);
  const copied = await copyIn(into.client, statement, chunks);
  requireAll(copied, rows.count);
  return copied;
}

/** A batch as one COPY, which takes all of it or fails; see `requireAll`. Names are looked up as theirs by then. */
export function copyOf({ table, loadId }: Omit<RowTarget, "client">, rows: RowBatch) {
  const statement = sql`copy ${relationId(table)} (${join(ids(landedColumns(table)), ", ")}) from stdin`;
  return { statement, chunks: rows.chunks(`${loadId}\t`) };
}

/** @throws where a trigger of somebody's kept rows out */
export function requireAll(copied: number, count: number): void {
  if (copied !== count) throw new Error(`COPY took ${copied} of ${counted(count, "row")}`);
}

async function insertBatch(into: RowTarget, rows: RowBatch, reject: (rejection: Rejection) => void): Promise<number> {
  const columns = [...into.table.recordSchema.columns, { name: "_extra", type: "jsonb" }];
  const all = Array.from({ length: rows.count }, (_, index) => ({ ...rows.row(index)!, cells: rows.cells(index) }));
  const refused = await insertRowByRow(into, columns, all);
  for (const rejection of refused) reject(rejection);
  return rows.count - refused.length;
}

const REJECT_COLUMNS = "load_id source stream row_no position reason record file line byte".split(" ");

/** Writes rejects to `_rejected`. */
export async function copyRejections(
  { client, ...of }: RejectedOf & { readonly client: Client },
  rejections: readonly Rejection[],
): Promise<void> {
  const { statement, chunks } = rejectionsCopy(of, rejections);
  await copyIn(client, statement, chunks);
}

interface RejectedOf {
  readonly key: LedgerKey;
  readonly loadId: string;
}

/** The same as a COPY. */
export function rejectionsCopy({ key, loadId }: RejectedOf, rejections: readonly Rejection[]) {
  const lines = rejections.map(({ rowNo, position, reason, text, file, line, byte }) => {
    const place = [file ?? null, line === undefined ? null : String(line), byte === undefined ? null : String(byte)];
    return copyLine([key.source, key.stream, String(rowNo), position, storable(reason), storable(text), ...place]);
  });
  const statement = sql`copy ${rejectedTable(key.schema)} (${join(ids(REJECT_COLUMNS), ", ")}) from stdin`;
  return { statement, chunks: copyChunks(lines, `${loadId}\t`) };
}

/** What cannot be stored is shown as the replacement character. */
function storable(text: string): string {
  return /[\0\p{Surrogate}]/u.test(text) ? text.replace(/[\0\p{Surrogate}]/gu, "\ufffd") : text;
}
