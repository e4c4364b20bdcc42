import {
  forgetSpool,
  moveSpoolPlace,
  prepareSpoolPlaces,
  type SpoolKey,
  spoolPlace,
} from "../../land/ledger/spool-places.ts";
import type { ConnectionSettings } from "../../model/connection-settings.ts";
import { counted } from "../../model/counted.ts";
import type { SpoolDeclaration } from "../../model/declarations.ts";
import { UserError } from "../../model/errors.ts";
import { type Client, withClient } from "../../postgres/client.ts";
import { pause } from "../../wait/pause.ts";
import { after } from "../../wait/timers.ts";
import { ACCEPTED, type Arrived, type Outcome } from "../arrived.ts";
import { arrivedAgain, keptOf } from "../arriving.ts";
import type { EventStreams } from "../event-streams.ts";
import { type CollectedSource, Lane } from "../lane.ts";
import type { Outlet } from "../outlet.ts";
import { Teller } from "../teller.ts";
import { NotKept, Spool } from "./spool.ts";
import type { SpoolFolder } from "./spool-folder.ts";

export interface SpoolingOptions {
  readonly settings: ConnectionSettings;
  readonly source: CollectedSource;
  /** Milliseconds that a commit may take. */
  readonly patience: number;
  /** Told what is waited for, and what failed. */
  readonly log: (line: string) => void;
}

/** Somebody else landed what was read. */
class Outrun extends Error {}

/** Milliseconds between two tries to reach the database, at most. */
const LONGEST_WAIT = 2_000;
/** Events that are tried at once where PostgreSQL does not take those read together. */
const FEW = 100;

/**
 * Events go into PostgreSQL; while it does not answer, on the disk, and from there in their order, before those that come then. What
 * came before is known as ever by its name: a commit of which nobody knows whether it was one is kept, too.
 */
export class SpoolingOutlet implements Outlet {
  readonly #options: SpoolingOptions;
  readonly #declared: SpoolDeclaration;
  readonly #spool: Spool;
  readonly #teller: Teller;
  /** Nothing more is taken from the disk. */
  readonly #ending = new AbortController();
  #lane: Lane | undefined;
  #streams: EventStreams;
  /** What waits is being landed, and what comes goes behind it. */
  #draining: Promise<void> | undefined;
  /** Since when the database has not answered, by a clock that only goes on. */
  #awaySince: number | undefined;

  private constructor(options: SpoolingOptions, lane: Lane, spool: Spool) {
    this.#options = options;
    this.#declared = options.source.connector.spool!;
    this.#lane = lane;
    this.#streams = lane.streams;
    this.#spool = spool;
    this.#teller = new Teller(options.source.source, options.log);
    if (!spool.isEmpty) this.#beginDraining();
  }

  /** @throws UserError where the database cannot be reached, or nothing can be written on the disk */
  static async open(options: SpoolingOptions, signal: AbortSignal): Promise<SpoolingOutlet> {
    const { settings, source, log } = options;
    const lane = await Lane.open(settings, source, { signal, onWait: log });
    try {
      await withClient(settings, asking(source), (client) => prepareSpoolPlaces(client, source.schema));
      return new SpoolingOutlet(options, lane, spoolOf(source));
    } catch (error) {
      await lane.abandon();
      throw error;
    }
  }

  get streams(): EventStreams {
    return this.#streams;
  }

  get openFor(): number | undefined {
    return this.#lane?.openFor;
  }

  /** Bytes that wait on the disk. */
  get spooled(): number {
    return this.#spool.bytes;
  }

  async write(events: readonly Arrived[]): Promise<readonly Outcome[]> {
    const lane = this.#lane;
    if (lane && !this.#draining) {
      try {
        return await this.#inTime(lane, () => lane.write(events.map((event) => this.#asJudgedBy(lane, event))));
      } catch (error) {
        if (lane.goesOn(error)) throw error;
        await this.#lose(lane, error as Error);
      }
    }
    await this.#keep(events);
    return events.map(({ judged: { reason } }) => (reason === undefined ? ACCEPTED : { kind: "rejected", reason }));
  }

  /** What was judged before the connection was another one is judged as tables are now. */
  #asJudgedBy({ streams }: Lane, event: Arrived): Arrived {
    const { stream } = event.judged;
    if (!stream || streams.all.includes(stream)) return event;
    return arrivedAgain(streams, this.#options.source.connector, keptOf(event));
  }

  /** A session that hangs is ended while whoever sends still waits. */
  async #inTime<T>(lane: Lane, work: () => Promise<T>): Promise<T> {
    const stop = after(this.#options.patience / 2, () => lane.cancel());
    try {
      return await work();
    } finally {
      stop();
    }
  }

  async #keep(events: readonly Arrived[]): Promise<void> {
    const { for: longest } = this.#declared;
    if (this.#awaySince !== undefined && performance.now() - this.#awaySince > longest)
      throw new NotKept(`the database has not answered for ${Math.round(longest / 1000)} seconds (spool.for)`);
    await this.#spool.append(events.map(keptOf));
    this.#beginDraining();
  }

