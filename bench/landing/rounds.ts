import { join } from "node:path";
import type { ConnectionSettings } from "../../src/model/connection-settings.ts";
import { ask, type Server } from "../server.ts";
import type { DataFile } from "./generate.ts";
import { land, makePlainTable, psqlCopy, psqlPipe, type Timing } from "./landers.ts";

export const parts = ["csv", "bad", "ndjson", "xml", "postgres", "sustained"] as const;
export type Part = (typeof parts)[number];

/** What a round measures, in its order. */
export const names = {
  psqlCsv: "psql: \\copy of CSV",
  csv: "ours: CSV",
  bad: "ours: CSV, 1 % bad rows",
  ndjson: "ours: NDJSON of the same rows",
  xml: "ours: XML like camt.053",
  psqlPipe: "psql | psql",
  postgres: "ours: PostgreSQL to PostgreSQL",
} as const;
export type Key = keyof typeof names;

export interface Contest {
  readonly server: Server;
  readonly tls: boolean;
  readonly projectDir: string;
  readonly logs: string;
  /** The clean CSV file is always there: others are compared with it. */
  readonly files: { readonly csv: DataFile } & Readonly<Partial<Record<"bad" | "ndjson" | "xml", DataFile>>>;
  /** Whether our CSV is measured, too. */
  readonly withCsv: boolean;
  /** A database that has the CSV file's rows in a table. */
  readonly source: ConnectionSettings | undefined;
}

/** An empty database for as long as the work takes. */
export async function inDatabase<T>(
  { server, tls }: Pick<Contest, "server" | "tls">,
  work: (settings: ConnectionSettings) => Promise<T>,
): Promise<T> {
  const made = await server.createDatabase();
  const settings = tls ? made : ({ ...made, ssl: { mode: "disable" } } as const);
  try {
    // What others left to be written is not the next one's.
    await ask(settings, "checkpoint");
    return await work(settings);
  } finally {
    await server.dropDatabase(made);
  }
}

/** Every contestant once, each in an empty database of its own. */
export async function* oneRound(contest: Contest): AsyncGenerator<readonly [Key, Timing]> {
  const { files, source, logs, withCsv } = contest;
  const { csv, bad, ndjson, xml } = files;
  const log = (name: string) => join(logs, `landing-${name}.log`);
  yield ["psqlCsv", await plain(contest, (settings) => psqlCopy(settings, csv.path, log("copy")))];
  if (withCsv) yield ["csv", await ours(contest, "csv", csv)];
  if (bad) yield ["bad", await ours(contest, "bad", bad)];
  if (ndjson) yield ["ndjson", await ours(contest, "ndjson", ndjson)];
  if (xml) yield ["xml", await ours(contest, "xml", xml)];
  if (!source) return;
  yield ["psqlPipe", await plain(contest, (settings) => psqlPipe(source, settings, log("pipe")))];
  yield ["postgres", await ours(contest, "postgres", csv)];
}

function plain(contest: Contest, work: (settings: ConnectionSettings) => Promise<Timing>): Promise<Timing> {
  return inDatabase(contest, async (settings) => {
    await makePlainTable(settings);
    const timing = await work(settings);
    await check(settings, "orders", contest.files.csv.rows);
    return timing;
  });
}

function ours(contest: Contest, name: string, { rows, bad }: DataFile): Promise<Timing> {
  const { projectDir, source } = contest;
  return inDatabase(contest, async (settings) => {
    const { load, ...timing } = await land(projectDir, name, settings, source);
    await check(settings, name === "xml" ? "raw.entries" : "raw.orders", rows - bad);
    if (load.rejected === bad) return timing;
    throw new Error(`${name}: ${load.rejected} rejects, and ${bad} records are bad`);
  });
}

/** A contestant that did less than the others would not be compared. */
async function check(settings: ConnectionSettings, table: string, rows: number): Promise<void> {
  const [made] = await ask(settings, `select count(*) as rows from ${table}`);
  if (Number(made!.rows) !== rows) throw new Error(`${table} has ${made!.rows} rows, not ${rows}`);
}
