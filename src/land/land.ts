import { UserError } from "../model/errors.ts";
import type { IngestDeclaration, StreamDeclaration } from "../model/ingest.ts";
import type { LoadCursor, LoadEvent } from "../model/load.ts";
import type { Client } from "../postgres/client.ts";
import { withTransaction } from "../postgres/client.ts";
import type { SourcePage } from "../sources/rest.ts";
import { createChecker, type RecordChecker } from "./check.ts";
import { CursorTracker } from "./cursor.ts";
import { ledgerExists, ledgerKey, lockStream, nextLoadId, prepareLedger, readCursor, writeLoad } from "./ledger.ts";
import { Spool } from "./spool.ts";
import { createTable, evolveTable, type RawTable } from "./tables.ts";

/** Reads the source from a cursor value on, or from the beginning. */
export type ReadPages = (since: string | null) => AsyncIterable<SourcePage>;

export interface LandOptions {
  /** Begin at the beginning; what landed before stays and lands once more. */
  readonly full?: boolean;
  /** Read and check, write nothing. */
  readonly dryRun?: boolean;
  readonly onEvent?: (event: LoadEvent) => void;
  /** Characters of records held in memory before they are written. */
  readonly memory?: number;
}

/** What one load of a stream did. */
export interface Landed {
  readonly loadId: string | null;
  readonly pages: number;
  readonly records: number;
  readonly rows: number;
  readonly rejected: number;
  readonly skipped: number;
  readonly cursor: LoadCursor | null;
  readonly reasons: readonly { readonly reason: string; readonly count: number }[];
}

const MEMORY = 32 * 1024 * 1024;
/** A later load this small may be all wrong without saying anything about the next. */
const TELLING_RECORDS = 10;

/**
 * Loads one stream in one transaction: rows, rejects, the new cursor and the ledger's row are there together or not
 * at all. Killed anywhere and run again, nothing is lost and nothing lands twice.
 */
export async function land(
  client: Client,
  declaration: IngestDeclaration,
  stream: StreamDeclaration,
  read: ReadPages,
  options: LandOptions = {},
): Promise<Landed> {
  const checker = createChecker(stream.recordSchema);
  const table: RawTable = { schema: declaration.schema, name: stream.table, recordSchema: stream.recordSchema };
  if (options.dryRun) return new StreamLoader(client, declaration, stream, table, checker, options).rehearse(read);
  await prepareLedger(client, declaration.schema);
  await evolveTable(client, table);
  return withTransaction(client, () =>
    new StreamLoader(client, declaration, stream, table, checker, options).load(read),
  );
}

/** One load, from its lock to its ledger row. */
class StreamLoader {
  readonly #client: Client;
  readonly #stream: StreamDeclaration;
  readonly #table: RawTable;
  readonly #check: RecordChecker;
  readonly #options: LandOptions;
  readonly #key;
  readonly #spool = new Spool();
  #tracker: CursorTracker | undefined;
  #loadId: string | null = null;
  #pages = 0;
  #records = 0;
  #skipped = 0;
  #rowNo = 0;

  constructor(
    client: Client,
    declaration: IngestDeclaration,
    stream: StreamDeclaration,
    table: RawTable,
    check: RecordChecker,
    options: LandOptions,
  ) {
    this.#client = client;
    this.#stream = stream;
    this.#table = table;
    this.#check = check;
    this.#options = options;
    this.#key = ledgerKey(declaration, stream);
  }

