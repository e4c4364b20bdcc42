import type { ConnectionSettings } from "../model/connection-settings.ts";
import type { ScheduleLine } from "../model/schedule.ts";
import { type Client, connect } from "../postgres/client.ts";
import { listenTo } from "../postgres/listen.ts";
import { type FilesSeen, type FollowedFiles, LOADED, listFiles, newFiles, newLoads } from "./arrivals.ts";
import { claimArrival } from "./claim.ts";
import type { Deciding } from "./deciding.ts";

interface FollowOptions {
  readonly settings: ConnectionSettings;
  readonly deciding: Deciding;
  readonly lines: readonly ScheduleLine[];
  /** Of the lines that follow files, by their names. */
  readonly files: ReadonlyMap<string, FollowedFiles>;
  readonly say: (line: string) => void;
  /** Called when a load commits, and when files were listed. */
  readonly wake: () => void;
}

/** Between two looks for loads where none is notified, in milliseconds: a notification may be lost. */
const LOADS_EVERY = 5_000;

/** Files as they were listed last, and before that. */
interface Listing {
  now: FilesSeen | undefined;
  before: FilesSeen | undefined;
  /** When it was begun. */
  begun: number;
  isGoingOn: boolean;
}

/** Looks after the lines that follow loads and files. */
export class Arrivals {
  readonly #options: FollowOptions;
  readonly #loads: readonly ScheduleLine[];
  readonly #files: readonly ScheduleLine[];
  readonly #listings = new Map<string, Listing>();
  readonly #failures = new Map<string, string>();
  /** Reads ledgers, which are the loader's. */
  #loader: Client | undefined;
  #lookedAt = Number.NEGATIVE_INFINITY;

  constructor(options: FollowOptions) {
    this.#options = options;
    const enabled = options.lines.filter((line) => line.enabled);
    this.#loads = enabled.filter(({ trigger }) => trigger.kind === "load");
    this.#files = enabled.filter(({ trigger }) => trigger.kind === "file");
  }

  async close(): Promise<void> {
    await this.#loader?.close().catch(() => {});
    this.#loader = undefined;
  }

  /** @param client with which dues are recorded. Returns after how many milliseconds to look again. */
  async look(client: Client): Promise<number> {
    if (this.#loads.length) await this.#lookForLoads(client);
    const waits = [this.#loads.length ? LOADS_EVERY : Number.POSITIVE_INFINITY];
    for (const line of this.#files) waits.push(await this.#lookForFiles(client, line));
    return Math.min(...waits);
  }

  async #lookForLoads(client: Client): Promise<void> {
    if (performance.now() - this.#lookedAt < LOADS_EVERY) return;
    this.#lookedAt = performance.now();
    // What cannot be read of one stream, or of all, holds up no other line.
    const loader = await this.#connected().catch((error: Error) => this.#cannot("loads", error));
    for (const line of loader ? this.#loads : [])
      await claimArrival(client, this.#options.deciding, line, async (seen) => {
        try {
          const found = await newLoads(loader!, line, seen);
          this.#failures.delete(line.name);
          return found;
        } catch (error) {
          return this.#cannot(line.name, error as Error);
        }
      });
  }

  /** What cannot be looked for is told once, until it could. */
  #cannot(what: string, { message }: Error): undefined {
    if (this.#failures.get(what) !== message)
      this.#options.say(`${what}: what came cannot be looked for, and is again: ${message}`);
    this.#failures.set(what, message);
  }

  async #connected(): Promise<Client> {
    if (this.#loader) return this.#loader;
    const { settings, wake } = this.#options;
    const loader = await connect(settings, { applicationName: "dataform-schedule", duty: "loader" });
    loader.driver.once("end", () => {
      this.#loader = undefined;
      this.#lookedAt = Number.NEGATIVE_INFINITY;
      wake();
    });
    this.#failures.delete("loads");
    await listenTo(loader, LOADED, () => {
      this.#lookedAt = Number.NEGATIVE_INFINITY;
      wake();
    });
    this.#loader = loader;
    return loader;
  }

  async #lookForFiles(client: Client, line: ScheduleLine): Promise<number> {
    const { trigger, name } = line;
    const files = this.#options.files.get(name);
    if (trigger.kind !== "file" || !files) return Number.POSITIVE_INFINITY;
    const listing = this.#listings.get(name) ?? {
      now: undefined,
      before: undefined,
      begun: Number.NEGATIVE_INFINITY,
      isGoingOn: false,
    };
    this.#listings.set(name, listing);
    const { now, before } = listing;
    if (now) {
      listing.before = now;
      listing.now = undefined;
      await claimArrival(client, this.#options.deciding, line, async (seen) => newFiles(seen, before, now));
    }
    // What goes on wakes when it is there.
    if (listing.isGoingOn) return Number.POSITIVE_INFINITY;
    const wait = listing.begun + trigger.every - performance.now();
    if (wait > 0) return wait;
    this.#list(name, files, listing);
    return Number.POSITIVE_INFINITY;
  }

  /** A filesystem may answer late: nothing waits for it. */
  #list(name: string, files: FollowedFiles, listing: Listing): void {
    const { wake } = this.#options;
    listing.isGoingOn = true;
    listing.begun = performance.now();
    listFiles(files)
      .then(
        (found) => {
          listing.now = found;
          this.#failures.delete(name);
        },
        (error: Error) => this.#cannot(name, error),
      )
      .finally(() => {
        listing.isGoingOn = false;
        wake();
      });
  }
}
