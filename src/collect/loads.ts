import { type LedgerKey, lockStream } from "../land/ledger/ledger.ts";
import { beginLoad, endLoad, keyOfNoStream } from "../land/ledger/open-loads.ts";
import { ReasonCounts } from "../land/ledger/reason-counts.ts";
import type { PostgresSink } from "../land/load/postgres-sink.ts";
import type { LoadTarget } from "../land/load/target.ts";
import { preparePartition } from "../land/table/partitions.ts";
import type { Rejection } from "../land/write/row-batch.ts";
import { UserError } from "../model/errors.ts";
import { LOCKED_EXIT_CODE } from "../postgres/advisory-lock.ts";
import { type Client, withTransaction } from "../postgres/client.ts";
import type { EventStream } from "./event-streams.ts";

/** A stream whose rows come commit by commit. */
interface OpenStream {
  readonly target: LoadTarget;
}

/** A load that rows are added to. */
export interface OpenLoad<Stream extends OpenStream = EventStream> {
  readonly id: string;
  readonly key: LedgerKey;
  readonly stream: Stream | undefined;
  /** Milliseconds, of a clock that only goes on. */
  readonly since: number;
  /** Places given out. */
  places: number;
  /** What is committed. */
  rows: number;
  rejected: number;
  /** Why events were rejected. */
  readonly reasons: ReasonCounts;
}

/** Counts what was committed of a load: so many records, of which these were rejected. */
export function countCommitted(
  load: Pick<OpenLoad, "rows" | "rejected" | "reasons">,
  records: number,
  rejections: readonly Rejection[],
): void {
  load.rows += records - rejections.length;
  load.rejected += rejections.length;
  for (const { reason } of rejections) load.reasons.add(reason);
}

/** A load ends after so many milliseconds, or rows: who goes by whole loads sees them then. */
const LONGEST_LOAD = 5_000;
const LARGEST_LOAD = 50_000;

const NOTHING = { places: 0, rows: 0, rejected: 0 };

/** Seconds: a load that is open at midnight goes on. */
const AHEAD = 3_600;

/** Milliseconds that another load of a stream may keep this one waiting. */
export const PATIENCE = 30_000;

/** The loads that a session has open, one of each stream that events came for. */
export class OpenLoads<Stream extends OpenStream = EventStream> {
  readonly #client: Client;
  readonly #sink: PostgresSink;
  readonly #keyOfNone: LedgerKey;
  readonly #open = new Map<Stream | undefined, OpenLoad<Stream>>();

  constructor(client: Client, sink: PostgresSink, { schema, source }: Pick<LedgerKey, "schema" | "source">) {
    this.#client = client;
    this.#sink = sink;
    this.#keyOfNone = keyOfNoStream(schema, source);
  }

  /** A load for events of a stream: the one that is open, or another one. */
  async of(stream: Stream | undefined): Promise<OpenLoad<Stream>> {
    const open = this.#open.get(stream);
    if (open && !isDue(open)) return open;
    try {
      const next = await this.#begin(stream, open ? 0 : PATIENCE);
      this.#open.set(stream, next);
      if (open) await this.#end(open);
      return next;
    } catch (error) {
      // Another load of the stream goes on, of rejects that are tried again: this one stays open.
      if (!open || !isLocked(error)) throw error;
      return open;
    }
  }

  #begin(stream: Stream | undefined, deadline: number): Promise<OpenLoad<Stream>> {
    const key = stream?.target.key ?? this.#keyOfNone;
    return withTransaction(this.#client, async () => {
      await lockStream(this.#client, key, { deadline, onWait: () => {} });
      if (stream) await this.#makeTable(stream.target);
      const id = await beginLoad(this.#client, key);
      return { id, key, stream, since: performance.now(), ...NOTHING, reasons: new ReasonCounts() };
    });
  }

  /** For models that are built before the first event comes, too. */
  async makeTables(targets: readonly LoadTarget[]): Promise<void> {
    for (const target of targets)
      await withTransaction(this.#client, async () => {
        await lockStream(this.#client, target.key, { deadline: PATIENCE, onWait: () => {} });
        await this.#makeTable(target);
      });
  }

  async #makeTable(target: LoadTarget): Promise<void> {
    await this.#sink.makeTable(target);
    await preparePartition(this.#client, target.table, AHEAD);
  }

  async #end({ key, id, stream, rows, rejected, reasons }: OpenLoad<Stream>): Promise<void> {
    const { reasons: told, more, moreRejects } = reasons.told();
    const { freshness } = stream?.target.stream ?? {};
    const details = {
      ...(told.length ? { reasons: told } : {}),
      ...(more ? { moreReasons: more, moreRejects } : {}),
      ...(freshness ? { freshness } : {}),
    };
    await endLoad(this.#client, key, id, { rows, rejected, details });
  }

  /** Seconds since the oldest that is open began; undefined where none is. */
  get openFor(): number | undefined {
    const since = [...this.#open.values()].map((load) => load.since);
    return since.length ? (performance.now() - Math.min(...since)) / 1000 : undefined;
  }

  /** Ends the loads that have been open for long enough. */
  async endDue(): Promise<void> {
    for (const [stream, load] of this.#open) {
      if (!isDue(load)) continue;
      await this.#end(load);
      this.#open.delete(stream);
    }
  }

  async endAll(): Promise<void> {
    for (const load of this.#open.values()) await this.#end(load);
    this.#open.clear();
  }
}

function isLocked(error: unknown): boolean {
  return error instanceof UserError && error.exitCode === LOCKED_EXIT_CODE;
}

function isDue({ since, places }: Pick<OpenLoad, "since" | "places">): boolean {
  return places >= LARGEST_LOAD || performance.now() - since >= LONGEST_LOAD;
}
