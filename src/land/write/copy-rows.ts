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

/** Writes a batch by one COPY, which takes all of it or throws. Names are looked up as theirs by then. */
export async function copyAll({ client, table, loadId }: RowTarget, rows: RowBatch): Promise<number> {
  const statement = sql`copy ${relationId(table)} (${join(ids(landedColumns(table)), ", ")}) from stdin`;
  const copied = await copyIn(client, statement, rows.chunks(`${loadId}\t`));
  if (copied !== rows.count) throw new Error(`COPY took ${copied} of ${counted(rows.count, "row")}`);
  return copied;
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
  { client, key, loadId }: { readonly client: Client; readonly key: LedgerKey; readonly loadId: string },
  rejections: readonly Rejection[],
): Promise<void> {
  const lines = rejections.map(({ rowNo, position, reason, text, file, line, byte }) => {
    const place = [file ?? null, line === undefined ? null : String(line), byte === undefined ? null : String(byte)];
    return copyLine([key.source, key.stream, String(rowNo), position, storable(reason), storable(text), ...place]);
  });
  const statement = sql`copy ${rejectedTable(key.schema)} (${join(ids(REJECT_COLUMNS), ", ")}) from stdin`;
  await copyIn(client, statement, copyChunks(lines, `${loadId}\t`));
}

/** What cannot be stored is shown as the replacement character. */
function storable(text: string): string {
  return /[\0\p{Surrogate}]/u.test(text) ? text.replace(/[\0\p{Surrogate}]/gu, "\ufffd") : text;
}
