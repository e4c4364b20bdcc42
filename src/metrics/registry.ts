import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import { CollectedFigures, type Collecting } from "./collected.ts";
import { FIGURES, SUMS, type Told } from "./figures.ts";
import type { Snapshot, Snapshots } from "./snapshot.ts";

/** One request, when it was answered. */
export interface Answered {
  /** What answered it: a page or all rows of an endpoint, a page of the site. */
  readonly kind: string;
  /** Of an endpoint, as it is declared. */
  readonly endpoint?: string;
  readonly status: number;
  readonly seconds: number;
}

/** What a server holds at this moment. */
export interface Load {
  readonly connections: readonly { readonly for: string; readonly open: number; readonly idle: number }[];
  readonly waiting: number;
  readonly cacheBytes: number;
}

/** Endpoints that are told one by one. */
const MOST_ENDPOINTS = 200;

/** What a server holds, where it is asked for that. */
interface Holds {
  /** Undefined where it answers for no endpoint. */
  readonly load?: () => Load | undefined;
  /** Of each collector of events. */
  readonly collectors?: () => readonly Collecting[];
}

/** The figures of one server: its own, and what the database's records say. */
export class Metrics {
  readonly #registry = new Registry();
  readonly #snapshots: Pick<Snapshots, "read"> | undefined;
  /** Of the collectors of events. */
  readonly collected: CollectedFigures;
  readonly #load: () => Load | undefined;
  readonly #endpoints = new Set<string>();
  readonly #requests = new Histogram({
    name: "dataform_http_request_duration_seconds",
    help: "Time until a request was answered whole, by what answered it.",
    labelNames: ["kind", "code"],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60],
    registers: [this.#registry],
  });
  readonly #ofEndpoints = new Counter({
    name: "dataform_endpoint_requests_total",
    help: "Requests of an endpoint of serve/*.yaml.",
    labelNames: ["endpoint", "code"],
    registers: [this.#registry],
  });
  readonly #pages = new Counter({
    name: "dataform_cache_answers_total",
    help: "Pages of endpoints: kept in memory, shared (Redis), read in the database, or unchanged for whoever asked.",
    labelNames: ["from"],
    registers: [this.#registry],
  });
  readonly #runs = new Histogram({
    name: "dataform_run_duration_seconds",
    help: "Runs that ended while this server was up.",
    labelNames: ["status"],
    buckets: [1, 5, 15, 60, 300, 900, 3600, 14_400],
    registers: [this.#registry],
  });
  readonly #steps = new Histogram({
    name: "dataform_step_duration_seconds",
    help: "Steps of those runs, by what they are.",
    labelNames: ["kind", "status"],
    buckets: [0.01, 0.1, 0.5, 1, 5, 15, 60, 300, 1800],
    registers: [this.#registry],
  });
  readonly #told: readonly (readonly [Told, Gauge | Counter])[];
  readonly #loaded: readonly Gauge[];

  /**
   * @param snapshots undefined where the records are told by another server
   * @param info what is served: one row of labels
   */
  constructor(
    snapshots: Pick<Snapshots, "read"> | undefined,
    info: Readonly<Record<string, string>>,
    { load = () => undefined, collectors = () => [] }: Holds,
  ) {
    this.#snapshots = snapshots;
    this.#load = load;
    this.collected = new CollectedFigures(this.#registry, collectors);
    const registers = [this.#registry];
    collectDefaultMetrics({ register: this.#registry });
    const gauge = (name: string, help: string, labelNames: readonly string[] = []) =>
      new Gauge({ name, help, labelNames, registers });
    gauge("dataform_info", "What is served; always 1.", Object.keys(info)).set(info, 1);
    this.#loaded = [
      gauge("dataform_connections", "Connections to the database for pages and whole relations.", ["for", "state"]),
      gauge("dataform_waiting_requests", "Requests that wait for a connection."),
      gauge("dataform_cache_bytes", "Answers that are kept in memory; 0 where the server answers for no endpoint."),
    ];
    this.#told = (snapshots ? [...FIGURES, ...SUMS] : []).map((told) => {
      const { name, help, labels: labelNames = [] } = told;
      const made = SUMS.includes(told)
        ? new Counter({ name, help, labelNames, registers })
        : gauge(name, help, labelNames);
      return [told, made] as const;
    });
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  answered({ kind, endpoint, status, seconds }: Answered): void {
    const code = `${Math.floor(status / 100)}xx`;
    this.#requests.observe({ kind, code }, seconds);
    if (endpoint === undefined) return;
    if (this.#endpoints.size < MOST_ENDPOINTS) this.#endpoints.add(endpoint);
    this.#ofEndpoints.inc({ endpoint: this.#endpoints.has(endpoint) ? endpoint : "others", code });
  }

  /** A page of an endpoint was answered from there. */
  paged(from: "memory" | "shared" | "database" | "unchanged"): void {
    this.#pages.inc({ from });
  }

  async page(): Promise<string> {
    if (this.#snapshots) this.#tellRecords(await this.#snapshots.read());
    this.#tellLoad();
    this.collected.tell();
    return this.#registry.metrics();
  }

  #tellRecords({ snapshot, isNew }: Awaited<ReturnType<Snapshots["read"]>>): void {
    if (isNew) this.#observe(snapshot);
    for (const [{ of, labels: names = [] }, metric] of this.#told) {
      metric.reset();
      // One without labels is 0 after that, which nobody said.
      if (!names.length) metric.remove();
      for (const [value, labels = {}] of of(snapshot)) {
        if (value === null || value === undefined) continue;
        if (metric instanceof Gauge) metric.set(labels, value);
        else metric.inc(labels, value);
      }
    }
  }

  #observe({ runs: { read } }: Snapshot): void {
    for (const { status, seconds } of read?.ended ?? []) this.#runs.observe({ status }, seconds);
    for (const { kind, status, seconds } of read?.endedSteps ?? []) this.#steps.observe({ kind, status }, seconds);
  }

  #tellLoad(): void {
    const load = this.#load();
    const [connections, waiting, bytes] = this.#loaded as [Gauge, Gauge, Gauge];
    if (!load) return;
    for (const { for: what, open, idle } of load.connections) {
      connections.set({ for: what, state: "busy" }, open - idle);
      connections.set({ for: what, state: "idle" }, idle);
    }
    waiting.set(load.waiting);
    bytes.set(load.cacheBytes);
  }
}
