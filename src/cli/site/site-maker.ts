import { extname } from "node:path";
import { Worker } from "node:worker_threads";
import { UserError, type UserErrorDetails, UserErrors } from "../../model/errors.ts";
import type { CompiledGraph } from "../../model/graph.ts";
import type { PackedSite } from "../../serve/packed-site.ts";
import type { Shell } from "../shell.ts";
import type { MakeOptions, SiteFlags } from "./make-site.ts";

/** What the thread is given when it starts. */
export interface MakerData {
  readonly shell: Pick<Shell, "projectDir" | "env" | "color">;
  readonly flags: SiteFlags;
  readonly how: Omit<MakeOptions, "signal" | "onWait" | "compiling">;
}

/** What the thread is told. */
export type ToMaker = "make" | "stop";

/** What it tells: once for each "make" one of the last three. */
export type FromMaker =
  | { readonly kind: "said"; readonly line: string }
  /** The project, where it is another one than was told before. */
  | { readonly kind: "project"; readonly graph: CompiledGraph }
  | { readonly kind: "made"; readonly site: PackedSite }
  | { readonly kind: "mistakes"; readonly errors: readonly UserErrorDetails[] }
  | { readonly kind: "failed"; readonly message: string; readonly stack: string | undefined };

export interface Made {
  readonly site: PackedSite;
  readonly graph: CompiledGraph;
}

/** MiB of heap. */
const MEMORY = 4096;

/**
 * Makes the pages of a server in a thread, which goes on from one time to the next: whoever asks the server meanwhile is answered,
 * and events that are sent to it land.
 */
export class SiteMaker {
  readonly #data: MakerData;
  readonly #say: (line: string) => void;
  #thread: Worker | undefined;
  #graph: CompiledGraph | undefined;

  constructor(shell: Shell, flags: SiteFlags, { signal: _, onWait: __, ...how }: MakeOptions) {
    const { projectDir, env, color } = shell;
    this.#data = { shell: { projectDir, env: { ...env }, color }, flags, how };
    this.#say = (line) => shell.say(line);
  }

  /**
   * One at a time.
   * @throws UserError or UserErrors as `makeSite`; UserError where it takes too much memory; the signal's reason
   */
  async make(signal: AbortSignal): Promise<Made> {
    signal.throwIfAborted();
    this.#thread ??= this.#start();
    const thread = this.#thread;
    // Nothing is left at work in the database: the thread is not ended before it has ended that.
    const stop = () => thread.postMessage("stop" satisfies ToMaker);
    signal.addEventListener("abort", stop);
    thread.ref();
    try {
      const site = await this.#answer(thread);
      return { site, graph: this.#graph! };
    } catch (error) {
      signal.throwIfAborted();
      throw error;
    } finally {
      signal.removeEventListener("abort", stop);
      thread.unref();
    }
  }

  async close(): Promise<void> {
    await this.#thread?.terminate();
  }

  #start(): Worker {
    const thread = new Worker(new URL(`site-thread${extname(import.meta.url)}`, import.meta.url), {
      workerData: this.#data,
      resourceLimits: { maxOldGenerationSizeMb: MEMORY },
    });
    // Whoever waits for it hears of both.
    thread.on("error", () => {});
    thread.on("exit", () => {
      if (this.#thread === thread) this.#thread = undefined;
    });
    return thread;
  }

  #answer(thread: Worker): Promise<PackedSite> {
    const settled = new AbortController();
    const once = { signal: settled.signal };
    return new Promise<PackedSite>((resolve, reject) => {
      const heard = (told: FromMaker) => {
        if (told.kind === "said") this.#say(told.line);
        else if (told.kind === "project") this.#graph = told.graph;
        else if (told.kind === "made") resolve(told.site);
        else reject(errorOf(told));
      };
      const failed = (error: Error) => reject(outOfMemory(error) ?? error);
      const ended = () => reject(new Error("the thread that makes the pages ended without an answer"));
      thread.on("message", heard).on("error", failed).on("exit", ended);
      once.signal.addEventListener("abort", () => thread.off("message", heard).off("error", failed).off("exit", ended));
      thread.postMessage("make" satisfies ToMaker);
    }).finally(() => settled.abort());
  }
}

function errorOf(told: Extract<FromMaker, { kind: "mistakes" | "failed" }>): Error {
  if (told.kind === "failed") return Object.assign(new Error(told.message), { stack: told.stack });
  const errors = told.errors.map((one) => new UserError(one));
  return errors.length === 1 ? errors[0]! : new UserErrors(errors);
}

function outOfMemory(error: NodeJS.ErrnoException): UserError | undefined {
  if (error.code !== "ERR_WORKER_OUT_OF_MEMORY") return undefined;
  return new UserError({
    message: "the pages cannot be made",
    found: `they need more than ${MEMORY} MiB of memory`,
    cause: error,
  });
}
