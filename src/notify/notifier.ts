import { type LookedAt, readFreshness } from "../catalogue/freshness.ts";
import { hasMetadata } from "../environment/layout.ts";
import { ENDED } from "../environment/record-end.ts";
import type { ConnectionSettings } from "../model/connection-settings.ts";
import type { NotificationSettings, Trouble, Verdict } from "../model/notifying.ts";
import { type Client, withClient } from "../postgres/client.ts";
import { Hearing } from "../postgres/listen.ts";
import { pause } from "../wait/pause.ts";
import type { Belongings } from "./belongings.ts";
import type { Surroundings } from "./channels/tell.ts";
import { type Delivered, deliverNext } from "./deliver.ts";
import { giveUp, readWait, readWaiting } from "./deliveries.ts";
import { readLastDues, readLastLoads, readLines } from "./read-record.ts";
import { type Looked, look } from "./store.ts";
import { verdictOfDue, verdictOfFreshness, verdictsOfLoad } from "./verdicts.ts";

/** The project whose troubles are told, and whom. */
export interface NotifiedProject {
  readonly name: string;
  readonly notifications: NotificationSettings;
  readonly belongings: Belongings;
  /** By their names; those that cannot be looked at now are not among `sources`. */
  readonly declared: readonly string[];
  readonly sources: readonly LookedAt[];
  /** What else is told of runs. Returns why it did not go on, where it did not. */
  readonly besides?: (() => Promise<string | undefined>) | undefined;
}

interface NotifierOptions {
  readonly settings: ConnectionSettings;
  readonly environment: string;
  readonly project: NotifiedProject;
  /** The project where it is another one since it was asked last; asked before each look of many. */
  readonly renewed: () => Promise<NotifiedProject | undefined>;
  readonly surroundings: Surroundings;
  /** How a length of time is told, in seconds. */
  readonly lasting: (seconds: number) => string;
  readonly say: (line: string) => void;
}

/** Between two looks where nothing is heard, and where something is, in milliseconds. */
const LOOK_EVERY = 10_000;
const SOONEST = 1_000;
/** As long as a message may wait for the one before it, where somebody waits for all of them. */
const PATIENCE = 5_000;

const NOTHING: Looked = { opened: [], closed: [], goingOn: [] };

/** Finds out what is wrong, and tells of it: beside what it looks at, never on its way. */
export class Notifier {
  readonly #options: NotifierOptions;
  #project: NotifiedProject;
  /** What was said of what cannot be done, until it could. */
  readonly #said = new Map<string, string>();

  constructor(options: NotifierOptions) {
    this.#options = options;
    this.#project = options.project;
  }