  async #lose(lane: Lane, error: Error): Promise<void> {
    this.#teller.say(`events are kept in ${this.#declared.folder} for now: ${error.message}`);
    this.#lane = undefined;
    this.#awaySince ??= performance.now();
    await lane.abandon();
    this.#beginDraining();
  }

  #beginDraining(): void {
    this.#draining ??= this.#drain().catch((error: Error) => {
      if (!this.#ending.signal.aborted) this.#teller.say(error.message);
      this.#draining = undefined;
    });
  }

  /** Lands what waits, the first first, until nothing does. */
  async #drain(): Promise<void> {
    const { signal } = this.#ending;
    const tries = { wait: 25, most: Number.POSITIVE_INFINITY };
    let landed = 0;
    for (;;) {
      signal.throwIfAborted();
      try {
        const lane = await this.#reached(signal);
        const { first } = this.#spool;
        if (!first) break;
        const some = await this.#inTime(lane, () => this.#landSome(lane, first, tries.most));
        landed += some;
        Object.assign(tries, { wait: 25, most: Number.POSITIVE_INFINITY });
        await lane.notify();
        await lane.endDue();
        // What is being kept is read once it is.
        if (!some && this.#spool.first === first) await pause(5, signal);
      } catch (error) {
        signal.throwIfAborted();
        await this.#tryLater(error as Error, tries);
      }
    }
    // Nothing has come since it was seen that nothing waits.
    this.#draining = undefined;
    if (landed) this.#teller.say(`${counted(landed, "event")} of the spool have landed`);
  }

  async #tryLater(error: Error, tries: { wait: number; most: number }): Promise<void> {
    const lane = this.#lane;
    // What is refused as a whole may be taken in parts.
    if (lane?.goesOn(error)) tries.most = tries.most > FEW ? FEW : 1;
    this.#lane = undefined;
    this.#awaySince ??= performance.now();
    await lane?.abandon();
    this.#teller.say(`what is in the spool does not land yet: ${error.message}`);
    await pause(tries.wait, this.#ending.signal);
    tries.wait = Math.min(2 * tries.wait, LONGEST_WAIT);
  }

  async #reached(signal: AbortSignal): Promise<Lane> {
    if (this.#lane) return this.#lane;
    const { settings, source, log } = this.#options;
    // Once it is open it is not ended by the signal: what was read is landed, and its loads ended.
    const opening = new AbortController();
    const end = () => opening.abort(signal.reason);
    signal.addEventListener("abort", end, { once: true });
    try {
      const lane = await Lane.open(settings, source, { signal: opening.signal, onWait: log });
      this.#lane = lane;
      this.#streams = lane.streams;
      this.#awaySince = undefined;
      return lane;
    } finally {
      signal.removeEventListener("abort", end);
    }
  }

  /** Lands what is read at once, in the transaction that moves the place. Returns how many events that were. */
  async #landSome(lane: Lane, folder: SpoolFolder, most: number): Promise<number> {
    const key: SpoolKey = {
      schema: this.#options.source.schema,
      source: this.#options.source.source,
      spool: folder.id,
    };
    const from = await this.#ask((client) => spoolPlace(client, key));
    const { kept, next } = await folder.read(from, most);
    if (next > from) {
      const { connector } = this.#options.source;
      const events = kept.map((one) => arrivedAgain(lane.streams, connector, one));
      await lane.write(events, async (client) => {
        if (!(await moveSpoolPlace(client, key, { from, to: next })))
          throw new Outrun("somebody else lands this spool");
      });
    }
    folder.forget(next);
    if (next >= folder.end && (await this.#spool.remove(folder, next)))
      await this.#ask((client) => forgetSpool(client, key));
    return kept.length;
  }

  /** What is asked now and then. */
  #ask<T>(question: (client: Client) => Promise<T>): Promise<T> {
    return withClient(this.#options.settings, asking(this.#options.source), question);
  }

  goesOn(error: unknown): boolean {
    return !this.#draining && (this.#lane?.goesOn(error) ?? false);
  }

  cancel(): void {
    this.#ending.abort();
    this.#lane?.cancel();
  }

  endDue(): Promise<void> {
    return this.#ofLane((lane) => lane.endDue());
  }

  notify(): Promise<void> {
    return this.#ofLane((lane) => lane.notify());
  }

  /** What is nobody's event, and none waits for. */
  async #ofLane(work: (lane: Lane) => Promise<void>): Promise<void> {
    const lane = this.#lane;
    if (!lane || this.#draining) return;
    try {
      await this.#inTime(lane, () => work(lane));
    } catch (error) {
      await this.#lose(lane, error as Error);
    }
  }

  /** What waits stays for whoever comes next. */
  async close(): Promise<void> {
    await this.#rest();
    await this.#lane?.close();
  }

  async abandon(): Promise<void> {
    await this.#rest();
    await this.#lane?.abandon();
  }

  async #rest(): Promise<void> {
    this.#ending.abort();
    await this.#draining;
    await this.#spool.leave();
  }
}

function spoolOf({ file, connector }: CollectedSource): Spool {
  const { folder, maxBytes: most } = connector.spool!;
  try {
    return Spool.open({ folder, most });
  } catch (error) {
    throw new UserError({
      message: `no events can be kept in ${folder}`,
      location: { file },
      expected: "a folder that this user may write to (spool.folder)",
      found: (error as Error).message,
      cause: error,
    });
  }
}

function asking({ source }: CollectedSource) {
  return { applicationName: `dataform collect ${source}`, duty: "loader" } as const;
}
