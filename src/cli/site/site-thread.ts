// The thread in which a server's pages are made; site-maker.ts starts it.
import { createHash } from "node:crypto";
import { parentPort, workerData } from "node:worker_threads";
import { userErrorsOf } from "../../model/errors.ts";
import type { CompiledGraph } from "../../model/graph.ts";
import { packSite } from "../../serve/packed-site.ts";
import type { Shell } from "../shell.ts";
import { telling } from "../telling.ts";
import { makeSite } from "./make-site.ts";
import type { FromMaker, MakerData, ToMaker } from "./site-maker.ts";

const port = parentPort!;
const { shell: given, flags, how } = workerData as MakerData;
const stopped = new AbortController();
const { signal } = stopped;

const tell = (what: FromMaker, memory: ArrayBuffer[] = []) => port.postMessage(what, memory);

const shell: Shell = {
  ...given,
  exitCode: 0,
  print: () => {},
  // Why it stops is said by who stops it.
  say: (line) => {
    if (!signal.aborted) tell({ kind: "said", line });
  },
  onInterrupt: (heard) => {
    const stop = () => heard("stopped", () => {});
    signal.addEventListener("abort", stop);
    return () => signal.removeEventListener("abort", stop);
  },
};

/** Of the project that was told last. */
let told: string | undefined;

port.on("message", async (message: ToMaker) => {
  if (message === "stop") return stopped.abort();
  try {
    const { site, graph } = await makeSite(shell, flags, { ...how, signal, onWait: telling(shell).tell });
    tellProject(graph);
    const packed = packSite(site);
    tell(
      { kind: "made", site: packed },
      [...packed.files.values()].map(({ content }) => content.buffer),
    );
  } catch (error) {
    tell(failureOf(error as Error));
  }
});

/** What a project is takes longer to take in than its pages, and is seldom another one. */
function tellProject(graph: CompiledGraph): void {
  const mark = createHash("sha256").update(JSON.stringify(graph)).digest("base64");
  if (mark !== told) tell({ kind: "project", graph });
  told = mark;
}

function failureOf(error: Error): FromMaker {
  const mistakes = userErrorsOf(error);
  if (!mistakes) return { kind: "failed", message: error.message, stack: error.stack };
  return { kind: "mistakes", errors: mistakes.map((one) => ({ ...one, message: one.message, cause: undefined })) };
}
