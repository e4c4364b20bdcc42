import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ConnectionSettings } from "../../src/model/connection-settings.ts";

export interface Load {
  /** Answers a second. */
  readonly rate: number;
  /** Milliseconds within which 99 of 100 were there. */
  readonly p99: number;
  /** Answers that were none of 2xx and 3xx, and connections that failed. */
  readonly failed: number;
  /** Microseconds of the processor that the server's process took for one. */
  readonly took: number;
}

interface Wrk {
  /** Of the server. */
  readonly pid: number;
  readonly url: string;
  readonly seconds: number;
  readonly connections: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Lua that says what is asked. */
  readonly script?: string;
}

/** Asks as fast as it is answered, by wrk of the system, on one thread. */
export async function load(
  folder: string,
  { pid, url, seconds, connections, headers = {}, script }: Wrk,
): Promise<Load> {
  const file = join(folder, "ask.lua");
  if (script) writeFileSync(file, script);
  const before = processor(pid);
  const text = await output("wrk", [
    ...["-t1", `-c${connections}`, `-d${seconds}s`, "--latency"],
    ...Object.entries(headers).flatMap(([name, value]) => ["-H", `${name}: ${value}`]),
    ...(script ? ["-s", file] : []),
    url,
  ]);
  const p99 = /99%\s+([\d.]+)(us|ms|s)\b/.exec(text)!;
  const errors = /Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/.exec(text)?.slice(1) ?? [];
  const refused = /Non-2xx or 3xx responses: (\d+)/.exec(text)?.[1] ?? 0;
  return {
    rate: Number(/Requests\/sec:\s+([\d.]+)/.exec(text)![1]),
    p99: Number(p99[1]) * { us: 0.001, ms: 1, s: 1000 }[p99[2] as "ms"],
    failed: errors.reduce((sum, count) => sum + Number(count), Number(refused)),
    took: (processor(pid) - before) / Number(/(\d+) requests in/.exec(text)![1]),
  };
}

/** Microseconds that a process has taken, of ten milliseconds each. */
function processor(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]!.split(" ");
  return (Number(fields[11]) + Number(fields[12])) * 10_000;
}

/** Transactions a second of pgbench, with a statement that it prepares. */
export async function pgbench(
  folder: string,
  settings: ConnectionSettings,
  { script, seconds, clients }: { readonly script: string; readonly seconds: number; readonly clients: number },
): Promise<number> {
  const file = join(folder, "pgbench.sql");
  writeFileSync(file, script);
  const text = await output(
    "pgbench",
    ["-n", "-M", "prepared", "-c", String(clients), "-j", "1", "-T", String(seconds), "-f", file],
    environment(settings),
  );
  return Number(/tps = ([\d.]+)/.exec(text)![1]);
}

/** Seconds of `\copy (…) to stdout`. */
export async function copied(settings: ConnectionSettings, query: string): Promise<number> {
  const started = performance.now();
  await output("bash", ["-c", `psql -qc "\\copy (${query}) to stdout csv" > /dev/null`], environment(settings));
  return (performance.now() - started) / 1000;
}

/** Seconds until a whole answer is there. */
export async function fetched(url: string): Promise<number> {
  const started = performance.now();
  await output("curl", ["-sSf", "-o", "/dev/null", url]);
  return (performance.now() - started) / 1000;
}

function environment({ host, port, database, user, password, ssl }: ConnectionSettings): NodeJS.ProcessEnv {
  return {
    ...process.env,
    PGHOST: host,
    PGPORT: String(port),
    PGDATABASE: database,
    PGUSER: user,
    PGPASSWORD: password,
    PGSSLMODE: ssl.mode,
  };
}

async function output(command: string, parameters: readonly string[], env = process.env): Promise<string> {
  const child = spawn(command, [...parameters], { env, stdio: ["ignore", "pipe", "pipe"] });
  let text = "";
  let error = "";
  child.stdout.on("data", (data) => (text += data));
  child.stderr.on("data", (data) => (error += data));
  const [code] = await once(child, "close");
  if (code !== 0) throw new Error(`${command} ${parameters.join(" ")}\nended with ${code}:\n${error}${text}`);
  return text;
}
