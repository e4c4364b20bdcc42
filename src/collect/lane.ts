import {
  claimEvents,
  type EventKey,
  forgetEvents,
  type KnownEvent,
  nameOf,
  prepareEventKeys,
  unclaimEvents,
} from "../land/ledger/event-keys.ts";
import { type LedgerKey, lockStream } from "../land/ledger/ledger.ts";
import { beginLoad, endAbandoned, endLoad, keyOfNoStream } from "../land/ledger/open-loads.ts";
import { ReasonCounts } from "../land/ledger/reason-counts.ts";
import { PostgresSink } from "../land/load/postgres-sink.ts";
import { resolveTarget } from "../land/load/target.ts";
import { preparePartition } from "../land/table/partitions.ts";
import { LOADING_SESSION } from "../land/table/server-types.ts";
import { copyRejections, copyRows } from "../land/write/copy-rows.ts";
import { type Rejection, RowBatch } from "../land/write/row-batch.ts";
import type { ConnectionSettings } from "../model/connection-settings.ts";
import type { CollectDeclaration, IngestDeclaration } from "../model/declarations.ts";
import { UserError } from "../model/errors.ts";
import { LOCKED_EXIT_CODE } from "../postgres/advisory-lock.ts";
import { type Client, connect, withTransaction } from "../postgres/client.ts";
import type { Arrived, Outcome } from "./arrived.ts";
import { type EventStream, EventStreams, type EventTarget } from "./event-streams.ts";

export interface CollectedSource extends IngestDeclaration {
  readonly connector: CollectDeclaration;
}

/** A load that rows are added to. */
interface OpenLoad {
  readonly id: string;
  readonly key: LedgerKey;
  readonly stream: EventStream | undefined;
  /** Milliseconds, of a clock that only goes on. */
  readonly since: number;
  /** Places given out. */
  rows: number;
  /** Why events were rejected. */
  readonly reasons: ReasonCounts;
}

/** A load ends after so many milliseconds, or rows: who goes by whole loads sees them then. */
const LONGEST_LOAD = 5_000;
const LARGEST_LOAD = 50_000;

/** Seconds: a load that is open at midnight goes on. */
const AHEAD = 3_600;

/** One connection over which the events of a source land, one commit after the other. */
export class Lane {
  readonly streams: EventStreams;
  readonly #client: Client;
  readonly #source: CollectedSource;
  readonly #sink: PostgresSink;
  readonly #open = new Map<EventStream | undefined, OpenLoad>();
  readonly #free: Buffer[] = [];

  private constructor(client: Client, source: CollectedSource, sink: PostgresSink, streams: EventStreams) {
    this.#client = client;
    this.#source = source;
    this.#sink = sink;
    this.streams = streams;
  }

  /** Makes tables and ledger ready, and ends what others left open. */
  static async open(
    settings: ConnectionSettings,
    source: CollectedSource,
    { signal, onWait }: { readonly signal: AbortSignal; readonly onWait: (what: string) => void },
  ): Promise<Lane> {
    const how = { applicationName: `dataform collect ${source.source}`, duty: "loader", onWait, signal } as const;
    const client = await connect(settings, how);
    try {
      const sink = new PostgresSink(client, settings);
      await sink.prepare(source.schema, { signal, onWait });
      await prepareEventKeys(client, source.schema);
      const targets: EventTarget[] = [];
      for (const stream of source.streams) {
        const target = (await resolveTarget(client, source, stream)) as EventTarget;
        await sink.evolve(target, { deadline: PATIENCE, onWait, signal });
        targets.push(target);
      }
      const lane = new Lane(client, source, sink, new EventStreams(targets, source.connector.clockSkew));
      for (const { target } of lane.streams.all) await withTransaction(client, () => lane.#lockedTable(target));
      await lane.endAbandoned();
      return lane;
    } catch (error) {
      await client.close().catch(() => {});
      throw error;
    }
  }

  /**
   * Lands events, all of them in one commit. What became of each is known once it has resolved; where it throws nobody knows whether
   * they have landed, and the connection is of no use any more.
   */
  async write(events: readonly Arrived[]): Promise<readonly Outcome[]> {
    for (const stream of new Set(events.map(({ judged }) => judged.stream))) await this.#ready(stream);
    return withTransaction(this.#client, async () => {
      await this.#client.script(LOADING_SESSION);
      const whole = await this.#claim(events);
      const refused = await this.#land(whole.map((one) => ("is" in one ? undefined : one)));
      return whole.map((one, index) => ("is" in one ? one.is : (refused.get(index) ?? ACCEPTED)));
    });
  }

  /** What is to land; of what came before, what it is. */
  async #claim(events: readonly Arrived[]): Promise<readonly (Arrived | { readonly is: Outcome })[]> {
    const first = new Map<string, EventKey>();
    for (const { key } of events) if (key && !first.has(nameOf(key))) first.set(nameOf(key), key);
    const known = await claimEvents(this.#client, this.#of, [...first.values()]);
    return events.map((event) => {
      if (!event.key) return event;
      const name = nameOf(event.key);
      const twin = first.get(name)!;
      const before = known.get(name) ?? (twin === event.key ? undefined : { hash: twin.hash, landed: twin.lands });
      return before ? comparedWith(before, event) : event;
    });
  }

  get #of() {
    return { schema: this.#source.schema, source: this.#source.source };
  }

