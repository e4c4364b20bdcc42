import { parseConnectionUrl } from "../../src/config/connection.ts";
import type { Failpoint } from "../../src/environment/failpoints.ts";
import { UserError } from "../../src/model/errors.ts";
import type { CompiledGraph } from "../../src/model/graph.ts";
import { run } from "../../src/run/run.ts";

/** What the child is to do, once it is told to. */
export interface Order {
  readonly url: string;
  readonly graph: CompiledGraph;
  /** The signal it sends itself, and at the how-manieth time that it comes to that point. */
  readonly at: { readonly point: Failpoint; readonly time: number; readonly signal: "SIGKILL" | "SIGSTOP" };
}

/** What it says before it ends, if it lives that long. */
export type Outcome =
  | { readonly status: string; readonly errors: readonly { readonly message: string; readonly code?: string }[] }
  | { readonly thrown: string; readonly code?: string };

const retention = { releases: 2, age: 0 };

// A runner in a process of its own. It is started ahead and waits for its order, so that tests do not wait for Node.
process.once("message", async ({ url, graph, at }: Order) => {
  let seen = 0;
  const failpoint = async (point: Failpoint) => {
    if (point === at.point && ++seen === at.time) process.kill(process.pid, at.signal);
  };
  const outcome: Outcome = await run(graph, parseConnectionUrl(url, "test"), { retention, failpoint }).then(
    ({ status, errors }) => ({ status, errors }),
    (error: unknown) => {
      if (!(error instanceof UserError)) return { thrown: `not for a person: ${String((error as Error).stack)}` };
      return { thrown: error.message, ...(error.code === undefined ? {} : { code: error.code }) };
    },
  );
  process.send!(outcome, () => process.disconnect());
});
process.send!("ready");
