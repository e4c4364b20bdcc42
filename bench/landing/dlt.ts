import { execFile } from "node:child_process";
import { rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { type ConnectionSettings, connectionUrl } from "../../src/model/connection-settings.ts";
import { leftOut, pythonProgram } from "../peers/python.ts";
import { ask } from "../server.ts";
import type { DataFile } from "./generate.ts";

const run = promisify(execFile);
const DLT = "1.31.0";

/** Loads a CSV file with dlt, once. Gives a line about it, or about why it was left out. */
export async function dltNote(cache: string, file: DataFile, settings: ConnectionSettings): Promise<string> {
  let python: string;
  try {
    const programs = pythonProgram(join(cache, "dlt"), "dlt", [
      [`dlt[postgres,filesystem]==${DLT}`, "pandas", "pyarrow"],
    ]);
    python = join(programs, "python");
  } catch (error) {
    return leftOut("dlt", error);
  }
  const state = join(cache, "dlt", "state");
  rmSync(state, { recursive: true, force: true });
  const order = {
    folder: pathToFileURL(dirname(file.path)).href,
    url: connectionUrl(settings, { password: true }),
    state,
  };
  const env = { ...process.env, RUNTIME__DLTHUB_TELEMETRY: "false" };
  const { stdout } = await run(python, [join(import.meta.dirname, "load_with_dlt.py"), JSON.stringify(order)], {
    env,
    maxBuffer: 1 << 26,
  });
  const { version, seconds, peakMemory } = JSON.parse(stdout.trim().split("\n").at(-1)!);
  const [made] = await ask(settings, "select count(*) as rows from raw.orders");
  if (Number(made!.rows) !== file.rows) throw new Error(`dlt loaded ${made!.rows} rows, not ${file.rows}`);
  const speed = file.bytes / 1e6 / seconds;
  return (
    `dlt ${version}: ${(file.bytes / 1e6).toFixed(0)} MB of CSV in ${seconds.toFixed(1)} s, ` +
    `${speed.toFixed(1)} MB/s, peak memory ${(peakMemory / 1e6).toFixed(0)} MB; it infers the types`
  );
}
