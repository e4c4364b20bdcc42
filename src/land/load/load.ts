import { UserError } from "../../model/errors.ts";
import type { CsvOptions, IngestDeclaration, StreamDeclaration } from "../../model/ingest.ts";
import type { LoadCursor, LoadEvent } from "../../model/load-report.ts";
import type { Client } from "../../postgres/client.ts";
import type { Line } from "../../sources/formats/lines.ts";
import type { FilePosition, SourcePage } from "../../sources/source.ts";
import { createChecker, type RecordChecker, type UnknownFields } from "../check/checker.ts";
import { lastBatchRows, writeDrift } from "../ledger/file-ledger.ts";
import { ledgerKey, lockStream, nextLoadId, readCursor, writeLoad } from "../ledger/ledger.ts";
import { preparePartition } from "../table/partitions.ts";
import { type RawTable, rawTable } from "../table/raw-table.ts";
import { LOADING_SESSION } from "../table/server-types.ts";
import { createTable } from "../table/tables.ts";
import { BulkCsv } from "../write/csv-copy.ts";
import type { DirectLines } from "../write/ndjson-copy.ts";
import type { Rejection } from "../write/row-batch.ts";
import { Spool } from "../write/write-buffer.ts";
import { CursorTracker } from "./cursor-tracker.ts";
import { cursorOrder, type Order } from "./order.ts";

export interface LandOptions {
  /** Begin at the beginning; what landed before stays and lands once more. */
  readonly full?: boolean;
  /** Begin at this value of the cursor, or with files changed since this time, instead of where the last load ended. */
  readonly since?: string;
  /** Read and check, write nothing. */
  readonly dryRun?: boolean;
  /** Land a full batch although it is empty or much smaller than the one before. */
  readonly force?: boolean;
  readonly onEvent?: (event: LoadEvent) => void;
  /** Characters of records held in memory before they are written. */
  readonly memory?: number;
}

/** What one load did. */
export interface Landed {
  readonly loadId: string | null;
  readonly pages: number;
  readonly records: number;
  readonly rows: number;
  readonly rejected: number;
  readonly skipped: number;
  readonly cursor: LoadCursor | null;
  readonly reasons: readonly { readonly reason: string; readonly count: number }[];
  readonly warnings: readonly string[];
}

/** Small enough that what is gathered is gone before the garbage collector has looked at it twice. */
const MEMORY = 4 * 1024 * 1024;
/** A later load this small may be all wrong without saying anything about the next. */
const TELLING_RECORDS = 10;
/** So many rejects and not one row: it will not get better. */
const HOPELESS_REJECTS = 100_000;

/** One load, from its lock to its row in the ledger, inside the caller's transaction. */
export class Load {
  readonly stream: StreamDeclaration;
  readonly table: RawTable;
  readonly key;
  readonly warnings: string[] = [];
  readonly #client: Client;
  readonly #check: RecordChecker;
  readonly #options: LandOptions;
  #spool = new Spool();
  readonly #unknown: UnknownFields = new Map();
  readonly #missing: string[] = [];
  #tracker: CursorTracker | undefined;
  #flushing: Promise<void> = Promise.resolve();
  #start: LoadCursor | null = null;
  /** Where the last load ended, also where this one was told to begin elsewhere. */
  #before: LoadCursor | null = null;
  #order: Order = () => 0;
  #loadId: string | null = null;
  #file: string | undefined;
  #pages = 0;
  #records = 0;
  #skipped = 0;
  #rowNo = 0;
  #bulkRows = 0;
  /** Records of JSON that gives a key twice. */
  #duplicateKeys = 0;
  /** The days a source was asked for, ISO dates, both included. */
  #days: { start: string; end: string } | undefined;

  constructor(client: Client, declaration: IngestDeclaration, stream: StreamDeclaration, options: LandOptions) {
    this.#client = client;
    this.stream = stream;
    this.table = rawTable(declaration, stream);
    this.#check = createChecker(stream.recordSchema, stream.drift, this.#unknown);
    this.#options = options;
    this.key = ledgerKey(declaration, stream);
  }

