import { claimEvents, type KnownEvent, nameOf, prepareEventKeys, unclaimEvents } from "../land/ledger/event-keys.ts";
import { endAbandoned, notifyRows } from "../land/ledger/open-loads.ts";
import { PostgresSink } from "../land/load/postgres-sink.ts";
import { resolveTarget } from "../land/load/target.ts";
import { copyOf, copyRejections, copyRows, rejectionsCopy, requireAll } from "../land/write/copy-rows.ts";
import { BEGIN_LANDING_ALL, END_LANDING_ALL, makeLanding } from "../land/write/landing.ts";
import { type Rejection, RowBatch } from "../land/write/row-batch.ts";
import type { ConnectionSettings } from "../model/connection-settings.ts";
import type { CollectDeclaration, IngestDeclaration } from "../model/declarations.ts";
import { type Client, connect } from "../postgres/client.ts";
import { mayBeOfRows } from "../postgres/sqlstate.ts";
import { inLazyTransaction, type LazyTransaction } from "../postgres/together.ts";
import { ACCEPTED, type Arrived, type Outcome } from "./arrived.ts";
import { type EventStream, EventStreams, type EventTarget } from "./event-streams.ts";
import { countCommitted, type OpenLoad, OpenLoads, PATIENCE } from "./loads.ts";
import { comparedWith, firstOfEach, knownAfter, type Placed, refused, TOO_MANY } from "./names.ts";
import type { Outlet } from "./outlet.ts";

export interface CollectedSource extends IngestDeclaration {
  readonly connector: CollectDeclaration;
}

/** A commit that is being made. */
interface Commit {
  readonly transaction: LazyTransaction;
  readonly loads: ReadonlyMap<EventStream | undefined, OpenLoad>;
  /** Whether a row that the server refuses takes no other along. */
  readonly isCareful: boolean;
  readonly outcomes: Outcome[];
  readonly landed: Batch[];
}

/** Of a commit what goes into one load. */
interface Batch {
  readonly load: OpenLoad;
  readonly events: readonly Placed[];
  /** The row of the first; the others follow. */
  readonly first: number;
  readonly rows: RowBatch;
  readonly rejections: Rejection[];
}

/** The event that a row is. */
function placedAs({ events, first }: Batch, rowNo: number): Placed {
  return events[rowNo - first]!;
}

/** So often events of one name are looked at in one commit. */
const MOST_PASSES = 3;

/** One connection over which the events of a source land, one commit after the other. */
export class Lane implements Outlet {
  readonly streams: EventStreams;
  readonly #client: Client;
  readonly #source: CollectedSource;
  readonly #loads: OpenLoads;
  readonly #free: Buffer[] = [];
  readonly #stop: AbortController;

  private constructor(
    parts: { readonly client: Client; readonly source: CollectedSource; readonly stop: AbortController },
    loads: OpenLoads,
    streams: EventStreams,
  ) {
    this.#client = parts.client;
    this.#source = parts.source;
    this.#stop = parts.stop;
    this.#loads = loads;
    this.streams = streams;
  }

  /** Makes tables and ledger ready, and ends what others left open. */
  static async open(
    settings: ConnectionSettings,
    source: CollectedSource,
    { signal, onWait }: { readonly signal: AbortSignal; readonly onWait: (what: string) => void },
  ): Promise<Lane> {
    const stop = new AbortController();
    const how = { duty: "loader", onWait, signal: AbortSignal.any([signal, stop.signal]) } as const;
    const client = await connect(settings, { ...how, applicationName: `dataform collect ${source.source}` });
    try {
      await makeLanding(client);
      const sink = new PostgresSink(client, settings);
      await sink.prepare(source.schema, { signal, onWait });
      await prepareEventKeys(client, source.schema);
      const targets: EventTarget[] = [];
      for (const stream of source.streams) {
        const target = (await resolveTarget(client, source, stream)) as EventTarget;
        await sink.evolve(target, { deadline: PATIENCE, onWait, signal });
        targets.push(target);
      }
      const loads = new OpenLoads(client, sink, source);
      await loads.makeTables(targets);
      await endAbandoned(client, source);
      const streams = new EventStreams(targets, source.connector.clockSkew);
      return new Lane({ client, source, stop }, loads, streams);
    } catch (error) {
      await client.close().catch(() => {});
      throw error;
    }
  }

