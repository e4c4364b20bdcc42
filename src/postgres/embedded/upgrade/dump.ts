import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { text as readAll } from "node:stream/consumers";
import { Worker } from "node:worker_threads";
import type { ConnectionSettings } from "../../../model/connection-settings.ts";
import { UserError } from "../../../model/errors.ts";
import { heeding } from "../../../wait/timers.ts";
import { asUser, cannotRun } from "../process.ts";

/** A pg_dump: a program of this machine, or the module that runs its WebAssembly build. */
export type DumpTool = { readonly program: string } | { readonly module: string };

/** The definitions of a database as a script, in two halves: before the rows, and after them. */
export interface Definitions {
  /** Of the database itself, in a session of another one. */
  readonly database: string;
  readonly before: string;
  readonly after: string;
}

/** Both halves write every name in quotes: a word may be reserved in the newer version. */
const COMMON = ["--username=postgres", "--quote-all-identifiers", "--no-sync"];
/** Large objects come with the definitions; the rows of tables do not. */
const BEFORE = ["--create", "--clean", "--if-exists", "--section=pre-data", "--section=data", "-b"];
const NO_ROWS = ["--exclude-table-data=*.*"];
const AFTER = ["--section=post-data"];
/** Names that are more than letters and digits come with psql's encoding set aside. */
const CONNECT = /^(?:\\encoding .+\n)?\\connect .+$/m;

/** @throws UserError with what pg_dump says */
export async function dumpDefinitions(
  tool: DumpTool,
  settings: ConnectionSettings,
  signal?: AbortSignal,
): Promise<Definitions> {
  const run = (args: readonly string[]) => dump(tool, settings, { args: [...COMMON, ...args], signal });
  const [first, after] = await Promise.all([run([...BEFORE, ...NO_ROWS]), run(AFTER)]);
  const connecting = CONNECT.exec(first);
  if (!connecting) throw failed(settings.database, "it made no database");
  // Twice: the settings of the database are between, and hold from the second on.
  const [line] = connecting;
  const before = first.slice(connecting.index + line.length).replace(line, "");
  return { database: first.slice(0, connecting.index), before, after };
}

interface Asked {
  readonly args: readonly string[];
  readonly signal?: AbortSignal | undefined;
}

async function dump(tool: DumpTool, settings: ConnectionSettings, asked: Asked): Promise<string> {
  const script =
    "program" in tool ? await byProgram(tool.program, settings, asked) : await byThread(tool.module, settings, asked);
  // What only psql reads: it keeps a script from sending psql's own commands.
  const key = /^\\restrict (\w+)$/m.exec(script)?.[1];
  return key ? script.replaceAll(new RegExp(`^\\\\(?:un)?restrict ${key}$\n?`, "gm"), "") : script;
}

async function byProgram(program: string, settings: ConnectionSettings, { args, signal }: Asked): Promise<string> {
  const { host, port, database, password } = settings;
  const how = asUser(undefined);
  const child = spawn(
    program,
    [...args, `--dbname=${connectionString({ host, port: String(port), dbname: database })}`],
    {
      ...how,
      env: { ...how.env, PGPASSWORD: password ?? "" },
      stdio: ["ignore", "pipe", "pipe"],
      signal,
    },
  );
  const ended = once(child, "close").catch((cause) => {
    throw signal?.aborted ? signal.reason : cannotRun(program, cause as Error, undefined);
  });
  const [script, said, [code]] = await Promise.all([readAll(child.stdout), readAll(child.stderr), ended]);
  if (code !== 0) throw failed(database, said);
  return script;
}

/** The thread runs pg_dump and is blocked while it waits; the socket is here. */
async function byThread(module: string, settings: ConnectionSettings, { args, signal }: Asked): Promise<string> {
  const { host, port, database, password = "" } = settings;
  const arrived = new Int32Array(new SharedArrayBuffer(4));
  const socket = connect(port, host);
  const thread = new Worker(new URL("./pg-dump.cjs", import.meta.url), {
    env: {},
    workerData: { module, arrived, args: [...args, `--dbname=${connectionString({ dbname: database, password })}`] },
  });
  const give = (bytes: Buffer | null) => {
    thread.postMessage(bytes);
    Atomics.add(arrived, 0, 1);
    Atomics.notify(arrived, 0);
  };
  socket.on("data", give);
  socket.on("error", () => {}); // what it is, its end tells
  socket.on("close", () => give(null));
  const answer = new Promise<string>((resolve, reject) => {
    thread.on(
      "message",
      ({ written, text, failed: said }: { written?: Uint8Array; text?: string; failed?: string }) => {
        if (written) socket.write(written);
        else if (text !== undefined) resolve(text);
        else reject(failed(database, said!.replace(/invalid binary ".*?": No such file or directory/, "")));
      },
    );
    thread.on("error", reject);
  });
  try {
    return await heeding(answer, signal);
  } finally {
    socket.destroy();
    await thread.terminate();
  }
}

/** For libpq: https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING-KEYWORD-VALUE */
function connectionString(parts: Readonly<Record<string, string>>): string {
  return Object.entries(parts)
    .map(([name, value]) => `${name}='${value.replaceAll(/[\\']/g, "\\$&")}'`)
    .join(" ");
}

function failed(database: string, said: string): UserError {
  return new UserError({
    message: `pg_dump cannot read the definitions of database ${database}`,
    found: said.trim().split("\n").slice(-10).join("\n"),
  });
}
