import { once } from "node:events";
import { Worker } from "node:worker_threads";
import type { DecodedArray, FileMetaData } from "hyparquet";
import { within } from "../../../wait/timers.ts";
import { notWhole, unreadable } from "../file-errors.ts";

/** What the thread is asked, and what it gives. Its other half is `decode.cjs`. */
interface Jobs {
  metadata: { readonly input: readonly [path: string, maxBytes: number]; readonly value: FileMetaData };
  scan: { readonly input: FileMetaData; readonly value: undefined };
  column: { readonly input: readonly [name: string, rowStart: number, rowEnd: number]; readonly value: DecodedArray };
  close: { readonly input: undefined; readonly value: undefined };
}

interface Answer<T> {
  readonly value: T;
  readonly thrown?: string;
  readonly refused?: false | readonly [kind: keyof typeof REFUSALS, message: string];
}

const REFUSALS = { notWhole, unreadable };
/** MiB of heap: a row group of 512 MB is some times that as values. */
const MEMORY = 4096;

/** Threads that wait for the next file. Each takes a while to start. */
const idle: Worker[] = [];

/** Decodes one file in a thread, which is ended where it takes too long. */
export class ParquetDecoder {
  readonly #worker: Worker;
  readonly #seconds: number;
  #isSound = true;

  /** @param seconds for each column of a row group */
  constructor(seconds: number) {
    this.#seconds = seconds;
    this.#worker = idle.pop() ?? started();
    this.#worker.ref();
  }

  /**
   * @throws UserError for what has a sentence of its own, a thread that takes too long or too much memory; Error for a file
   * that is damaged anyhow else
   */
  async ask<Job extends keyof Jobs>(job: Job, input: Jobs[Job]["input"]): Promise<Jobs[Job]["value"]> {
    this.#isSound = false;
    const answer = once(this.#worker, "message") as Promise<[Answer<Jobs[Job]["value"]>]>;
    this.#worker.postMessage([job, input]);
    const late = () => {
      throw unreadable("the Parquet file cannot be decoded", {
        expected: "a column of a row group in less time",
        found: `no end after ${this.#seconds} s`,
        hint: "nothing of it was landed: it is damaged, or to be written with smaller row groups",
      });
    };
    const [{ value, thrown, refused }] = await within(this.#seconds * 1000, answer.catch(outOfMemory), late);
    this.#isSound = true;
    if (refused) throw REFUSALS[refused[0]](refused[1]);
    if (thrown !== undefined) throw new Error(thrown);
    return value;
  }

  async close(): Promise<void> {
    if (this.#isSound) await this.ask("close", undefined);
    if (!this.#isSound) return void (await this.#worker.terminate());
    this.#worker.unref();
    idle.push(this.#worker);
  }
}

function started(): Worker {
  const options = { env: {}, resourceLimits: { maxOldGenerationSizeMb: MEMORY } };
  const worker = new Worker(new URL("./decode.cjs", import.meta.url), options);
  // Whoever asked hears of it, too; nobody has asked one that is idle.
  worker.on("error", () => {});
  worker.on("exit", () => {
    const at = idle.indexOf(worker);
    if (at >= 0) idle.splice(at, 1);
  });
  return worker;
}

function outOfMemory(error: NodeJS.ErrnoException): never {
  if (error.code !== "ERR_WORKER_OUT_OF_MEMORY") throw error;
  throw unreadable("the Parquet file cannot be decoded", {
    found: `it needs more than ${MEMORY} MiB of memory`,
    hint: "nothing of it was landed: it is damaged, or to be written with smaller row groups",
    cause: error,
  });
}