  /**
   * Lands events, all of them in one commit. What became of each is known once it has resolved.
   * @param first what else is done in their transaction, before them
   * @throws where none of them has landed and the connection goes on (`goesOn`), or nobody knows
   */
  async write(events: readonly Arrived[], first?: (client: Client) => Promise<void>): Promise<readonly Outcome[]> {
    const loads = new Map<EventStream | undefined, OpenLoad>();
    for (const { judged } of events)
      if (!loads.has(judged.stream)) loads.set(judged.stream, await this.#loads.of(judged.stream));
    try {
      return await this.#commit(events, { loads, isCareful: false }, first);
    } catch (error) {
      if (!this.goesOn(error)) throw error;
      return this.#commit(events, { loads, isCareful: true }, first);
    }
  }

  async #commit(
    events: readonly Arrived[],
    { loads, isCareful }: Pick<Commit, "loads" | "isCareful">,
    before: ((client: Client) => Promise<void>) | undefined,
  ): Promise<readonly Outcome[]> {
    const outcomes = new Array<Outcome>(events.length);
    const landed: Batch[] = [];
    await inLazyTransaction(this.#client, async (transaction) => {
      if (before) {
        await transaction.send();
        await before(this.#client);
      }
      const commit: Commit = { transaction, loads, isCareful, outcomes, landed };
      let left: readonly Placed[] = events.map((event, at) => ({ at, event }));
      for (let pass = 1; left.length; pass++) left = await this.#pass(commit, pass < MOST_PASSES ? left : giveUp(left));
    });
    for (const { load, events, rejections } of landed) countCommitted(load, events.length, rejections);
    return outcomes;
  }

  /** The first of each name; returns those behind them that are something else. */
  async #pass(commit: Commit, events: readonly Placed[]): Promise<readonly Placed[]> {
    const { transaction, outcomes } = commit;
    const { first, others } = firstOfEach(events);
    const keys = first.flatMap(({ event }) => event.key ?? []);
    const known = await claimEvents(transaction, this.#of, keys);
    const found = known.size
      ? first.map(({ at, event }) => {
          const before = event.key && known.get(nameOf(event.key));
          return { at, event: before ? comparedWith(before, event) : event };
        })
      : first;
    const whole = found.flatMap(({ at, event }) => {
      if (!("is" in event)) return { at, event };
      outcomes[at] = event.is;
      return [];
    });
    await this.#land(commit, whole);
    return others.length ? behind({ first, others, known, outcomes }) : [];
  }

  get #of() {
    return { schema: this.#source.schema, source: this.#source.source };
  }

  async #land(commit: Commit, events: readonly Placed[]): Promise<void> {
    const byStream = new Map<EventStream | undefined, Placed[]>();
    for (const one of events) {
      const { stream } = one.event.judged;
      const some = byStream.get(stream);
      if (some) some.push(one);
      else byStream.set(stream, [one]);
    }
    const batches = [...byStream].map(([stream, some]) => this.#batch(commit.loads.get(stream)!, some));
    for (const { at } of events) commit.outcomes[at] = ACCEPTED;
    await (commit.isCareful ? this.#copyEach(commit, batches) : this.#copyAll(commit, batches));
    commit.landed.push(...batches);
    for (const batch of batches) {
      batch.rows.release();
      for (const { rowNo, reason } of batch.rejections)
        commit.outcomes[placedAs(batch, rowNo).at] = { kind: "rejected", reason };
    }
  }

  /** What goes into one load, and what its schema refuses. */
  #batch(load: OpenLoad, events: readonly Placed[]): Batch {
    const rows = new RowBatch(this.#free);
    const rejections: Rejection[] = [];
    const first = load.places + 1;
    for (const { event } of events) {
      const { position, text, judged } = event;
      const rowNo = ++load.places;
      // What of it is refused is still here as it came.
      if (judged.cells) rows.add(rowNo, event, judged.cells, "");
      else rejections.push({ rowNo, position, reason: judged.reason!, text: text() });
    }
    return { load, events, first, rows, rejections };
  }

  /** In one message. A row that the server refuses takes all along. */
  async #copyAll({ transaction }: Commit, batches: readonly Batch[]): Promise<void> {
    const landing = batches.filter(({ rows }) => rows.count);
    if (landing.length) transaction.add({ statement: BEGIN_LANDING_ALL });
    for (const { load, rows } of landing)
      transaction.add(copyOf({ loadId: load.id, table: load.stream!.target.table }, rows));
    if (landing.length) transaction.add({ statement: END_LANDING_ALL });
    for (const { load, rejections } of batches)
      if (rejections.length) transaction.add(rejectionsCopy({ key: load.key, loadId: load.id }, rejections));
    const copies = (await transaction.send()).filter(({ command }) => command === "COPY");
    for (const [index, { rows }] of landing.entries()) requireAll(copies[index]!.rowCount, rows.count);
  }

