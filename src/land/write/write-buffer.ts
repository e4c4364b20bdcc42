import type { Client } from "../../postgres/client.ts";
import { copyChunks, copyIn, copyLine } from "../../postgres/copy.ts";
import type { Line } from "../../sources/formats/lines.ts";
import { ids, relationId } from "../../sql/identifiers.ts";
import { join, sql } from "../../sql/sql.ts";
import { type LedgerKey, rejectedTable } from "../ledger/ledger.ts";
import type { RawTable } from "../table/raw-table.ts";
import { landedColumns } from "../table/tables.ts";
import type { DirectLines } from "./ndjson-copy.ts";
import { copyFault } from "./reasons.ts";
import { type Place, type Rejection, RowBatch } from "./row-batch.ts";
import { insertOneByOne } from "./row-fallback.ts";

/** So often a COPY is tried again without the row that the server refused; then it is asked row by row. */
const MAX_COPIES = 4;

/**
 * Rows and rejects of one load on their way to the database. They gather in memory while the source is slow, and are
 * written in one go: a COPY that waits for a web server would hold a snapshot open, and with it every release.
 */
export class Spool {
  /** Rows and rejects written so far. */
  rows = 0;
  rejected = 0;
  #size = 0;
  readonly #free: Buffer[] = [];
  readonly #file: string | undefined;
  #rows: RowBatch;
  #rejections: Rejection[] = [];
  readonly #reasons = new Map<string, number>();

  /** @param file that all records are of, where they are of one */
  constructor(file?: string) {
    this.#file = file;
    this.#rows = new RowBatch(this.#free, file);
  }

  addRow(rowNo: number, place: Place, cells: readonly (string | null)[], text: string): void {
    this.#size += this.#rows.add(rowNo, place, cells, text);
  }

  /** A line of JSON that has been taken. */
  addLine(rowNo: number, line: Line, lines: DirectLines): void {
    this.#size += this.#rows.addLine(rowNo, line, lines);
  }

  addRejection(rejection: Rejection): void {
    this.#rejections.push(rejection);
    this.#size += rejection.text.length;
    this.note(rejection.reason);
  }

  /** Forgets what gathered, after counting it. */
  discard(): void {
    this.rows += this.#rows.count;
    this.rejected += this.#rejections.length;
    this.#rows.release();
    this.#rows = new RowBatch(this.#free, this.#file);
    this.#rejections = [];
    this.#size = 0;
  }

  /** Counts a reason without keeping a record. */
  note(reason: string): void {
    this.#reasons.set(reason, (this.#reasons.get(reason) ?? 0) + 1);
  }

  /** Characters in memory. */
  get size(): number {
    return this.#size;
  }

  get pendingRows(): number {
    return this.#rows.count;
  }

  get pendingRejections(): number {
    return this.#rejections.length;
  }

  /** The most frequent reasons. */
  get reasons(): readonly { reason: string; count: number }[] {
    const all = [...this.#reasons].map(([reason, count]) => ({ reason, count }));
    return all.sort((a, b) => b.count - a.count).slice(0, 10);
  }

  /** The first rejected records in memory, for a message. */
  get samples(): readonly string[] {
    return this.#rejections.slice(0, 3).map(({ position, reason }) => `${position}: ${reason}`);
  }

  /**
   * Writes everything that gathered.
   * @param onRefused takes the rows that the server refuses, which otherwise are rejected like all others
   */
  async flush(
    client: Client,
    key: LedgerKey,
    table: RawTable,
    loadId: string,
    onRefused?: (rowNo: number) => void,
  ): Promise<void> {
    // Rows may go on gathering meanwhile.
    const rows = this.#rows;
    this.#rows = new RowBatch(this.#free, this.#file);
    this.#size = 0;
    this.rows += await this.#flushRows(rows, client, table, loadId, onRefused);
    rows.release();
    this.rejected += await this.#flushRejections(client, key, loadId);
  }

  async #flushRows(
    rows: RowBatch,
    client: Client,
    table: RawTable,
    loadId: string,
    onRefused?: (rowNo: number) => void,
  ): Promise<number> {
    const columns = landedColumns(table);
    const statement = sql`copy ${relationId(table)} (${join(ids(columns), ", ")}) from stdin`;
    const reject = ({ rowNo, reason, ...rest }: Rejection) => {
      if (onRefused) this.note(reason);
      else this.addRejection({ rowNo, reason, ...rest });
      onRefused?.(rowNo);
    };
    for (let copies = 1; rows.count > 0; copies++) {
      await client.query(sql`savepoint landing`);
      try {
        const copied = await copyIn(client, statement, rows.chunks(`${loadId}\t`));
        await client.query(sql`release savepoint landing`);
        if (copied !== rows.count) throw new Error(`COPY took ${copied} of ${rows.count} rows`);
        return copied;
      } catch (error) {
        const fault = copyFault(error, table.name, columns);
        const row = fault && rows.row(fault.index);
        if (!row) throw error;
        await client.query(sql`rollback to savepoint landing`);
        if (copies >= MAX_COPIES) return insertRows(rows, client, table, loadId, reject);
        rows.remove(fault.index);
        const { rowNo, place, text } = row;
        reject({
          rowNo,
          ...place,
          reason: fault.reason,
          text,
        });
      }
    }
    return 0;
  }

  async #flushRejections(client: Client, key: LedgerKey, loadId: string): Promise<number> {
    const rejections = this.#rejections;
    this.#rejections = [];
    if (rejections.length === 0) return 0;
    const names = ["load_id", "source", "stream", "row_no", "position", "reason", "record", "file", "line", "byte"];
    const lines = rejections.map(({ rowNo, position, reason, text, file, line, byte }) => {
      const place = [file ?? null, line === undefined ? null : String(line), byte === undefined ? null : String(byte)];
      return copyLine([key.source, key.stream, String(rowNo), position, storable(reason), storable(text), ...place]);
    });
    const statement = sql`copy ${rejectedTable(key.schema)} (${join(ids(names), ", ")}) from stdin`;
    return copyIn(client, statement, copyChunks(lines, `${loadId}\t`));
  }
}

/** What cannot be stored is shown as the replacement character. */
function storable(text: string): string {
  return /[\0\p{Surrogate}]/u.test(text) ? text.replace(/[\0\p{Surrogate}]/gu, "\ufffd") : text;
}

/** Gives how many rows the server took. */
async function insertRows(
  rows: RowBatch,
  client: Client,
  table: RawTable,
  loadId: string,
  reject: (rejection: Rejection) => void,
): Promise<number> {
  const columns = [...table.recordSchema.columns, { name: "_extra", type: "jsonb" }];
  const all = Array.from({ length: rows.count }, (_, index) => ({
    ...rows.row(index)!,
    cells: rows.cells(index),
  }));
  const refused = await insertOneByOne(client, table, columns, loadId, all);
  for (const rejection of refused) reject(rejection);
  return rows.count - refused.length;
}
