import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { freePort } from "../../../src/postgres/embedded/port.ts";

/** Debian's package, installed or unpacked by .ci/run. */
const folder = ["/usr/bin", resolve(import.meta.dirname, "../../servers/node_modules/.prometheus/usr/bin")].find(
  (one) => existsSync(join(one, "promtool")),
);

/** Why there is no promtool for the tests; undefined where there is one. */
export const noPromtool = folder === undefined ? "needs Debian's package prometheus" : undefined;

/** What promtool says of a file or of what it is handed, and how it ended. */
export function promtool(args: readonly string[], input = ""): { readonly said: string; readonly code: number } {
  try {
    return { said: execFileSync(join(folder!, "promtool"), args, { input, encoding: "utf8", stdio: "pipe" }), code: 0 };
  } catch (error) {
    const { stdout, stderr, status } = error as { stdout: string; stderr: string; status: number };
    return { said: `${stdout}${stderr}`, code: status };
  }
}

export interface TestPrometheus {
  /** The answer of an address of its API, as JSON. */
  ask(path: string): Promise<unknown>;
  stop(): Promise<void>;
}

/** A Prometheus of its own. @param config the path of its prometheus.yml */
export async function startPrometheus(config: string): Promise<TestPrometheus> {
  const port = await freePort();
  const data = mkdtempSync(join(tmpdir(), "prometheus-"));
  const server: ChildProcess = spawn(
    join(folder!, "prometheus"),
    [`--config.file=${config}`, `--storage.tsdb.path=${data}`, `--web.listen-address=127.0.0.1:${port}`],
    { stdio: ["ignore", "ignore", "pipe"] },
  );
  await new Promise<void>((resolve, reject) => {
    let said = "";
    server.stderr!.on("data", (chunk) => {
      said += String(chunk);
      if (said.includes("Server is ready")) resolve();
    });
    server.once("exit", () => reject(new Error(`Prometheus ended: ${said}`)));
  });
  return {
    ask: async (path) => (await fetch(`http://127.0.0.1:${port}${path}`)).json(),
    stop: async () => {
      if (server.exitCode !== null || server.signalCode !== null) return;
      const ended = once(server, "exit");
      server.kill();
      await ended;
      rmSync(data, { recursive: true, force: true });
    },
  };
}
