import type { ConnectionSettings } from "../model/connection-settings.ts";
import { errorData } from "../model/errors.ts";
import { databaseFailure } from "../postgres/sqlstate.ts";
import { pause } from "../wait/pause.ts";
import { after } from "../wait/timers.ts";
import type { Arrived, Outcome } from "./arrived.ts";
import { bodyHash, readEnvelope, type Sending } from "./event.ts";
import type { EventStreams } from "./event-streams.ts";
import { type CollectedSource, Lane } from "./lane.ts";
import type { SentEvents } from "./request.ts";

export interface CollectorOptions {
  readonly settings: ConnectionSettings;
  readonly source: CollectedSource;
  /** Milliseconds between two commits. */
  readonly every: number;
  /** Bytes of events that wait for their commit. */
  readonly queueBytes: number;
  /** Told of what failed and is nobody's mistake. */
  readonly log: (line: string) => void;
}

/** Why events were not taken: they may be sent again. */
export class NotTaken extends Error {
  readonly why: "full" | "away";

  constructor(why: "full" | "away") {
    super(why === "full" ? "too many events wait" : "the database does not answer");
    this.why = why;
  }
}

/** Events of a request that wait for their commit. */
interface Waiting {
  readonly events: readonly Arrived[];
  readonly bytes: number;
  /** Milliseconds, of a clock that only goes on. */
  readonly since: number;
  readonly done: (outcomes: readonly Outcome[]) => void;
  readonly failed: (error: NotTaken) => void;
}

/** Of a UTF-16 unit in UTF-8. */
const MAX_CHARACTER_BYTES = 3;

function isLarger(text: string, bytes: number): boolean {
  return text.length * MAX_CHARACTER_BYTES > bytes && Buffer.byteLength(text) > bytes;
}

/** What goes into one commit at most. */
const MOST_EVENTS = 5_000;
const MOST_BYTES = 8 * 1024 * 1024;

/** Milliseconds: how often loads are ended, and what is old is forgotten. */
const LOOK_EVERY = 1_000;
const TEND_EVERY = 60_000;

/** Takes events, and lands them in commits of many. */
export class Collector {
  readonly #options: CollectorOptions;
  readonly #queue: Waiting[] = [];
  #streams: EventStreams;
  #lane: Lane | undefined;
  /** Ends what the database is asked for, whatever waits. */
  readonly #hard: AbortController;
  #bytes = 0;
  #wake = () => {};

  private constructor(options: CollectorOptions, lane: Lane, hard: AbortController) {
    this.#hard = hard;
    this.#options = options;
    this.#lane = lane;
    this.#streams = lane.streams;
  }

  /** @throws UserError where the database cannot be reached, or cannot have the tables */
  static async open(options: CollectorOptions, signal: AbortSignal): Promise<Collector> {
    const { settings, source, log } = options;
    const hard = new AbortController();
    const opening = Lane.open(settings, source, { signal: hard.signal, onWait: log });
    const stop = () => hard.abort(signal.reason);
    signal.addEventListener("abort", stop, { once: true });
    const lane = await opening;
    signal.removeEventListener("abort", stop);
    return new Collector(options, lane, hard);
  }

  get source(): CollectedSource {
    return this.#options.source;
  }

