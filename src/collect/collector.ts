import type { Lake } from "../land/table/archive.ts";
import type { ConnectionSettings } from "../model/connection-settings.ts";
import { errorData } from "../model/errors.ts";
import { databaseFailure } from "../postgres/sqlstate.ts";
import { pause } from "../wait/pause.ts";
import { after } from "../wait/timers.ts";
import type { Outcome } from "./arrived.ts";
import { arrivedOf } from "./arriving.ts";
import { careOf, takeCare } from "./caretaker.ts";
import type { Sending } from "./event.ts";
import { type CollectedSource, Lane } from "./lane.ts";
import type { CollectMeasuring } from "./measuring.ts";
import type { Outlet } from "./outlet.ts";
import type { SentEvents } from "./request.ts";
import { Room } from "./room.ts";
import { Teller } from "./teller.ts";
import { sizeOf, takeBatch, type Waiting } from "./waiting.ts";

export interface CollectorOptions {
  readonly settings: ConnectionSettings;
  readonly source: CollectedSource;
  /** Milliseconds between two commits. */
  readonly every: number;
  /** Milliseconds that a commit may take. */
  readonly patience: number;
  /** Bytes of requests and events that wait for their commit. */
  readonly room: number;
  /** Where partitions are archived to. */
  readonly lake: Lake;
  /** Told of what failed and is nobody's mistake. */
  readonly log: (line: string) => void;
  readonly measuring?: CollectMeasuring | undefined;
}

/** Why events were not taken: they may be sent again. */
export class NotTaken extends Error {
  readonly why: "full" | Away;

  constructor(why: "full" | Away) {
    super(why === "full" ? "too many events wait" : `the ${why} does not answer`);
    this.why = why;
  }
}

/** What does not answer. */
type Away = "database" | "queue";

/** Milliseconds: how often loads are ended; until it is tried again, at most. */
const LOOK_EVERY = 1_000;
/** Milliseconds between two times that somebody who looks at live marts is told that rows came. */
const NOTIFY_EVERY = 50;
const LONGEST_WAIT = 2_000;

/** So many commits are tried to find the requests that the server refuses. */
const MOST_TRIES = 32;

/** Takes events, and lands them in commits of many. */
export class Collector {
  readonly #options: CollectorOptions;
  /** What requests take that are being read, and events that wait. */
  readonly room: Room;
  readonly #queue: Waiting[] = [];
  readonly #teller: Teller;
  #lane: Outlet | undefined;
  /** Ends what the database is asked for, whatever waits. */
  readonly #hard: AbortController;
  /** A commit takes too long, and is being ended. */
  #isStuck = false;
  /** Commits that failed since the last one that did not. */
  #failures = 0;
  /** When rows were notified last, and whether some came since. */
  #notifiedAt = Number.NEGATIVE_INFINITY;
  #isNews = false;
  #wake = () => {};

  private constructor(options: CollectorOptions, lane: Outlet, hard: AbortController) {
    this.#hard = hard;
    this.#options = options;
    this.#lane = lane;
    this.room = new Room(options.room);
    this.#teller = new Teller(options.source.source, options.log);
  }

  /** @throws UserError where the database cannot be reached, or cannot have the tables */
  static async open(options: CollectorOptions, signal: AbortSignal): Promise<Collector> {
    const hard = new AbortController();
    const stop = () => hard.abort(signal.reason);
    signal.addEventListener("abort", stop, { once: true });
    try {
      const lane = await openOutlet(options, hard.signal);
      return new Collector(options, lane, hard);
    } finally {
      signal.removeEventListener("abort", stop);
    }
  }

  get source(): CollectedSource {
    return this.#options.source;
  }

  /** What it holds at this moment. */
  get held() {
    const { openFor, spooled } = this.#lane ?? {};
    const known = { ...(openFor === undefined ? {} : { openFor }), ...(spooled === undefined ? {} : { spooled }) };
    return { source: this.source.source, ...this.room.held, ...known };
  }

  /** A request was answered with a problem: of which type. */
  refused(why: string): void {
    this.#options.measuring?.refused(this.source.source, why);
  }

