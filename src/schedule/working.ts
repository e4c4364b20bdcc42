import type { RecordedStep } from "../model/schedule.ts";
import type { Client } from "../postgres/client.ts";
import { advance, type Next } from "./advance.ts";
import { type Program, runStep } from "./child.ts";
import { blackoutAt } from "./decide.ts";
import type { OpenDue, Work } from "./read-record.ts";
import {
  beginDue,
  claimStep,
  endDue,
  endStep,
  heldSteps,
  type StepEnd,
  type StepKey,
  stepText,
  takeDue,
  tellWhyItWaits,
} from "./steps.ts";

interface WorkingOptions {
  /** Who begins them, for the record. */
  readonly by: string;
  readonly program: Program;
  /** Steps that go on at once. */
  readonly jobs: number;
  readonly say: (line: string) => void;
  /** Called when there is something to record. */
  readonly wake: () => void;
}

/** Between two looks at what another process does, in milliseconds. */
const WATCH_EVERY = 1_000;

/** The dues that go on, and those of their steps that are processes of this one. */
export class Working {
  readonly #options: WorkingOptions;
  /** Those of this process. */
  readonly #running = new Set<string>();
  /** What became of them, until it is recorded. */
  readonly #ends = new Map<string, { readonly key: StepKey; readonly end: StepEnd }>();
  /** Since when something stands still that another process is to move on, by a clock that nobody sets. */
  readonly #still = new Map<string, number>();

  constructor(options: WorkingOptions) {
    this.#options = options;
  }

  get isIdle(): boolean {
    return this.#running.size + this.#ends.size === 0;
  }

  /** Records what became of steps that could not do it themselves. */
  async recordEnds(client: Client): Promise<void> {
    for (const [text, { key, end }] of this.#ends) {
      await endStep(client, key, end);
      this.#ends.delete(text);
    }
  }

  /** Moves on each due that can be. Returns after how many milliseconds it is to be asked again. */
  async advance(client: Client, { dues, now }: Work): Promise<number> {
    let wait = Number.POSITIVE_INFINITY;
    const seen = new Set<string>();
    const held = await this.#held(client, dues);
    const busy = new Set(dues.flatMap(({ status, schedule }) => (status === "running" ? [schedule] : [])));
    for (const due of dues) {
      if (due.status === "queued") {
        const blackout = due.cause === "hand" ? undefined : blackoutAt(due.line, now);
        const reason = blackout ? "blackout" : null;
        if (due.reason !== reason) await tellWhyItWaits(client, due.id, reason);
        // The first of its line; the one behind it has its turn when that has ended.
        if (busy.has(due.schedule) || !this.#hasRoom()) continue;
        if (blackout) {
          wait = Math.min(wait, blackout.until - now.getTime());
          continue;
        }
        busy.add(due.schedule);
        if (!(await beginDue(client, due.id, this.#options.by))) continue;
        wait = Math.min(
          wait,
          await this.#move(client, { ...due, claimedBy: this.#options.by }, { kind: "begin", step: 1, attempt: 1 }),
        );
        continue;
      }
      const next = advance(due.line, due.steps, now);
      const state = `${due.id} ${due.steps.length} ${due.steps.at(-1)?.status}`;
      if (next.kind === "watch") {
        const key = { dueId: due.id, step: next.current.step, attempt: next.current.attempt };
        if (this.#running.has(stepText(key)) || this.#ends.has(stepText(key))) continue;
        wait = Math.min(wait, WATCH_EVERY);
        if (held.has(stepText(key))) continue;
        seen.add(state);
        if (this.#standsStill(state)) await this.#giveUp(client, due, key, next.current);
        continue;
      }
      if (next.kind === "wait") {
        wait = Math.min(wait, next.wait);
        continue;
      }
      if (due.claimedBy !== this.#options.by) {
        // Whoever began it goes on with it, unless that one is gone.
        wait = Math.min(wait, WATCH_EVERY);
        seen.add(state);
        if (due.claimedBy !== null && !this.#standsStill(state)) continue;
        if (!(await this.#take(client, due))) continue;
      }
      wait = Math.min(wait, await this.#move(client, due, next));
    }
    for (const state of this.#still.keys()) if (!seen.has(state)) this.#still.delete(state);
    return wait;
  }

  async #held(client: Client, dues: readonly OpenDue[]): Promise<ReadonlySet<string>> {
    const keys = dues.flatMap(({ id, steps }) => {
      const last = steps.at(-1);
      if (!last || (last.status !== "starting" && last.status !== "running")) return [];
      const key = { dueId: id, step: last.step, attempt: last.attempt };
      return this.#running.has(stepText(key)) ? [] : [key];
    });
    return keys.length ? heldSteps(client, keys) : new Set();
  }

  #hasRoom(): boolean {
    return this.#running.size < this.#options.jobs;
  }

  #standsStill(state: string): boolean {
    const since = this.#still.get(state) ?? performance.now();
    this.#still.set(state, since);
    return performance.now() - since >= this.#options.program.lease;
  }

  async #giveUp(client: Client, due: OpenDue, key: StepKey, { command }: RecordedStep): Promise<void> {
    if (!(await endStep(client, key, { status: "lost" }))) return;
    await this.#take(client, due);
    this.#options.say(`${due.schedule}: the process of step ${key.step}, ${command}, was lost`);
    this.#options.wake();
  }

  #take(client: Client, { id, claimedBy }: OpenDue): Promise<boolean> {
    return takeDue(client, id, claimedBy, this.#options.by);
  }

  /** Begins a step, or ends the due. Returns after how many milliseconds to ask again. */
  async #move(client: Client, due: OpenDue, next: Extract<Next, { kind: "begin" | "end" }>): Promise<number> {
    const { say, program, wake } = this.#options;
    if (next.kind === "end") {
      if (await endDue(client, due.id, next.status, next.reason))
        say(`${due.schedule}: ${next.status}${next.reason === null ? "" : `: ${next.reason}`}`);
      // The next of its line has its turn.
      return 0;
    }
    if (!this.#hasRoom()) return Number.POSITIVE_INFINITY;
    const key = { dueId: due.id, step: next.step, attempt: next.attempt };
    const step = due.line.steps[next.step - 1]!;
    if (!(await claimStep(client, key, step))) return WATCH_EVERY;
    const again = next.attempt > 1 ? `, attempt ${next.attempt}` : "";
    say(
      `${due.schedule}: step ${next.step} of ${due.line.steps.length}${again}, ${[step.command, ...step.arguments].join(" ")}`,
    );
    const text = stepText(key);
    this.#running.add(text);
    void runStep(program, key, step, due.line.timeout).then((end) => {
      this.#ends.set(text, { key, end });
      this.#running.delete(text);
      wake();
    });
    return Number.POSITIVE_INFINITY;
  }
}
