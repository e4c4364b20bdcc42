import { setImmediate as turn } from "node:timers/promises";
import { counted } from "../../model/counted.ts";
import type { CsvOptions } from "../../model/declarations.ts";
import { copyIn } from "../../postgres/copy.ts";
import { cellText, recordText } from "../../sources/formats/csv/header.ts";
import { CsvFile, rejectedPiece } from "../../sources/formats/csv/read.ts";
import { plainSpelling } from "../../sources/formats/csv/respell.ts";
import { CsvScanner } from "../../sources/formats/csv/scan.ts";
import type { ScannedRecord } from "../../sources/formats/csv/scanned.ts";
import { ids, relationId } from "../../sql/identifiers.ts";
import { literal } from "../../sql/literals.ts";
import { join, type Sql, sql } from "../../sql/sql.ts";
import { type CellRule, cellRules } from "../check/cells.ts";
import { beginLanding, endLanding, undoLanding } from "./landing.ts";
import { copyFault } from "./reasons.ts";
import type { Rejection } from "./row-batch.ts";
import { type FallbackRow, insertRowByRow, type RowTarget } from "./row-fallback.ts";

/** Bytes of one COPY: what is kept in memory until the server has taken it. */
const SEGMENT_BYTES = 16 * 1024 * 1024;
const CHUNK_BYTES = 256 * 1024;
/** Rows that only the server can judge, at once; also bounds the rejects in memory. */
const MAX_UNSURE = 20_000;

interface CsvCopyHooks {
  /** Takes a record that is refused. */
  reject(rejection: Rejection): void;
  /** After each COPY. */
  copied(sums: { readonly rows: number; readonly records: number }): Promise<void>;
}

/**
 * Lands a CSV file at the speed of COPY: its bytes go to the server as they are, each record behind its two numbers. A
 * record whose cells are not surely right is put aside, and the server is asked about each of those by itself.
 */
export class CsvCopy {
  #rows = 0;
  #records = 0;
  readonly #into: RowTarget;
  /** As the records are written that are sent. */
  readonly #options: CsvOptions;
  readonly #null: string;
  readonly #hooks: CsvCopyHooks;
  readonly #file: CsvFile;
  readonly #prefix: Buffer;
  readonly #delimiter: number;
  #rules: readonly CellRule[] = [];
  #chunk = Buffer.allocUnsafeSlow(CHUNK_BYTES);
  #used = 0;
  #full: Buffer[] = [];
  #pendingRows = 0;
  #unsure: FallbackRow[] = [];
  #lines: number[] = [];
  #offsets: number[] = [];