  async load(read: ReadPages): Promise<Landed> {
    const client = this.#client;
    // The source may be slow; text of dates must not depend on the server's settings.
    await client.script(
      "set local idle_in_transaction_session_timeout = 0; set local datestyle = 'ISO, YMD'; set local timezone = 'UTC'",
    );
    await lockStream(client, this.#key, () =>
      this.#tell({ kind: "waiting", seconds: null, reason: "another ingest loads this stream" }),
    );
    const created = await createTable(client, this.#table);
    const start = created || this.#options.full ? null : await readCursor(client, this.#key);
    await this.#readAll(read, start, this.#options.memory ?? MEMORY);
    this.#refuseAllWrong(start);
    await this.#flush();
    const result = this.#result(this.#spool.rows, this.#spool.rejected);
    this.#refuseAllWrong(start);
    const { pages, records, skipped, reasons } = result;
    const details = { pages, records, skipped, reasons };
    await writeLoad(client, this.#key, { ...result, loadId: this.#loadId!, details });
    this.#tell({ kind: "committing" });
    return result;
  }

  /** The same without writing; the cursor is read without the lock, for nothing depends on it. */
  async rehearse(read: ReadPages): Promise<Landed> {
    const known = !this.#options.full && (await ledgerExists(this.#client, this.#key.schema));
    const start = known ? await readCursor(this.#client, this.#key) : null;
    await this.#readAll(read, start, Number.POSITIVE_INFINITY);
    this.#refuseAllWrong(start);
    return this.#result(this.#spool.pendingRows, this.#spool.pendingRejections);
  }

  async #readAll(read: ReadPages, start: LoadCursor | null, memory: number): Promise<void> {
    const { cursor, recordSchema } = this.#stream;
    if (cursor) {
      const type = recordSchema.columns.find((column) => column.name === cursor.field)?.type ?? "text";
      this.#tracker = new CursorTracker(cursor.field, type, start);
    }
    const since = start?.value ?? null;
    this.#tell({ kind: "started", table: `${this.#table.schema}.${this.#table.name}`, since });
    for await (const page of read(since)) {
      this.#takePage(page);
      this.#tell({ kind: "page", page: page.number, records: page.records.length });
      if (this.#spool.size > memory) await this.#flush();
    }
  }

  #takePage(page: SourcePage): void {
    this.#pages++;
    for (const record of page.records) {
      this.#records++;
      const text = record.text();
      if (this.#tracker && !this.#tracker.take(record, text)) {
        this.#skipped++;
        continue;
      }
      const rowNo = ++this.#rowNo;
      const checked = this.#check(record, text);
      if ("cells" in checked) this.#spool.addRow(rowNo, record.position, checked.cells, text);
      else this.#spool.addRejection({ rowNo, position: record.position, reason: checked.reasons.join("; "), text });
    }
  }

  async #flush(): Promise<void> {
    this.#loadId ??= await nextLoadId(this.#client, this.#key.schema);
    await this.#spool.flush(this.#client, this.#key, this.#table, this.#loadId);
    this.#tell({ kind: "copied", rows: this.#spool.rows });
  }

  /** A source that changed its shape must not look like a day without news. */
  #refuseAllWrong(start: LoadCursor | null): void {
    const { spool, taken } = { spool: this.#spool, taken: this.#rowNo };
    const wrong = spool.rejected + spool.pendingRejections;
    if (taken === 0 || wrong < taken || (start !== null && taken < TELLING_RECORDS)) return;
    const { reason, count } = spool.reasons[0]!;
    throw new UserError({
      message: `all ${taken} records of ${this.#key.source}.${this.#key.stream} were rejected`,
      location: { file: this.#stream.recordSchema.file },
      expected: "records that meet this schema",
      found: spool.samples[0] ?? `${reason} (${count} times)`,
      hint: "the source has changed, or the schema is wrong; nothing was landed and the cursor did not move",
      exitCode: 1,
    });
  }

  #result(rows: number, rejected: number): Landed {
    return {
      loadId: this.#loadId,
      pages: this.#pages,
      records: this.#records,
      rows,
      rejected,
      skipped: this.#skipped,
      cursor: this.#tracker?.cursor ?? null,
      reasons: this.#spool.reasons,
    };
  }

  #tell(event: DistributedOmit<LoadEvent, "stream">): void {
    this.#options.onEvent?.({ ...event, stream: this.#stream.name } as LoadEvent);
  }
}

type DistributedOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;