  /** A row that the server refuses is rejected by itself. */
  async #copyEach({ transaction }: Commit, batches: readonly Batch[]): Promise<void> {
    const client = this.#client;
    await transaction.send();
    for (const batch of batches) {
      const { load, rows, rejections } = batch;
      const into = load.stream && { client, loadId: load.id, table: load.stream.target.table };
      const refuse = ({ rowNo, position, reason }: Rejection) =>
        void rejections.push({ rowNo, position, reason, text: placedAs(batch, rowNo).event.text() });
      if (into && rows.count) await copyRows(into, rows, refuse);
    }
    for (const batch of batches) {
      const { load, rejections } = batch;
      if (!rejections.length) continue;
      await copyRejections({ client, key: load.key, loadId: load.id }, rejections);
      const late = rejections.flatMap(({ rowNo }) => {
        const { event } = placedAs(batch, rowNo);
        return event.judged.cells ? (event.key ?? []) : [];
      });
      if (late.length) await unclaimEvents(client, this.#of, late);
    }
  }

  /** Whether what failed may be of one event, so that others can be tried without it: nothing has landed then. */
  goesOn(error: unknown): boolean {
    return !this.#stop.signal.aborted && mayBeOfRows(error);
  }

  /** Ends what it is doing, which throws then. */
  cancel(): void {
    this.#stop.abort();
  }

  /** Seconds since the oldest of its loads began; undefined where none is open. */
  get openFor(): number | undefined {
    return this.#loads.openFor;
  }

  /** Ends the loads that have been open for long enough. */
  endDue(): Promise<void> {
    return this.#loads.endDue();
  }

  /** Tells who looks at what lands that rows came. */
  notify(): Promise<void> {
    return notifyRows(this.#client);
  }

  /** Ends its loads, and hangs up. */
  async close(): Promise<void> {
    try {
      await this.#loads.endAll();
    } finally {
      await this.#client.close();
    }
  }

  /** Hangs up: its loads stay open, for others to end. */
  abandon(): Promise<void> {
    return this.#client.close().catch(() => {});
  }
}

interface Passed {
  readonly first: readonly Placed[];
  readonly others: readonly Placed[];
  readonly known: ReadonlyMap<string, KnownEvent>;
  readonly outcomes: Outcome[];
}

/** What is told by what became of the first of the name is told; the others are left. */
function behind({ first, others, known, outcomes }: Passed): readonly Placed[] {
  const byName = new Map(first.flatMap((one) => (one.event.key ? [[nameOf(one.event.key), one] as const] : [])));
  return others.flatMap(({ at, event }) => {
    const name = nameOf(event.key!);
    const { at: place, event: before } = byName.get(name)!;
    const compared = comparedWith(knownAfter(before, outcomes[place]!, known.get(name)), event);
    if (!("is" in compared)) return { at, event: compared };
    outcomes[at] = compared.is;
    return [];
  });
}

function giveUp(events: readonly Placed[]): readonly Placed[] {
  return events.map(({ at, event }) => ({ at, event: event.key ? refused(event, TOO_MANY) : event }));
}