  constructor(into: RowTarget, options: CsvOptions, hooks: CsvCopyHooks) {
    const { table, loadId } = into;
    this.#into = into;
    this.#options = plainSpelling(options);
    this.#null = this.#options.null[0]!;
    this.#hooks = hooks;
    this.#prefix = Buffer.from(`${loadId}${options.delimiter}`);
    this.#delimiter = options.delimiter.charCodeAt(0);
    this.#file = new CsvFile(options, table.recordSchema.columns, {
      header: (found) => {
        this.#rules = cellRules(table.recordSchema, found);
      },
      record: (record) => this.#addRecord(record),
    });
  }

  /** Lands all of it. @throws UserError for a file that is not whole. */
  async land(chunks: AsyncIterable<Uint8Array>): Promise<void> {
    const iterator = chunks[Symbol.asyncIterator]();
    try {
      for (let more = true; more; ) {
        more = await this.#segment(iterator);
        await this.#flushUnsure();
        await this.#hooks.copied({ rows: this.#rows, records: this.#records });
      }
    } finally {
      await iterator.return?.();
    }
  }

  /** One COPY. Returns false at the end of the file. */
  async #segment(source: AsyncIterator<Uint8Array>): Promise<boolean> {
    const first = await this.#fill(source);
    if (!this.#pendingRows) return first;
    let more = first;
    const kept: Buffer[] = [];
    const next = async () => {
      const chunk = this.#full.shift() ?? this.#cut();
      if (chunk) kept.push(chunk);
      return chunk;
    };
    const chunks = async function* (this: CsvCopy) {
      for (let size = 0; size < SEGMENT_BYTES; ) {
        if (!this.#full.length && more) more = await this.#fill(source);
        const chunk = await next();
        if (!chunk) return;
        size += chunk.length;
        yield chunk;
        if (this.#unsure.length >= MAX_UNSURE) break;
      }
      // What is scanned already belongs to this COPY, too.
      for (let chunk = await next(); chunk; chunk = await next()) yield chunk;
    }.bind(this);
    await beginLanding(this.#into.client);
    try {
      const copied = await copyIn(this.#into.client, this.#statement(), chunks());
      if (copied !== this.#pendingRows) throw new Error(`COPY took ${copied} of ${counted(this.#pendingRows, "row")}`);
      await endLanding(this.#into.client);
      this.#rows += copied;
    } catch (error) {
      if (!copyFault(error, this.#into.table.name, this.#columns())) throw error;
      await undoLanding(this.#into.client);
      for (let chunk = await next(); chunk; chunk = await next());
      await this.#again(kept);
    }
    this.#pendingRows = 0;
    this.#lines = [];
    this.#offsets = [];
    return more;
  }

  /** Reads until there is a whole chunk to send. Returns false at the end of the file. */
  async #fill(source: AsyncIterator<Uint8Array>): Promise<boolean> {
    while (!this.#full.length && this.#unsure.length < MAX_UNSURE) {
      const { done, value } = await source.next();
      if (done) {
        this.#file.end();
        return false;
      }
      this.#file.push(value);
    }
    // The sockets must have their turn while the file keeps giving.
    await turn();
    return true;
  }

  #addRecord(record: ScannedRecord): void {
    this.#records++;
    if (record.problem !== undefined) {
      this.#hooks.reject({ rowNo: this.#records, ...rejectedPiece(record) });
      return;
    }
    const refused = this.#judge(record);
    if (refused === undefined) this.#send(record);
    else if (refused.length) this.#reject(record, refused.join("; "));
    else
      this.#unsure.push({
        rowNo: this.#records,
        place: { position: `line ${record.line}`, line: record.line, byte: record.offset },
        text: recordText(record),
        cells: this.#rules.map((_, field) => cellText(record, field, this.#options)),
      });
  }

  /** Why the record is refused, nothing where only the server can say. Undefined where every cell is surely right. */
  #judge(record: ScannedRecord): readonly string[] | undefined {
    const { bytes, starts, ends, quoted } = record;
    const nullLength = this.#null.length;
    let refused: string[] | undefined;
    for (let field = 0; field < this.#rules.length; field++) {
      const rule = this.#rules[field]!;
      const start = starts[field]!;
      const end = ends[field]!;
      const inQuotes = quoted[field] === 1;
      if (!inQuotes && end - start === nullLength && this.#isNull(bytes, start)) {
        if (!rule.required) continue;
        refused ??= [];
        refused.push(`${rule.column.name}: is missing`);
        continue;
      }
      if (rule.free) continue;
      const certain = inQuotes ? rule.certain(bytes, start + 1, end - 1) : rule.certain(bytes, start, end);
      if (certain && !rule.refuses) continue;
      const judge = certain ? rule.refuses : rule.mistyped;
      const reasons = judge?.(cellText(record, field, this.#options)!) ?? [];
      if (certain && !reasons.length) continue;
      refused ??= [];
      refused.push(...reasons);
    }
    return refused;
  }

  #isNull(bytes: Uint8Array, start: number): boolean {
    const text = this.#null;
    for (let at = 0; at < text.length; at++) if (bytes[start + at] !== text.charCodeAt(at)) return false;
    return true;
  }

  #reject(record: ScannedRecord, reason: string): void {
    this.#hooks.reject({ rowNo: this.#records, ...rejectedPiece({ ...record, problem: reason }) });
  }

  #send({ bytes, start, end, line, offset }: ScannedRecord): void {
    const size = end - start + this.#prefix.length + 24;
    if (this.#used + size > this.#chunk.length) this.#cutInto(size);
    let at = this.#used;
    const chunk = this.#chunk;
    for (let n = 0; n < this.#prefix.length; n++) chunk[at++] = this.#prefix[n]!;
    at = writeNumber(chunk, at, this.#records);
    chunk[at++] = this.#delimiter;
    at += bytes.copy(chunk, at, start, end);
    chunk[at++] = 10;
    this.#used = at;
    this.#pendingRows++;
    this.#lines.push(line);
    this.#offsets.push(offset);
  }

  #cutInto(size: number): void {
    const chunk = this.#cut();
    if (chunk) this.#full.push(chunk);
    if (size > this.#chunk.length) this.#chunk = Buffer.allocUnsafeSlow(size);
  }

  /** What is written so far, as a chunk of its own. */
  #cut(): Buffer | undefined {
    if (!this.#used) return undefined;
    const chunk = this.#chunk.subarray(0, this.#used);
    this.#chunk = Buffer.allocUnsafeSlow(CHUNK_BYTES);
    this.#used = 0;
    return chunk;
  }

  #statement(): Sql {
    const {
      delimiter,
      quote,
      escape: escaping,
      null: [nullText = ""],
    } = this.#options;
    const options = [
      sql`format csv`,
      sql`delimiter ${literal(delimiter)}`,
      sql`quote ${literal(quote)}`,
      sql`escape ${literal(escaping)}`,
      sql`null ${literal(nullText)}`,
      sql`encoding 'UTF8'`,
    ];
    return sql`copy ${relationId(this.#into.table)} (${join(ids(this.#columns()), ", ")}) from stdin (${join(options, ", ")})`;
  }

  #columns(): string[] {
    return ["_load_id", "_row_no", ...this.#rules.map(({ column }) => column.name)];
  }

  /** The rows of a COPY that the server refused, all put aside. */
  async #again(sent: readonly Buffer[]): Promise<void> {
    let row = 0;
    const scanner = new CsvScanner({ ...this.#options, skipLines: 0 }, (record) => {
      const cells = Array.from({ length: record.fields }, (_, field) => cellText(record, field, this.#options));
      this.#unsure.push({
        rowNo: Number(cells[1]),
        place: { position: `line ${this.#lines[row]!}`, line: this.#lines[row]!, byte: this.#offsets[row]! },
        text: recordText({ ...record, start: record.starts[2] ?? record.end }),
        cells: cells.slice(2),
      });
      row++;
    });
    for (const chunk of sent) {
      scanner.push(chunk);
      await this.#flushUnsure();
    }
    scanner.end();
    await this.#flushUnsure();
  }

  async #flushUnsure(): Promise<void> {
    const rows = this.#unsure;
    this.#unsure = [];
    if (!rows.length) return;
    const columns = this.#rules.map(({ column }) => column);
    const refused = await insertRowByRow(this.#into, columns, rows);
    this.#rows += rows.length - refused.length;
    for (const rejection of refused) this.#hooks.reject(rejection);
  }
}

/** The digits of a positive whole number; as a string it would take ten times as long. Returns where they end. */
function writeNumber(into: Buffer, start: number, value: number): number {
  let end = start + 1;
  for (let limit = 10; value >= limit; limit *= 10) end++;
  let rest = value;
  for (let at = end - 1; at >= start; at--) {
    const next = Math.floor(rest / 10);
    into[at] = 48 + rest - next * 10;
    rest = next;
  }
  return end;
}
