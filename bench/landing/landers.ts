import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { type ConnectionSettings, connectionUrl } from "../../src/model/connection-settings.ts";
import type { StreamLoad } from "../../src/model/load-report.ts";
import { timeProcess } from "../process.ts";
import { ask } from "../server.ts";
import { orderColumns } from "./orders.ts";

/** One contestant, once. */
export interface Timing {
  readonly seconds: number;
  /** Bytes; of our process only. */
  readonly peakMemory?: number;
}

export interface Loaded extends Timing {
  readonly peakMemory: number;
  readonly load: StreamLoad;
}

const run = promisify(execFile);

/** Loads a declaration of the project in a process of its own, `from` in SOURCE_URL. The time is that of loadIngest() and ingest(). */
export async function land(
  projectDir: string,
  source: string,
  settings: ConnectionSettings,
  from?: ConnectionSettings,
): Promise<Loaded> {
  const env = from ? { SOURCE_URL: connectionUrl(from, { password: true }) } : {};
  const order = JSON.stringify({ projectDir, source, settings, env });
  const loader = join(import.meta.dirname, "loader.js");
  const { stdout } = await run(process.execPath, [loader, order], { maxBuffer: 1 << 26 });
  const { seconds, peakMemory, report } = JSON.parse(stdout);
  if (!report.ok) throw new Error(`${source}: ${JSON.stringify(report, null, 2)}`);
  return { seconds, peakMemory, load: report.streams[0] };
}

const columns = orderColumns.map(([name]) => name).join(", ");

/** The table that ours would make, its two numbers filled by defaults. */
export async function makePlainTable(settings: ConnectionSettings): Promise<void> {
  const definitions = orderColumns.map(([name, type]) => `${name} ${type}`).join(", ");
  const own = "_load_id bigint not null default 1, _row_no bigint not null default 0, _extra jsonb";
  await ask(settings, `create table orders (${definitions}, ${own}); create index on orders using brin (_load_id)`);
}

/** `\copy` of psql, into a table that is there. */
export async function psqlCopy(settings: ConnectionSettings, path: string, logFile: string): Promise<Timing> {
  const command = `\\copy orders (${columns}) from '${path.replaceAll("'", "''")}' (format csv, header true)`;
  return { seconds: await psql(["-c", command], settings, logFile) };
}

/** One psql writes, another one reads. */
export async function psqlPipe(from: ConnectionSettings, to: ConnectionSettings, logFile: string): Promise<Timing> {
  const out = `psql -qX -v ON_ERROR_STOP=1 "$SOURCE_URL" -c "copy (select ${columns} from orders) to stdout"`;
  const into = `psql -qX -v ON_ERROR_STOP=1 -c "copy orders (${columns}) from stdin"`;
  const env = { ...surroundings(to), SOURCE_URL: connectionUrl(from, { password: true }) };
  return { seconds: await timeProcess("sh", ["-c", `${out} | ${into}`], { cwd: "/", env, logFile }) };
}

function psql(parameters: readonly string[], settings: ConnectionSettings, logFile: string): Promise<number> {
  const env = surroundings(settings);
  return timeProcess("psql", ["-qX", "-v", "ON_ERROR_STOP=1", ...parameters], { cwd: "/", env, logFile });
}

function surroundings({ host, port, user, password, database, ssl }: ConnectionSettings): NodeJS.ProcessEnv {
  return {
    ...process.env,
    PGHOST: host,
    PGPORT: String(port),
    PGUSER: user,
    PGPASSWORD: password ?? "",
    PGDATABASE: database,
    PGSSLMODE: ssl.mode,
  };
}
