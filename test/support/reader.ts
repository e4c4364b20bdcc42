import type { ConnectionSettings } from "../../src/model/connection-settings.ts";
import { type Client, connect } from "../../src/postgres/client.ts";
import { connectionLost, sqlState } from "../../src/postgres/sqlstate.ts";
import { script } from "../../src/sql/authored.ts";
import { sql } from "../../src/sql/sql.ts";
import { contentAt, contentQuery, models } from "./ticking-project.ts";

/** What is read: of each model one text, `rows:number:…`, and what that text is at each number. */
export interface Contents<Model extends string = string> {
  readonly models: readonly Model[];
  query(model: Model, schema?: string): string;
  at(model: Model, number: number): string;
}

const ticking: Contents = { models, query: contentQuery, at: contentAt } as Contents;

export const modes = ["statement", "prepared", "read committed", "repeatable read"] as const;
type Mode = (typeof modes)[number];

export interface Readings {
  /** Relations that were read. */
  reads: number;
  /** What went wrong: "mixed", "empty", "missing", or an SQLSTATE → how often. */
  readonly wrong: Record<string, number>;
  /** The first few in full. */
  readonly examples: string[];
  /** Numbers that were read at least once. */
  readonly seen: Set<number>;
  /** Milliseconds of each reading: a statement, or a transaction. */
  readonly times: number[];
}

export function noReadings(): Readings {
  return { reads: 0, wrong: {}, examples: [], seen: new Set(), times: [] };
}

/** A pseudo-random number in [0, below), the same for the same seed. */
export function randomFrom(seed: number): (below: number) => number {
  let state = seed >>> 0 || 1;
  return (below) => {
    state ^= state << 13;
    state >>>= 0;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state % below;
  };
}

export interface ReadingWay {
  readonly mode: Mode;
  readonly random: (below: number) => number;
  readonly more: () => boolean | Promise<boolean>;
  readonly schema?: string;
  /** @default the models of the ticking project */
  readonly contents?: Contents;
}

/**
 * Reads the project's models in one mode, over and over, on a connection of its own, until `more` says no. Whatever
 * is read together must be of one release and whole. Throws when the connection is lost.
 */
export async function keepReading(
  settings: ConnectionSettings,
  readings: Readings,
  { mode, random, more, schema, contents = ticking }: ReadingWay,
): Promise<void> {
  const client = await connect(settings, { applicationName: `reader ${mode}` });
  try {
    while (await more()) {
      const order = shuffled(contents.models, random);
      const started = performance.now();
      try {
        const queries = order.map((model): [string, string] => [model, contents.query(model, schema)]);
        check(await readTogether(client, mode, queries), readings, contents, mode);
        readings.reads += order.length;
      } catch (error) {
        if (connectionLost(error)) throw error;
        note(readings, sqlState(error) === "42P01" ? "missing" : (sqlState(error) ?? "lost"), String(error));
        await client.query(sql`rollback`).catch(() => {});
      }
      readings.times.push(performance.now() - started);
    }
  } finally {
    await client.close();
  }
}

type Reading = readonly (readonly [model: string, content: string | null])[];

async function readTogether(client: Client, mode: Mode, queries: readonly [string, string][]): Promise<Reading> {
  if (mode === "statement" || mode === "prepared") {
    const text = `select ${queries.map(([model, query]) => `(${query}) as ${model}`).join(", ")}`;
    const name = queries.map(([model]) => model).join();
    // A name makes the driver prepare it once and then only execute it.
    const { rows } = await client.driver.query({ text, ...(mode === "prepared" ? { name } : {}) });
    return queries.map(([model]) => [model, rows[0][model]]);
  }
  await client.query(script(`begin isolation level ${mode} read only`));
  const read: [string, string | null][] = [];
  for (const [model, query] of queries) {
    const { rows } = await client.query<{ content: string | null }>(script(`select (${query}) as content`));
    read.push([model, rows[0]?.content ?? null]);
  }
  await client.query(sql`commit`);
  return read;
}

function check(read: Reading, readings: Readings, contents: Contents, mode: Mode): void {
  const numbers = read.map(([model, content]) => numberOf(model, content, contents));
  const all = `${mode}: ${read.map(([model, content]) => `${model} ${content}`).join(", ")}`;
  for (const number of numbers) {
    if (typeof number === "number") readings.seen.add(number);
    else note(readings, number, all);
  }
  if (new Set(numbers).size > 1) note(readings, "mixed", all);
}

/** Which number the content is of; what it is when it is of none. */
function numberOf(model: string, content: string | null, contents: Contents): number | "empty" | "torn" {
  if (content === null || content.startsWith("0:")) return "empty";
  const number = Number(content.split(":")[1]);
  return content === contents.at(model, number) ? number : "torn";
}

function note(readings: Readings, what: string, example: string): void {
  readings.wrong[what] = (readings.wrong[what] ?? 0) + 1;
  if (readings.examples.length < 5) readings.examples.push(`${what}: ${example}`);
}

/** Two to all of the models, in any order. */
function shuffled(models: readonly string[], random: (below: number) => number): string[] {
  const rest = [...models];
  const order: string[] = [];
  const count = 2 + random(models.length - 1);
  while (order.length < count) order.push(...rest.splice(random(rest.length), 1));
  return order;
}