  /** @param really false: only says what would come of it */
  async look(really = true): Promise<Looked> {
    const { environment } = this.#options;
    const { belongings, notifications } = this.#project;
    const ofLoads = await this.#ofLoads();
    return this.#asPublisher(async (client) => {
      if (!(await hasMetadata(client))) return NOTHING;
      const dues = (await readLastDues(client, environment)).map((due) => verdictOfDue(due, belongings));
      const lines = await readLines(client, environment);
      const isThere = ({ action, product = "", stream, schedule }: Trouble) =>
        (action === undefined || belongings.has(action)) &&
        (stream === undefined || this.#hasStream(product, stream)) &&
        (schedule === undefined || lines.has(schedule));
      const now = [...ofLoads, ...dues];
      return look(client, { environment, rules: notifications.rules, belongings, now, isThere, really });
    });
  }

  /** Sends what waits, all channels beside each other, until it is told or does not go on. Returns what came of each channel. */
  async deliver(): Promise<readonly Delivered[]> {
    const waiting = await this.#waiting();
    return Promise.all([...waiting.keys()].map((name) => this.#deliverAll(name)));
  }

  /** What waits to be told, by channel. */
  waiting(): Promise<ReadonlyMap<string, number>> {
    return this.#waiting();
  }

  /**
   * Looks and tells again and again until the signal comes: when a run or a due ended, and now and then. A channel that takes long keeps
   * no other one waiting.
   */
  async follow(signal: AbortSignal): Promise<void> {
    const how = { applicationName: "dataform-notify", duty: "publisher" } as const;
    const hearing = new Hearing(this.#options.settings, how, ENDED);
    const busy = new Map<string, Promise<unknown>>();
    let telling: Promise<void> | undefined;
    while (!signal.aborted) {
      await this.#once("the project cannot be read again, and is told of as it was", async () => {
        this.#project = (await this.#options.renewed()) ?? this.#project;
      });
      const { besides } = this.#project;
      await this.#once("notifications", async () => {
        await this.look();
        for (const name of (await this.#waiting()).keys()) {
          if (busy.has(name)) continue;
          const work = this.#once(`channel ${name}`, async () => {
            const { error } = await this.#deliverAll(name);
            if (error !== undefined) throw new Error(error);
          });
          busy.set(
            name,
            work.finally(() => busy.delete(name)),
          );
        }
      });
      if (besides && !telling)
        telling = this.#once("OpenLineage", async () => {
          const error = await besides();
          if (error !== undefined) throw new Error(error);
        }).finally(() => {
          telling = undefined;
        });
      await pause(SOONEST, signal).catch(() => {});
      await hearing.wait(LOOK_EVERY - SOONEST, signal);
    }
    await hearing.close();
    await Promise.all([...busy.values(), telling]);
  }

  /** What fails is told once, and is tried again. */
  async #once(what: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
      this.#said.delete(what);
    } catch (error) {
      const { message } = error as Error;
      if (this.#said.get(what) !== message) this.#options.say(`${what}: ${message}`);
      this.#said.set(what, message);
    }
  }

  async #deliverAll(name: string): Promise<Delivered> {
    const { environment, surroundings } = this.#options;
    const { name: project, notifications } = this.#project;
    const channel = Object.hasOwn(notifications.channels, name) ? notifications.channels[name] : undefined;
    if (!channel) {
      await this.#asPublisher((client) => giveUp(client, environment, name));
      return { channel: name, told: 0, error: "it stands in notifications.yaml no more" };
    }
    const how = { environment, project, site: notifications.site, surroundings };
    let told = 0;
    const begun = performance.now();
    for (;;) {
      const done = await this.#asPublisher((client) => deliverNext(client, name, channel, how));
      if (done?.error !== undefined) return { ...done, told };
      told += done?.told ?? 0;
      if (!(await this.#waiting()).has(name)) return { channel: name, told };
      const wait = await this.#asPublisher((client) => readWait(client, environment, name));
      if (performance.now() - begun + wait > PATIENCE) return { channel: name, told };
      // At least so long: another process may be at it.
      await pause(Math.max(wait, 250));
    }
  }

  async #waiting(): Promise<ReadonlyMap<string, number>> {
    return this.#asPublisher(async (client) =>
      (await hasMetadata(client)) ? readWaiting(client, this.#options.environment) : new Map(),
    );
  }

  /** What cannot be read of loads keeps nobody from being told of runs. */
  async #ofLoads(): Promise<readonly Verdict[]> {
    const { settings, lasting } = this.#options;
    const { sources } = this.#project;
    if (!sources.length) return [];
    const schemas = [...new Set(sources.map(({ declaration }) => declaration.schema))];
    const how = { applicationName: "dataform-notify", duty: "builder", names: "ours" } as const;
    const found: Verdict[] = [];
    await this.#once("what landed", () =>
      withClient(settings, how, async (client) => {
        for (const stream of await readFreshness(client, sources)) found.push(verdictOfFreshness(stream, lasting));
        for (const load of await readLastLoads(client, schemas))
          if (this.#hasStream(load.source, load.stream)) found.push(...verdictsOfLoad(load));
      }),
    );
    return found;
  }

  /** What cannot be looked at now is not gone. */
  #hasStream(source: string, stream: string): boolean {
    const { declared, sources } = this.#project;
    const looked = sources.find(({ declaration }) => declaration.source === source);
    return looked ? looked.streams.some(({ name }) => name === stream) : declared.includes(source);
  }

  #asPublisher<T>(work: (client: Client) => Promise<T>): Promise<T> {
    return withClient(this.#options.settings, { applicationName: "dataform-notify", duty: "publisher" }, work);
  }
}