  /** Returns what is rejected, by its place. */
  async #land(events: readonly (Arrived | undefined)[]): Promise<ReadonlyMap<number, Outcome>> {
    const refused = new Map<number, Outcome>();
    for (const [stream, load] of this.#open) {
      const rows = new RowBatch(this.#free);
      const rejections: Rejection[] = [];
      const placeOf = new Map<number, number>();
      for (const [index, event] of events.entries()) {
        if (!event || event.judged.stream !== stream) continue;
        const rowNo = ++load.rows;
        placeOf.set(rowNo, index);
        const { position, text } = event;
        if (event.judged.cells) rows.add(rowNo, { position }, event.judged.cells, text);
        else rejections.push({ rowNo, position, reason: event.judged.reason!, text });
      }
      if (!placeOf.size) continue;
      const early = rejections.length;
      if (stream && rows.count) await this.#copy(stream, load, rows, rejections);
      rows.release();
      if (!rejections.length) continue;
      const { key, id: loadId } = load;
      await copyRejections({ client: this.#client, key, loadId }, rejections);
      const late = rejections.slice(early).flatMap(({ rowNo }) => events[placeOf.get(rowNo)!]!.key ?? []);
      if (late.length) await unclaimEvents(this.#client, this.#of, late);
      for (const { rowNo, reason } of rejections) {
        load.reasons.add(reason);
        refused.set(placeOf.get(rowNo)!, { kind: "rejected", reason });
      }
    }
    return refused;
  }

  async #copy(
    { target }: EventStream,
    { id: loadId }: OpenLoad,
    rows: RowBatch,
    rejections: Rejection[],
  ): Promise<void> {
    await copyRows({ client: this.#client, table: target.table, loadId }, rows, (one) => rejections.push(one));
  }

  /** A load for events of a stream: the one that is open, or another one. */
  async #ready(stream: EventStream | undefined): Promise<void> {
    const open = this.#open.get(stream);
    if (open && !isDue(open)) return;
    try {
      const next = await this.#begin(stream, open ? 0 : PATIENCE);
      if (open) await this.#end(open);
      this.#open.set(stream, next);
    } catch (error) {
      // Another load of the stream goes on, of rejects that are tried again: this one stays open.
      if (!open || !isLocked(error)) throw error;
    }
  }

  #begin(stream: EventStream | undefined, deadline: number): Promise<OpenLoad> {
    const key = stream?.target.key ?? keyOfNoStream(this.#source.schema, this.#source.source);
    return withTransaction(this.#client, async () => {
      await lockStream(this.#client, key, { deadline, onWait: () => {} });
      if (stream) await this.#makeTable(stream.target);
      return {
        id: await beginLoad(this.#client, key),
        key,
        stream,
        since: performance.now(),
        rows: 0,
        reasons: new ReasonCounts(),
      };
    });
  }

  async #lockedTable(target: EventTarget): Promise<void> {
    await lockStream(this.#client, target.key, { deadline: PATIENCE, onWait: () => {} });
    await this.#makeTable(target);
  }

  /** For models that are built before the first event comes, too. */
  async #makeTable(target: EventTarget): Promise<void> {
    await this.#sink.makeTable(target);
    await preparePartition(this.#client, target.table, AHEAD);
  }

  async #end({ key, id: loadId, stream, reasons }: OpenLoad): Promise<void> {
    const { reasons: told, more, moreRejects } = reasons.told();
    const { freshness } = stream?.target.stream ?? {};
    const details = {
      ...(told.length ? { reasons: told } : {}),
      ...(more ? { moreReasons: more, moreRejects } : {}),
      ...(freshness ? { freshness } : {}),
    };
    await withTransaction(this.#client, () => endLoad(this.#client, key, loadId, details));
  }

  /** Ends the loads that have been open for long enough. */
  async endDue(): Promise<void> {
    for (const [stream, load] of this.#open) {
      if (!isDue(load)) continue;
      await this.#end(load);
      this.#open.delete(stream);
    }
  }

  /** Ends loads of others who are gone. */
  async endAbandoned(): Promise<void> {
    const { schema, source } = this.#of;
    for (const key of [...this.streams.all.map(({ target }) => target.key), keyOfNoStream(schema, source)])
      await endAbandoned(this.#client, key);
  }

  /** Forgets which events came long ago, and drops partitions that are too old. Returns warnings. */
  async tend(): Promise<readonly string[]> {
    while (await forgetEvents(this.#client, this.#of, this.#source.connector.dedupe));
    const warnings: string[] = [];
    for (const { target } of this.streams.all) warnings.push(...(await this.#sink.tend(target)));
    return warnings;
  }

  /** Ends its loads, and hangs up. */
  async close(): Promise<void> {
    try {
      for (const load of this.#open.values()) await this.#end(load);
    } finally {
      await this.#client.close();
    }
  }

  /** Hangs up: what it was doing is lost. */
  abandon(): Promise<void> {
    return this.#client.close().catch(() => {});
  }
}

/** Milliseconds that another load of a stream may keep this one waiting. */
const PATIENCE = 30_000;

const ACCEPTED: Outcome = { kind: "accepted" };

/** An event whose name is known. One with the name of another is a reject; a reject that comes again is that one. */
function comparedWith(before: KnownEvent, event: Arrived): Arrived | { readonly is: Outcome } {
  const { key, judged, position, text } = event;
  const isSame = before.hash === key!.hash;
  if (before.landed)
    return isSame
      ? { is: { kind: "duplicate" } }
      : { position, text, judged: { ...judged, cells: undefined, reason: OTHER_BODY } };
  return isSame ? { is: { kind: "rejected", reason: judged.reason! } } : event;
}

const OTHER_BODY = "id: an event of this name came before, and said something else";

function isLocked(error: unknown): boolean {
  return error instanceof UserError && error.exitCode === LOCKED_EXIT_CODE;
}

function isDue({ since, rows }: OpenLoad): boolean {
  return rows >= LARGEST_LOAD || performance.now() - since >= LONGEST_LOAD;
}