  /** Why nothing is taken now; undefined where something is. */
  get refusal(): NotTaken | undefined {
    if (!this.#lane || this.#isStuck) return new NotTaken(awayOf(this.source));
    return this.room.isFull ? new NotTaken("full") : undefined;
  }

  /**
   * Lands the events of a request. Resolves once they are committed.
   * @throws NotTaken where they are not, or nobody knows
   */
  async send(sent: SentEvents, sending: Sending): Promise<readonly Outcome[]> {
    const { refusal } = this;
    if (refusal) throw refusal;
    const events = arrivedOf(this.#lane!.streams, this.source.connector, sent, sending);
    if (!events.length) return [];
    const bytes = sizeOf(events);
    this.room.take(bytes);
    try {
      return await new Promise((done, failed) => {
        this.#queue.push({ events, bytes, since: performance.now(), done, failed });
        this.#wake();
      });
    } finally {
      this.room.give(bytes);
    }
  }

  /** Lands what comes until the signal does, and what waits then; for so many milliseconds at most. */
  async run(signal: AbortSignal, drainTime: number): Promise<void> {
    const { settings, source, lake, log } = this.#options;
    let late = () => {};
    const end = () => {
      this.#wake();
      late = after(drainTime, () => this.#hard.abort());
    };
    if (signal.aborted) end();
    else signal.addEventListener("abort", end, { once: true });
    // Those who land what is in the queue take care of what landed.
    const caring = source.connector.produce ? undefined : takeCare(careOf(source, { settings, lake }), signal, log);
    while (!signal.aborted || this.#queue.length) {
      try {
        this.#lane ??= await this.#reopen(signal);
        if (this.#queue.length) await this.#commit(this.#lane);
        await this.#notify(this.#lane);
        await this.#lane.endDue();
        await this.#idle(signal);
      } catch (error) {
        await this.#lost(error as Error);
      }
    }
    const lane = this.#lane;
    this.#lane = undefined;
    await caring;
    await lane?.close().catch((error: Error) => this.#teller.say(`its loads are left open: ${wordsOf(error)}`));
    late();
  }

  /** At once where nothing was notified for a while, or else as soon as that is so. */
  async #notify(lane: Outlet): Promise<void> {
    const now = performance.now();
    if (!this.#isNews || now - this.#notifiedAt < NOTIFY_EVERY) return;
    this.#isNews = false;
    this.#notifiedAt = now;
    await lane.notify();
  }

  /** Until events wait, and a little longer, since more may come; or until something is due. */
  async #idle(signal: AbortSignal): Promise<void> {
    if (!this.#queue.length && !signal.aborted) {
      const look = new AbortController();
      this.#wake = () => look.abort();
      await pause(this.#isNews ? NOTIFY_EVERY : LOOK_EVERY, look.signal).catch(() => {});
      this.#wake = () => {};
    }
    const [first] = this.#queue;
    const left = first && first.since + this.#options.every - performance.now();
    if (left !== undefined && left > 0 && !signal.aborted) await pause(left);
  }

  async #commit(lane: Outlet): Promise<void> {
    const batch = takeBatch(this.#queue);
    const begun = performance.now();
    const measured = (isMade: boolean) =>
      this.#options.measuring?.committed(this.source.source, isMade, (performance.now() - begun) / 1000);
    const stop = after(this.#options.patience, () => {
      this.#isStuck = true;
      this.#refuse([...batch, ...this.#queue.splice(0)]);
      lane.cancel();
    });
    try {
      await this.#land(lane, batch, { left: MOST_TRIES });
      // It came too late: nobody waits for it, and the session is being ended.
      if (this.#isStuck) throw new Error(`a commit took longer than ${this.#options.patience} ms`);
      this.#failures = 0;
      this.#isNews = true;
      measured(true);
    } catch (error) {
      measured(false);
      this.#refuse(batch);
      throw error;
    } finally {
      stop();
    }
  }

  /** What the server does not take takes no request along but its own: they are tried by halves. */
  async #land(lane: Outlet, batch: readonly Waiting[], tries: { left: number }): Promise<void> {
    try {
      const outcomes = await lane.write(batch.flatMap(({ events }) => events));
      this.#options.measuring?.landed(this.source.source, outcomes);
      let at = 0;
      for (const { events, done } of batch) {
        done(outcomes.slice(at, at + events.length));
        at += events.length;
      }
    } catch (error) {
      if (!lane.goesOn(error) || batch.length < 2 || --tries.left < 0) throw error;
      const middle = batch.length >> 1;
      const halves = [batch.slice(0, middle), batch.slice(middle)];
      const landed = await this.#landEach(lane, halves, tries);
      if (!landed) throw error;
      this.#teller.say(`a request was not taken: ${wordsOf(error as Error)}`);
    }
  }

  /** Returns whether one of them has landed. */
  async #landEach(lane: Outlet, parts: readonly (readonly Waiting[])[], tries: { left: number }): Promise<boolean> {
    let hasLanded = false;
    for (const part of parts) {
      try {
        await this.#land(lane, part, tries);
        hasLanded = true;
      } catch (error) {
        if (!lane.goesOn(error)) throw error;
        this.#refuse(part);
      }
    }
    return hasLanded;
  }

  #refuse(waiting: readonly Waiting[]): void {
    for (const { failed } of waiting) failed(new NotTaken(awayOf(this.source)));
  }

  /** What waits is refused: it may be sent again, to this one or another. */
  async #lost(error: Error): Promise<void> {
    const lane = this.#lane;
    this.#lane = undefined;
    this.#isStuck = false;
    this.#failures++;
    this.#refuse(this.#queue.splice(0));
    this.#teller.say(`events are refused for now: ${wordsOf(error)}`);
    await lane?.abandon();
  }

  /** Not at once where commit after commit fails, for whatever reason. */
  async #reopen(signal: AbortSignal): Promise<Outlet> {
    for (let wait = 25 * 2 ** Math.min(this.#failures, 10); ; wait *= 2) {
      if (this.#failures > 1) await pause(Math.min(wait, LONGEST_WAIT), signal);
      try {
        const lane = await openOutlet(this.#options, this.#hard.signal);
        this.#teller.say("events are taken again");
        return lane;
      } catch (error) {
        signal.throwIfAborted();
        this.#failures++;
        this.#teller.say(wordsOf(error as Error));
      }
    }
  }
}

async function openOutlet(options: CollectorOptions, signal: AbortSignal): Promise<Outlet> {
  const { settings, source, log } = options;
  const { produce, spool } = source.connector;
  if (produce) return (await import("./queue/queue-outlet.ts")).QueueOutlet.open(source, signal);
  if (spool) {
    const { SpoolingOutlet } = await import("./spool/spooling-outlet.ts");
    return SpoolingOutlet.open(options, signal);
  }
  return Lane.open(settings, source, { signal, onWait: log });
}

function awayOf({ connector }: CollectedSource): Away {
  return connector.produce ? "queue" : "database";
}

function wordsOf(error: Error): string {
  return errorData(databaseFailure(error) ?? error).message;
}
