import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import { prepareMetadata } from "../environment/layout.ts";
import { type KeptDues, pruneDues } from "../environment/prune-dues.ts";
import type { ConnectionSettings } from "../model/connection-settings.ts";
import { counted } from "../model/counted.ts";
import type { ScheduleLine } from "../model/schedule.ts";
import { type Client, withClient } from "../postgres/client.ts";
import { listenTo } from "../postgres/listen.ts";
import { pause } from "../wait/pause.ts";
import type { FollowedFiles } from "./arrivals.ts";
import type { Program } from "./child.ts";
import { decideDues } from "./claim.ts";
import type { Foreseen } from "./decide.ts";
import { CHANNEL, type Deciding } from "./deciding.ts";
import { Arrivals } from "./follow-arrivals.ts";
import { readWork } from "./read-record.ts";
import { Standing } from "./standing.ts";
import { leaveDues } from "./steps.ts";
import { eachSecond } from "./tick.ts";
import { Working } from "./working.ts";

/** What `schedules.yaml` says. */
export interface Declared {
  readonly lines: readonly ScheduleLine[];
  /** Of the lines that follow files, by their names. All of it is data, for another process reads it. */
  readonly files: ReadonlyMap<string, FollowedFiles>;
  /** When they are due first from then on, by their names: to compute it for a thousand leaves a process twice as large as it was. */
  readonly foreseen: ReadonlyMap<string, Foreseen>;
  /** Of what came of them. */
  readonly kept: KeptDues;
}

/** Where that is written, and may be written otherwise. */
interface Source {
  /** Whether it is to be read again; asked once a second. */
  isOther(): boolean;
  /** @throws what is wrong in it */
  read(): Promise<Declared>;
}

interface SchedulerOptions {
  readonly settings: ConnectionSettings;
  readonly environment: string;
  readonly declared: Declared;
  readonly declaration: Source;
  readonly program: Program;
  /** Steps that go on at once. */
  readonly jobs: number;
  /** What begins no more steps, and waits for those that go on. */
  readonly signal: AbortSignal;
  /** A line for a person. */
  readonly say: (line: string) => void;
}

/** Between two looks at the record where nothing is due and nobody said anything, in milliseconds. */
const LOOK_EVERY = 5_000;
/** Between two times at which old dues are dropped: where nothing is released, nobody else does. */
const PRUNE_EVERY = 3_600_000;
/** Before a connection that was lost is opened again. */
const AGAIN = 1_000;
/** What a clock gains or loses in a second only where somebody sets it, in milliseconds. */
const SET = 200;
/** What the clocks of host and database may differ by. */
const CLOCKS_APART = 1_000;

/** Runs what is due until the signal comes; then waits for the steps that go on. */
export async function runScheduler(options: SchedulerOptions): Promise<void> {
  const { signal, settings } = options;
  const scheduler = new Scheduler(options);
  const stop = eachSecond(scheduler.tick);
  signal.addEventListener("abort", scheduler.wake, { once: true });
  try {
    while (!(signal.aborted && scheduler.isIdle)) {
      try {
        // Its own signal ends no statement: what goes on is recorded.
        await withClient(settings, { applicationName: "dataform-schedule", duty: "publisher" }, (client) =>
          scheduler.follow(client),
        );
      } catch (error) {
        if (signal.aborted && scheduler.isIdle) return;
        if (!scheduler.hasBegun) throw error;
        scheduler.isLost((error as Error).message);
        await pause(AGAIN);
      }
    }
  } finally {
    stop();
    signal.removeEventListener("abort", scheduler.wake);
    await scheduler.close();
  }
}

class Scheduler {
  /** Whether it has read the record once: what is wrong before that is told, and not waited for. */
  hasBegun = false;
  readonly #options: SchedulerOptions;
  readonly #by = `${hostname()} ${process.pid} ${randomUUID().slice(0, 8)}`;
  readonly #working: Working;
  readonly #standing: Standing;
  /** Why the database cannot be asked, until it can. */
  #lost: string | undefined;
  #deciding: Deciding;
  #foreseen: Declared["foreseen"];
  #arrivals: Arrivals;
  /** As they are declared since the look before; undefined: as they were. */
  #redeclared: Declared | undefined;
  #isReading = false;
  #mistake: string | undefined;
  #heard = () => {};
  #isWoken = false;
  #kept: KeptDues;
  #prunedAt = Number.NEGATIVE_INFINITY;
  #apart = 0;
  #ahead = Date.now() - performance.now();

  constructor(options: SchedulerOptions) {
    const { environment, program, jobs, say, declared } = options;
    this.#options = options;
    this.#working = new Working({ by: this.#by, program, jobs, say, wake: this.wake });
    this.#standing = new Standing({ environment, lease: program.lease, say });
    this.#deciding = this.#decidingBy(declared);
    this.#foreseen = declared.foreseen;
    this.#arrivals = this.#arrivalsOf(declared);
    this.#kept = declared.kept;
  }

  #decidingBy({ lines }: Declared): Deciding {
    const { environment } = this.#options;
    return { environment, by: this.#by, lines: new Map(lines.map((line) => [line.name, line])) };
  }

