import { Counter, Gauge, Histogram, type Registry } from "prom-client";

/** What a collector of events holds at this moment. */
export interface Collecting {
  readonly source: string;
  /** Bytes of requests that are read and of events that wait, and how many may be. */
  readonly bytes: number;
  readonly room: number;
  /** Seconds since its oldest load that is open began; absent where none is. */
  readonly openFor?: number;
  /** Bytes that wait on its disk; absent where none would. */
  readonly spooled?: number;
}

/** The figures of collectors of events: by source as it is declared, and nothing of who sends. */
export class CollectedFigures {
  readonly #holds: () => readonly Collecting[];
  readonly #events: Counter;
  readonly #refused: Counter;
  readonly #commits: Histogram;
  readonly #queue: Gauge;
  readonly #room: Gauge;
  readonly #openFor: Gauge;
  readonly #spooled: Gauge;

  constructor(registry: Registry, holds: () => readonly Collecting[]) {
    this.#holds = holds;
    const registers = [registry];
    this.#events = new Counter({
      name: "dataform_events_total",
      help: "Events that were answered, by what became of them: accepted, duplicate, rejected.",
      labelNames: ["source", "outcome"],
      registers,
    });
    this.#refused = new Counter({
      name: "dataform_event_requests_refused_total",
      help: "Requests with events that were not taken, by the type of the problem that was answered.",
      labelNames: ["source", "why"],
      registers,
    });
    this.#commits = new Histogram({
      name: "dataform_event_commit_duration_seconds",
      help: "Commits of events, from the first statement on, by whether they were made.",
      labelNames: ["source", "made"],
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10],
      registers,
    });
    const gauge = (name: string, help: string) => new Gauge({ name, help, labelNames: ["source"], registers });
    this.#queue = gauge("dataform_event_queue_bytes", "What requests take that are read, and events that wait.");
    this.#room = gauge("dataform_event_room_bytes", "How much that may be: more is answered 503.");
    this.#openFor = gauge(
      "dataform_event_open_load_seconds",
      "How long the oldest load is open that this collector adds to.",
    );
    this.#spooled = gauge("dataform_event_spool_bytes", "What waits on the collector's disk for the database.");
  }

  /** What became of the events of a commit. */
  landed(source: string, outcomes: readonly { readonly kind: string }[]): void {
    const counts = new Map<string, number>();
    for (const { kind } of outcomes) counts.set(kind, (counts.get(kind) ?? 0) + 1);
    for (const [outcome, count] of counts) this.#events.inc({ source, outcome }, count);
  }

  committed(source: string, isMade: boolean, seconds: number): void {
    this.#commits.observe({ source, made: isMade ? "yes" : "no" }, seconds);
  }

  /** @param why the type of a problem */
  refused(source: string, why: string): void {
    this.#refused.inc({ source, why });
  }

  /** Says what is held now. */
  tell(): void {
    this.#openFor.reset();
    for (const { source, bytes, room, openFor, spooled } of this.#holds()) {
      this.#queue.set({ source }, bytes);
      this.#room.set({ source }, room);
      if (openFor !== undefined) this.#openFor.set({ source }, openFor);
      if (spooled !== undefined) this.#spooled.set({ source }, spooled);
    }
  }
}