  /** Why nothing is taken now; undefined where something is. */
  get refusal(): NotTaken | undefined {
    if (!this.#lane) return new NotTaken("away");
    return this.#bytes >= this.#options.queueBytes ? new NotTaken("full") : undefined;
  }

  /** Bytes and requests that wait. */
  get load(): { readonly bytes: number; readonly waiting: number } {
    return { bytes: this.#bytes, waiting: this.#queue.length };
  }

  /**
   * Lands the events of a request. Resolves once they are committed.
   * @throws NotTaken where they are not, or nobody knows
   */
  send(sent: SentEvents, sending: Sending): Promise<readonly Outcome[]> {
    const refusal = this.refusal;
    if (refusal) return Promise.reject(refusal);
    const events = this.#arrive(sent, sending);
    if (!events.length) return Promise.resolve([]);
    const bytes = events.reduce((sum, { text }) => sum + text.length, 0);
    return new Promise((done, failed) => {
      this.#queue.push({ events, bytes, since: performance.now(), done, failed });
      this.#bytes += bytes;
      this.#wake();
    });
  }

  #arrive({ events, rejected, sentAt }: SentEvents, { writeKey, receivedAt }: Sending): readonly Arrived[] {
    const { maxEventBytes } = this.source.connector;
    const isTime = typeof sentAt === "string";
    const judged = events.map(({ position, document }): Arrived => {
      const event = readEnvelope(document, isTime ? sentAt : undefined);
      const asSent = document.source.text;
      if (isLarger(asSent, maxEventBytes))
        return { position, text: asSent, judged: { reason: `is larger than ${maxEventBytes} bytes (maxEventBytes)` } };
      if ("reasons" in event) return { position, text: asSent, judged: { reason: event.reasons.join("; ") } };
      const whole = this.#streams.judge(event, { writeKey, receivedAt }, position, document);
      const key = { writeKey, id: event.id, hash: bodyHash(event) };
      if (typeof whole === "string")
        return { position, text: asSent, judged: { reason: whole }, key: { ...key, lands: false } };
      return { position, text: whole.text, judged: whole, key: { ...key, lands: whole.cells !== undefined } };
    });
    return [...judged, ...rejected.map(({ position, text, reason }) => ({ position, text, judged: { reason } }))];
  }

  /** Lands what comes until the signal does, and what waits then; for so many milliseconds at most. */
  async run(signal: AbortSignal, drainTime: number): Promise<void> {
    let tended = performance.now();
    const end = () => {
      this.#wake();
      after(drainTime, () => this.#hard.abort());
    };
    signal.addEventListener("abort", end, { once: true });
    while (!signal.aborted || this.#queue.length) {
      try {
        this.#lane ??= await this.#reopen(signal);
        if (this.#queue.length) await this.#commit();
        else await this.#lane.endDue();
        if (performance.now() - tended > TEND_EVERY) {
          tended = performance.now();
          await this.#lane.endAbandoned();
          for (const warning of await this.#lane.tend()) this.#options.log(warning);
        }
        await this.#idle(signal);
      } catch (error) {
        await this.#lost(error as Error);
      }
    }
    await this.#lane?.close();
  }

  /** Until events wait, and a little longer, since more may come; or until something is due. */
  async #idle(signal: AbortSignal): Promise<void> {
    if (!this.#queue.length && !signal.aborted) {
      const look = new AbortController();
      this.#wake = () => look.abort();
      await pause(LOOK_EVERY, look.signal).catch(() => {});
      this.#wake = () => {};
    }
    const [first] = this.#queue;
    const left = first && first.since + this.#options.every - performance.now();
    if (left !== undefined && left > 0 && !signal.aborted) await pause(left);
  }

  async #commit(): Promise<void> {
    const batch = this.#take();
    try {
      const outcomes = await this.#lane!.write(batch.flatMap(({ events }) => events));
      let at = 0;
      for (const { events, bytes, done } of batch) {
        this.#bytes -= bytes;
        done(outcomes.slice(at, at + events.length));
        at += events.length;
      }
    } catch (error) {
      this.#refuse(batch);
      throw error;
    }
  }

  #take(): readonly Waiting[] {
    let events = 0;
    let bytes = 0;
    let count = 0;
    for (const one of this.#queue) {
      if (count && (events + one.events.length > MOST_EVENTS || bytes + one.bytes > MOST_BYTES)) break;
      events += one.events.length;
      bytes += one.bytes;
      count++;
    }
    return this.#queue.splice(0, count);
  }

  #refuse(waiting: readonly Waiting[]): void {
    for (const { bytes, failed } of waiting) {
      this.#bytes -= bytes;
      failed(new NotTaken("away"));
    }
  }

  /** What waits is refused: it may be sent again, to this one or another. */
  async #lost(error: Error): Promise<void> {
    const lane = this.#lane;
    this.#lane = undefined;
    this.#refuse(this.#queue.splice(0));
    const { message } = errorData(databaseFailure(error) ?? error);
    this.#options.log(`${this.source.source}: events are refused for now: ${message}`);
    await lane?.abandon();
  }

  async #reopen(signal: AbortSignal): Promise<Lane> {
    const { settings, source, log } = this.#options;
    for (let wait = 50; ; wait = Math.min(wait * 2, 2_000)) {
      try {
        const lane = await Lane.open(settings, source, { signal: this.#hard.signal, onWait: log });
        this.#streams = lane.streams;
        log(`${source.source}: events are taken again`);
        return lane;
      } catch (error) {
        signal.throwIfAborted();
        if (wait === 2_000) log(`${source.source}: ${errorData(databaseFailure(error) ?? (error as Error)).message}`);
        await pause(wait, signal);
      }
    }
  }
}
