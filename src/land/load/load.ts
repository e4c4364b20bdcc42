import type { LoadCursor } from "../../model/load-report.ts";
import type { Line } from "../../sources/formats/lines.ts";
import type { SourceRecord } from "../../sources/json/document.ts";
import type { FilePosition, SourcePage } from "../../sources/source.ts";
import { createChecker, type RecordChecker } from "../check/checker.ts";
import type { NdjsonCopy } from "../write/ndjson-copy.ts";
import type { Rejection } from "../write/row-batch.ts";
import { WriteBuffer } from "../write/write-buffer.ts";
import type { Findings } from "./findings.ts";
import type { Follower } from "./follower.ts";
import { refuseHopeless } from "./guards.ts";
import type { StreamEvent } from "./options.ts";
import type { LoadingServer, LoadWriter } from "./sink.ts";
import { Tally } from "./tally.ts";
import type { LoadTarget } from "./target.ts";

/** What one load did. */
export interface Landed {
  readonly loadId: string | null;
  readonly pages: number;
  readonly records: number;
  readonly rows: number;
  readonly rejected: number;
  readonly skipped: number;
  readonly cursor: LoadCursor | null;
  readonly seen: Findings;
  readonly warnings: readonly string[];
}

/** What a load is made of. */
interface LoadParts {
  readonly target: LoadTarget;
  readonly writer: LoadWriter;
  readonly follower: Follower;
  readonly emit: (event: StreamEvent) => void;
  /** Characters of records held in memory before they are written. */
  readonly memory: number;
  /** That all records are of, where they are of one. */
  readonly file?: string;
  /** Takes the place of `_rejected`, and of the count of rejects. */
  readonly onRefused?: (rejection: Rejection) => void;
}

/** One load while it takes records: follow, check, gather, write. `withLoad` begins and ends it. */
export class Load {
  readonly tally = new Tally();
  readonly #parts: LoadParts;
  readonly #check: RecordChecker;
  readonly #buffer: WriteBuffer;

  constructor(parts: LoadParts) {
    const { stream } = parts.target;
    this.#parts = parts;
    this.#check = createChecker(stream.recordSchema, stream.drift, this.tally.seen.unknown);
    this.#buffer = new WriteBuffer(parts.writer, {
      reject: (rejection) => this.reject(rejection),
      written: (rows, through) => {
        parts.follower.records?.land(through);
        this.#written(this.tally.rows + rows);
      },
    });
  }

  get target(): LoadTarget {
    return this.#parts.target;
  }

  /** Where to begin; null for the beginning. */
  get since(): string | null {
    return this.#parts.follower.start?.value ?? null;
  }

  /** For what goes there without passing the buffer; undefined where every record is to be judged here. */
  get server(): LoadingServer | undefined {
    return this.#parts.writer.server;
  }

  emit(event: StreamEvent): void {
    this.#parts.emit(event);
  }

  async readAll(pages: AsyncIterable<SourcePage>): Promise<void> {
    let told = this.tally.records;
    for await (const page of pages) {
      this.#addPage(page);
      this.emit({ kind: "page", page: page.number, records: this.tally.records - told });
      told = this.tally.records;
      if (this.#buffer.size > this.#parts.memory) await this.#buffer.flushAside();
    }
    await this.#buffer.written();
  }

  #addPage({ days, rejected = [], records }: SourcePage): void {
    this.tally.pages++;
    if (days) this.tally.addDays(days);
    for (const piece of rejected) {
      this.tally.records++;
      this.reject({ rowNo: this.tally.admitted, ...piece });
    }
    for (const record of records) this.#addRecord(record);
  }

  #addRecord(record: SourceRecord & FilePosition): void {
    const { tally } = this;
    const { follower } = this.#parts;
    const text = record.text();
    tally.records++;
    if (follower.records && !follower.records.admit(record, text, tally.admitted)) {
      tally.skipped++;
      return;
    }
    if (record.hasDuplicateKeys) tally.duplicateKeys++;
    const { position, line, byte } = record;
    const checked = this.#check(record, text);
    if ("cells" in checked) this.#buffer.addRow(tally.admitted, { position, line, byte }, checked.cells, text);
    else this.reject({ rowNo: tally.admitted, position, line, byte, reason: checked.reasons.join("; "), text });
  }

  /** Whether a line of JSON lands as it is: it is surely right, and its record need not be seen. */
  addLine(line: Line, copy: NdjsonCopy): boolean {
    if (this.#parts.follower.records || !copy.accepts(line.bytes)) return false;
    this.tally.records++;
    this.#buffer.addLine(this.tally.admitted, line, copy);
    return true;
  }

  reject(rejection: Rejection): void {
    const { file, follower, onRefused } = this.#parts;
    follower.records?.refuse(rejection.rowNo);
    if (onRefused) {
      this.tally.note(rejection.reason);
      onRefused(rejection);
      return;
    }
    this.tally.reject(rejection);
    this.#buffer.addRejection(file === undefined ? rejection : { ...rejection, file });
  }

  /** What went to the server without passing the buffer, all of it so far. */
  async copied({ rows, records }: { readonly rows: number; readonly records: number }): Promise<void> {
    this.tally.records = records;
    this.tally.pages++;
    await this.#buffer.flushRejections();
    this.#written(rows);
  }

  #written(rows: number): void {
    this.tally.rows = rows;
    if (this.server) this.emit({ kind: "copied", rows });
    refuseHopeless(this.target, this.tally);
  }

  /** Writes what is left. */
  flush(): Promise<void> {
    return this.#buffer.flush();
  }
}