  #arrivalsOf(declared: Declared): Arrivals {
    const { settings, say } = this.#options;
    return new Arrivals({ settings, say, ...declared, deciding: this.#deciding, wake: this.wake });
  }

  /** A clock that was set, a machine that slept, or another declaration is noticed at the next second. */
  readonly tick = (): void => {
    if (this.hasBegun && !this.#isReading && this.#options.declaration.isOther()) void this.#readAgain();
    const ahead = Date.now() - performance.now();
    if (Math.abs(ahead - this.#ahead) > SET) this.wake();
    this.#ahead = ahead;
  };

  /** What is wrong is told once, and changes nothing. */
  async #readAgain(): Promise<void> {
    const { declaration, say, signal } = this.#options;
    this.#isReading = true;
    try {
      this.#redeclared = await declaration.read();
      this.#mistake = undefined;
      this.wake();
    } catch (error) {
      const { message } = error as Error;
      if (message !== this.#mistake && !signal.aborted)
        say(`schedules.yaml cannot be read again, and its lines stay as they were: ${message}`);
      this.#mistake = message;
    }
    this.#isReading = false;
  }

  async #redeclare(client: Client, declared: Declared): Promise<void> {
    const deciding = this.#decidingBy(declared);
    await this.#standing.register(client, deciding, declared.foreseen);
    if (this.#redeclared === declared) this.#redeclared = undefined;
    this.#deciding = deciding;
    this.#foreseen = declared.foreseen;
    this.#kept = declared.kept;
    await this.#arrivals.close();
    this.#arrivals = this.#arrivalsOf(declared);
    this.#options.say(`schedules.yaml is read again: ${counted(declared.lines.length, "line")}`);
  }

  /** Looks again: after the look that goes on, or at once where it waits. */
  readonly wake = (): void => {
    this.#isWoken = true;
    this.#heard();
  };

  /** Whether no step of this process goes on, and what became of each is recorded. */
  get isIdle(): boolean {
    return this.#working.isIdle;
  }

  /** Told once, and not with each try. */
  isLost(why: string): void {
    if (why !== this.#lost) this.#options.say(`the database is not there, and is asked again: ${why}`);
    this.#lost = why;
  }

  async close(): Promise<void> {
    await this.#arrivals.close();
  }

  /** Until the signal comes and the steps have ended, or the connection is lost. */
  async follow(client: Client): Promise<void> {
    const { signal, environment } = this.#options;
    await prepareMetadata(client);
    await listenTo(client, CHANNEL, this.wake);
    // A lost connection is noticed while nothing is asked.
    client.driver.once("end", this.wake);
    if (this.hasBegun) await this.#standing.hold(client);
    else await this.#standing.register(client, this.#deciding, this.#foreseen);
    this.hasBegun = true;
    for (;;) {
      this.#isWoken = false;
      const wait = await this.#look(client);
      if (this.#lost !== undefined) this.#options.say("the database is there again");
      this.#lost = undefined;
      if (signal.aborted && this.isIdle) return leaveDues(client, environment, this.#by);
      await this.#sleep(wait);
    }
  }

  /** Decides, begins and ends what there is to; returns for how many milliseconds there is nothing to do. */
  async #look(client: Client): Promise<number> {
    const { environment, signal } = this.#options;
    await this.#working.recordEnds(client);
    const begun = Date.now();
    let work = await readWork(client, environment);
    this.#compareClocks(work.now.getTime() - Date.now(), work.now.getTime() - begun);
    if (signal.aborted) return LOOK_EVERY;
    if (this.#redeclared) await this.#redeclare(client, this.#redeclared);
    else if (await this.#standing.isLeft(client)) {
      await this.#standing.register(client, this.#deciding, this.#foreseen);
      this.#options.say("nobody runs the schedules.yaml that was declared last: the lines are again as it says here");
    }
    const looked = await this.#arrivals.look(client);
    let isMore = false;
    if (work.nextStart && work.nextStart <= work.now) {
      // Some at each look: what is due begins before all is decided that an outage left.
      isMore = await decideDues(client, this.#deciding);
      work = await readWork(client, environment);
    }
    const wait = await this.#working.advance(client, work);
    const isAllPruned = await this.#prune(client);
    const next = work.nextStart ? work.nextStart.getTime() - work.now.getTime() : LOOK_EVERY;
    // One that another scheduler decides, by another declaration, stays due.
    return Math.min(next > 0 ? next : LOOK_EVERY, wait, looked, isMore || !isAllPruned ? 0 : LOOK_EVERY);
  }

  /** Some at each look, so that what is due waits for no more than those. */
  async #prune(client: Client): Promise<boolean> {
    if (performance.now() - this.#prunedAt < PRUNE_EVERY) return true;
    if (await pruneDues(client, this.#options.environment, this.#kept)) return false;
    this.#prunedAt = performance.now();
    return true;
  }

  /** By a clock that nobody sets; what wakes ends it. */
  async #sleep(wait: number): Promise<void> {
    const until = performance.now() + wait;
    while (!this.#isWoken && performance.now() < until) {
      const heard = new AbortController();
      this.#heard = () => heard.abort();
      await pause(Math.max(1, until - performance.now()), heard.signal).catch(() => {});
    }
    this.#heard = () => {};
  }

  /** The database's clock is between `least` and `most` milliseconds ahead of this machine's: as much is not known as asking took. */
  #compareClocks(least: number, most: number): void {
    if (least - this.#apart <= CLOCKS_APART && this.#apart - most <= CLOCKS_APART) return;
    const apart = (least + most) / 2;
    this.#apart = Math.abs(apart) > CLOCKS_APART ? apart : 0;
    if (this.#apart === 0) return;
    const seconds = Math.round(Math.abs(apart) / 1000);
    this.#options.say(
      `warning: the clock of the database is ${seconds} s ${apart > 0 ? "ahead of" : "behind"} this machine's; what is due is by the database's`,
    );
  }
}
