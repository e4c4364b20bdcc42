import { once } from "node:events";
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import { bundled } from "./built.ts";

export interface Threads<Question, Answer> {
  /** Answered by the thread that is free first, in the order in which they are asked. */
  ask(question: Question): Promise<Answer>;
  end(): Promise<void>;
}

/** As many threads as there are cores, each with a script of this folder that answers message by message. */
export async function openThreads<Question, Answer>(script: string): Promise<Threads<Question, Answer>> {
  const file = await bundled(script);
  const workers = Array.from({ length: availableParallelism() }, () => new Worker(file));
  const free = [...workers];
  const waiting: ((worker: Worker) => void)[] = [];
  return {
    ask: async (question) => {
      const worker = free.pop() ?? (await new Promise<Worker>((resolve) => waiting.push(resolve)));
      worker.postMessage(question);
      const [answer] = (await once(worker, "message")) as [Answer];
      const next = waiting.shift();
      if (next) next(worker);
      else free.push(worker);
      return answer;
    },
    end: async () => {
      for (const worker of workers) await worker.terminate();
    },
  };
}