  /** Locks the stream and makes its table ready. Gives where to begin. */
  async begin(file?: string): Promise<string | null> {
    const client = this.#client;
    this.#file = file;
    this.#spool = new Spool(file);
    await client.script(LOADING_SESSION);
    await lockStream(client, this.key, () =>
      this.tell({ kind: "waiting", seconds: null, reason: "another ingest loads this stream" }),
    );
    const created = await this.makeTable();
    const before = created || this.#options.full ? null : await readCursor(client, this.key);
    return this.#beginAt(before);
  }

  /** Makes the table ready, also of a stream that has had nothing to land. Gives whether it is new. */
  async makeTable(): Promise<boolean> {
    const created = await createTable(this.#client, this.table);
    await preparePartition(this.#client, this.table);
    return created;
  }

  /** The same for a load that writes nothing. */
  async rehearse(known: boolean, file?: string): Promise<string | null> {
    this.#file = file;
    this.#spool = new Spool(file);
    return this.#beginAt(known && !this.#options.full ? await readCursor(this.#client, this.key) : null);
  }

  #beginAt(before: LoadCursor | null): string | null {
    const { cursor, recordSchema } = this.stream;
    const { since } = this.#options;
    this.#before = before;
    this.#start =
      since !== undefined && (cursor || this.#followsDays)
        ? { value: since, seen: [], unplaced: before?.unplaced ?? [] }
        : before;
    if (cursor) {
      this.#order = cursorOrder(cursor, recordSchema);
      if (since !== undefined && Number.isNaN(this.#order(since, since)))
        throw wrongSince(since, cursor.field, recordSchema.columns.find(({ name }) => name === cursor.field)!.type);
      this.#tracker = new CursorTracker(cursor.field, this.#order, this.#start, this.#lookback(this.#start?.value));
    }
    const from = this.#start?.value ?? null;
    const file = this.#file === undefined ? {} : { file: this.#file };
    this.tell({ kind: "started", table: `${this.table.schema}.${this.table.name}`, since: from, ...file });
    return from;
  }

  /** Whether the last day asked for says where the next load begins. */
  get #followsDays(): boolean {
    const { connector, cursor, batch } = this.stream;
    return connector.kind === "rest" && connector.window !== undefined && batch.kind === "slice" && !cursor;
  }

  /** The day that a window looks back to from the cursor; undefined where none does. */
  #lookback(value: string | null | undefined): string | undefined {
    const { connector } = this.stream;
    const days = connector.kind === "rest" ? connector.window?.lookbackDays : undefined;
    const time = value ? Date.parse(value) : Number.NaN;
    if (!days || Number.isNaN(time)) return undefined;
    return new Date(time - days * 86_400_000).toISOString().slice(0, 10);
  }

  async readAll(pages: AsyncIterable<SourcePage>): Promise<void> {
    const { memory = MEMORY, dryRun } = this.#options;
    let told = this.#records;
    for await (const page of pages) {
      this.#takePage(page);
      this.tell({ kind: "page", page: page.number, records: this.#records - told });
      told = this.#records;
      if (this.#spool.size <= memory) continue;
      if (!dryRun) await this.#flushAside();
      else if (this.#spool.pendingRows) this.#spool.discard();
      else this.#refuseHopeless(this.rows);
    }
    await this.#flushing;
  }

  /** Begins to write what has gathered, and lets the source go on meanwhile. */
  async #flushAside(): Promise<void> {
    await this.#flushing;
    const loadId = await this.take();
    this.#flushing = this.#write(loadId);
    // Looked at by the next one who waits for it.
    this.#flushing.catch(() => {});
  }

  async #write(loadId: string): Promise<void> {
    await this.#spool.flush(this.#client, this.key, this.table, loadId);
    this.tell({ kind: "copied", rows: this.rows });
    this.#refuseHopeless(this.rows);
  }

  /** Takes a line of JSON as it is, if that is surely right. A source with a cursor needs to see its records. */
  takeLine(line: Line, lines: DirectLines): boolean {
    if (this.#tracker || !lines.take(line.bytes)) return false;
    this.#records++;
    this.#spool.addLine(++this.#rowNo, line, lines);
    return true;
  }

  /** Lands a CSV file by COPY, its bytes as they are. */
  async readBulk(options: CsvOptions, chunks: AsyncIterable<Uint8Array>): Promise<void> {
    const loadId = await this.take();
    const sink = {
      addRejection: (rejection: Rejection) =>
        this.#spool.addRejection(this.#file === undefined ? rejection : { ...rejection, file: this.#file }),
      flush: () => this.flush(),
    };
    const bulk = new BulkCsv(this.#client, this.table, options, loadId, sink);
    await bulk.land(chunks, () => {
      this.#bulkRows = bulk.rows;
      this.#pages++;
      this.tell({ kind: "copied", rows: bulk.rows });
      this.#refuseHopeless(bulk.rows);
    });
    this.#records = bulk.records;
    this.#rowNo = bulk.records;
  }

  /** A file that lacks a column of the schema. */
  missing(columns: readonly string[]): void {
    this.#missing.push(...columns);
  }

  #takePage(page: SourcePage): void {
    this.#pages++;
    if (page.days) this.#days = { start: this.#days?.start ?? page.days.start, end: page.days.end };
    const file = this.#file === undefined ? {} : { file: this.#file };
    for (const piece of page.rejected ?? []) {
      this.#records++;
      this.#spool.addRejection({ rowNo: ++this.#rowNo, ...piece, ...file });
    }
    for (const record of page.records) {
      this.#records++;
      const text = record.text();
      if (this.#tracker && !this.#tracker.take(record, text)) {
        this.#skipped++;
        continue;
      }
      const rowNo = ++this.#rowNo;
      if (record.hasDuplicateKeys) this.#duplicateKeys++;
      const checked = this.#check(record, text);
      const { line, byte } = record as FilePosition;
      const place = {
        position: record.position,
        ...(line === undefined ? {} : { line }),
        ...(byte === undefined ? {} : { byte }),
        ...file,
      };
      if ("cells" in checked) this.#spool.addRow(rowNo, place, checked.cells, text);
      else this.#spool.addRejection({ rowNo, ...place, reason: checked.reasons.join("; "), text });
    }
  }

  async flush(): Promise<void> {
    await this.#write(await this.take());
  }

  /** Records seen so far, the rejected ones included. */
  get records(): number {
    return this.#records;
  }

  get rows(): number {
    return this.#bulkRows + this.#spool.rows;
  }

  /** Writes what is left, and the ledger's row last. @throws UserError for a batch that must not count. */
  async finish(batch: { readonly asOf: string | null }, details: object = {}): Promise<Landed> {
    this.#refuseAllWrong();
    await this.flush();
    this.#refuseAllWrong();
    await this.#checkBatch();
    const drift = [
      ...[...this.#unknown].map(([field, records]) => ({ kind: "unknown" as const, field, records })),
      ...this.#missing.map((field) => ({ kind: "missing" as const, field, records: null })),
    ];
    await writeDrift(this.#client, this.key, this.#loadId!, drift);
    const result = this.result();
    const { pages, records, skipped, reasons } = result;
    await writeLoad(this.#client, this.key, {
      ...result,
      loadId: this.#loadId!,
      batch: this.stream.batch.kind,
      asOf: batch.asOf,
      details: {
        pages,
        records,
        skipped,
        reasons,
        ...(this.stream.batch.by ? { by: this.stream.batch.by } : {}),
        ...(this.#days ? { days: this.#days } : {}),
        ...details,
      },
    });
    this.tell({ kind: "committing" });
    return result;
  }

  /** The load's number, drawn when it is first asked for. */
  async take(): Promise<string> {
    this.#loadId ??= await nextLoadId(this.#client, this.key.schema);
    return this.#loadId;
  }

  /** Rows that were landed without passing through here, and the fields of all of them that the schema does not know. */
  counted(rows: number, unknown: readonly string[]): void {
    for (const field of rows ? unknown : []) this.#unknown.set(field, rows);
    this.#bulkRows += rows;
    this.#records += rows;
    this.#pages++;
  }

  get loadId(): string {
    return this.#loadId!;
  }

  /** What a load that writes nothing found. */
  rehearsed(): Landed {
    this.#refuseAllWrong();
    this.#spool.discard();
    return this.result();
  }

  /** A full batch that lost most of its rows would delete them from history. */
  async #checkBatch(): Promise<void> {
    const { kind, maxShrink } = this.stream.batch;
    if (kind !== "full" || this.#options.force) return;
    const before = await lastBatchRows(this.#client, this.key, "full");
    const least = before === undefined ? 1 : Math.max(1, before * (1 - maxShrink));
    if (this.rows >= least) return;
    throw new UserError({
      message: `the full batch of ${this.key.source}.${this.key.stream} ${this.rows ? "has shrunk" : "is empty"}`,
      expected:
        before === undefined
          ? "at least one row"
          : `at least ${Math.ceil(least)} rows: the batch before had ${before}, and batch.maxShrink is ${maxShrink * 100}%`,
      found: `${this.rows} rows`,
      hint: "nothing was landed; --force lands it, where the source is right",
      exitCode: 1,
    });
  }

  #refuseHopeless(rows: number): void {
    if (rows === 0 && this.#spool.rejected + this.#spool.pendingRejections >= HOPELESS_REJECTS) this.#refuseAllWrong();
  }

  /** A source that changed its shape must not look like a day without news. */
  #refuseAllWrong(): void {
    const taken = this.#rowNo;
    const wrong = this.#spool.rejected + this.#spool.pendingRejections;
    const hopeless = wrong >= HOPELESS_REJECTS && this.rows === 0;
    if (taken === 0 || (wrong < taken && !hopeless) || (this.#start !== null && taken < TELLING_RECORDS)) return;
    const { reason, count } = this.#spool.reasons[0]!;
    throw new UserError({
      message: `all ${taken} records of ${this.key.source}.${this.key.stream} were rejected`,
      location: { file: this.stream.recordSchema.file },
      expected: "records that meet this schema",
      found: this.#spool.samples[0] ?? `${reason} (${count} times)`,
      hint: "the source has changed, or the schema is wrong; nothing was landed and the cursor did not move",
      exitCode: 1,
    });
  }

  result(): Landed {
    return {
      loadId: this.#loadId,
      pages: this.#pages,
      records: this.#records,
      rows: this.rows,
      rejected: this.#spool.rejected,
      skipped: this.#skipped,
      cursor: this.#cursor(),
      reasons: this.#spool.reasons,
      warnings: this.#duplicateKeys
        ? [...this.warnings, `${this.#duplicateKeys} records are of JSON that gives a key twice: the last value counts`]
        : this.warnings,
    };
  }

  /** What was asked for by --since is no place that a source has reached: the cursor moves by records, and not back. */
  #cursor(): LoadCursor | null {
    if (this.#followsDays) return this.#days ? { value: this.#days.end, seen: [], unplaced: [] } : this.#before;
    const now = this.#tracker?.cursor ?? null;
    if (this.#options.since === undefined || !now) return now;
    const reached = this.#rowNo > 0 && now.value !== null;
    const isBack = this.#before?.value != null && reached && this.#order(now.value, this.#before.value) < 0;
    return reached && !isBack ? now : this.#before;
  }

  tell(event: DistributedOmit<LoadEvent, "stream">): void {
    this.#options.onEvent?.({ ...event, stream: this.stream.name } as LoadEvent);
  }
}

function wrongSince(since: string, field: string, type: string): UserError {
  return new UserError({
    message: `--since ${since} is no value of the cursor field ${field}`,
    expected:
      type.startsWith("timestamp") || type === "date"
        ? "a date or time, such as 2026-01-31 or 2026-01-31T00:00:00Z"
        : `a ${type}`,
  });
}

type DistributedOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;
