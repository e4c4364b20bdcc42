import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { bundled } from "./built.ts";
import type { Order, Outcome } from "./run-child.ts";

const script = await bundled("run-child.ts");

/** Runs in processes of their own, started ahead. */
export class Runners {
  readonly #ahead: Promise<ChildProcess>[] = [];
  readonly #used: ChildProcess[] = [];

  constructor(ahead = 2) {
    for (let n = 0; n < ahead; n++) this.#ahead.push(start());
  }

  /** Gives an order to the next process; gives how it ended. */
  async send(order: Order): Promise<Runner> {
    const child = await this.#ahead.shift()!;
    this.#ahead.push(start());
    this.#used.push(child);
    return new Runner(child, order);
  }

  async close(): Promise<void> {
    for (const child of [...(await Promise.all(this.#ahead)), ...this.#used]) child.kill("SIGKILL");
  }
}

export class Runner {
  readonly process: ChildProcess;
  /** The signal that ended it, and what it said before. */
  readonly end: Promise<{ readonly signal: NodeJS.Signals | null; readonly outcome?: Outcome }>;

  constructor(child: ChildProcess, order: Order) {
    this.process = child;
    let outcome: Outcome | undefined;
    child.on("message", (message: Outcome) => (outcome = message));
    this.end = once(child, "exit").then(([, signal]) => ({
      signal: signal as NodeJS.Signals | null,
      ...(outcome ? { outcome } : {}),
    }));
    child.send(order);
  }

  /** Whether SIGSTOP stopped it. */
  stopped(): boolean {
    return / T /.test(readFileSync(`/proc/${this.process.pid}/stat`, "utf8"));
  }
}

async function start(): Promise<ChildProcess> {
  const child = spawn(process.execPath, [script], {
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  await once(child, "message");
  return child;
}
