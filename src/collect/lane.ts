import { claimEvents, type KnownEvent, nameOf, prepareEventKeys, unclaimEvents } from "../land/ledger/event-keys.ts";
import { endAbandoned } from "../land/ledger/open-loads.ts";
import { PostgresSink } from "../land/load/postgres-sink.ts";
import { resolveTarget } from "../land/load/target.ts";
import { copyAll, copyRejections, copyRows } from "../land/write/copy-rows.ts";
import { beginLandingAll, endLandingAll, makeLanding } from "../land/write/landing.ts";
import { type Rejection, RowBatch } from "../land/write/row-batch.ts";
import type { ConnectionSettings } from "../model/connection-settings.ts";
import type { CollectDeclaration, IngestDeclaration } from "../model/declarations.ts";
import { type Client, connect, withTransaction } from "../postgres/client.ts";
import { sqlState } from "../postgres/sqlstate.ts";
import type { Arrived, Outcome } from "./arrived.ts";
import { type EventStream, EventStreams, type EventTarget } from "./event-streams.ts";
import { type OpenLoad, OpenLoads, PATIENCE } from "./loads.ts";
import { comparedWith, firstOfEach, knownAfter, type Placed, refused, TOO_MANY } from "./names.ts";

export interface CollectedSource extends IngestDeclaration {
  readonly connector: CollectDeclaration;
}

/** A commit that is being made. */
interface Commit {
  readonly loads: ReadonlyMap<EventStream | undefined, OpenLoad>;
  /** Whether a row that the server refuses takes no other along. */
  readonly isCareful: boolean;
  readonly outcomes: Outcome[];
}

/** So often events of one name are looked at in one commit. */
const MOST_PASSES = 3;

/** One connection over which the events of a source land, one commit after the other. */
export class Lane {
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
   * @throws where none of them has landed and the connection goes on (`goesOn`), or nobody knows
   */
  async write(events: readonly Arrived[]): Promise<readonly Outcome[]> {
    const loads = new Map<EventStream | undefined, OpenLoad>();
    for (const { judged } of events)
      if (!loads.has(judged.stream)) loads.set(judged.stream, await this.#loads.of(judged.stream));
    try {
      return await this.#commit(events, loads, false);
    } catch (error) {
      if (!this.goesOn(error)) throw error;
      return this.#commit(events, loads, true);
    }
  }

  #commit(events: readonly Arrived[], loads: Commit["loads"], isCareful: boolean): Promise<readonly Outcome[]> {
    const commit: Commit = { loads, isCareful, outcomes: new Array<Outcome>(events.length) };
    return withTransaction(this.#client, async () => {
      let left: readonly Placed[] = events.map((event, at) => ({ at, event }));
      for (let pass = 1; left.length; pass++) {
        if (pass > 1 && !isCareful) await endLandingAll(this.#client);
        left = await this.#pass(commit, pass < MOST_PASSES ? left : giveUp(left));
      }
      return commit.outcomes;
    });
  }

  /** The first of each name; returns those behind them that are something else. */
  async #pass(commit: Commit, events: readonly Placed[]): Promise<readonly Placed[]> {
    const { outcomes } = commit;
    const { first, others } = firstOfEach(events);
    const known = await claimEvents(
      this.#client,
      this.#of,
      first.flatMap(({ event }) => event.key ?? []),
    );
    const found = first.map(({ at, event }) => {
      const before = event.key && known.get(nameOf(event.key));
      return { at, event: before ? comparedWith(before, event) : event };
    });
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
    if (!commit.isCareful && events.some(({ event }) => event.judged.cells)) await beginLandingAll(this.#client);
    const rejected: (() => Promise<void>)[] = [];
    for (const [stream, some] of byStream) {
      const load = commit.loads.get(stream)!;
      const { rejections, placeOf } = await this.#copy(commit, load, some);
      for (const { at } of some) commit.outcomes[at] = ACCEPTED;
      if (rejections.length) rejected.push(() => this.#reject(commit, load, rejections, placeOf));
    }
    if (!rejected.length) return;
    if (!commit.isCareful) await endLandingAll(this.#client);
    for (const reject of rejected) await reject();
  }

  /** Returns what the schema or the server refuses, and which event each row is. */
  async #copy({ isCareful }: Commit, load: OpenLoad, events: readonly Placed[]) {
    const rows = new RowBatch(this.#free);
    const rejections: Rejection[] = [];
    const placeOf = new Map<number, Placed>();
    for (const one of events) {
      const { position, text, judged } = one.event;
      const rowNo = ++load.rows;
      placeOf.set(rowNo, one);
      // What of it is refused is still here as it came.
      if (judged.cells) rows.add(rowNo, { position }, judged.cells, "");
      else rejections.push({ rowNo, position, reason: judged.reason!, text: text() });
    }
    const into = load.stream && {
      ...{ client: this.#client, loadId: load.id, table: load.stream.target.table },
    };
    if (into && rows.count && isCareful)
      await copyRows(into, rows, (one) => rejections.push({ ...one, text: placeOf.get(one.rowNo)!.event.text() }));
    else if (into && rows.count) await copyAll(into, rows);
    rows.release();
    return { rejections, placeOf };
  }

  async #reject(
    { outcomes }: Commit,
    { key, id: loadId, reasons }: OpenLoad,
    rejections: readonly Rejection[],
    placeOf: ReadonlyMap<number, Placed>,
  ): Promise<void> {
    await copyRejections({ client: this.#client, key, loadId }, rejections);
    const late = rejections.flatMap(({ rowNo }) => {
      const { event } = placeOf.get(rowNo)!;
      return event.judged.cells ? (event.key ?? []) : [];
    });
    if (late.length) await unclaimEvents(this.#client, this.#of, late);
    for (const { rowNo, reason } of rejections) {
      reasons.add(reason);
      outcomes[placeOf.get(rowNo)!.at] = { kind: "rejected", reason };
    }
  }

  /** Whether what failed may be of one event, so that others can be tried without it: nothing has landed then. */
  goesOn(error: unknown): boolean {
    return !this.#stop.signal.aborted && OF_WHAT_IS_SENT.test(sqlState(error) ?? "");
  }

  /** Ends what it is doing, which throws then. */
  cancel(): void {
    this.#stop.abort();
  }

  /** Ends the loads that have been open for long enough. */
  endDue(): Promise<void> {
    return this.#loads.endDue();
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

const ACCEPTED: Outcome = { kind: "accepted" };

/** Of a row, of what stands on its table, or of who was in the way for a moment. */
const OF_WHAT_IS_SENT = /^(?:0A|2[23F]|3[89]|4[024]|54|P0)/;

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
