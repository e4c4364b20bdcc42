import { onTestFinished } from "vitest";
import { type BetweenOptions, between } from "../../src/library/reconcile.ts";
import { type Client, connect } from "../../src/postgres/client.ts";
import { script } from "../../src/sql/authored.ts";
import { id, ids } from "../../src/sql/identifiers.ts";
import { literal } from "../../src/sql/literals.ts";
import { sql } from "../../src/sql/sql.ts";
import { testDatabase } from "./database.ts";
import { keywords } from "./names.ts";

/** Names by which JavaScript's objects and PostgreSQL's grammar may stumble. */
export const ODD_NAMES = [
  ...["constructor", "toString", "valueOf", "hasOwnProperty", "__proto__"],
  ...[
    "Mixed Case",
    "CustId",
    'a "quote"',
    "it's",
    "ä€😀",
    "x".repeat(63),
    "1st",
    "$1",
    "a.b",
    "a;b",
    "--",
    "/*",
    "%I",
    "\\",
  ],
];

/** Words of the grammar that cannot be everywhere, and types that a row can be cast to by a dot. */
export async function wordsOfSql(client: Client): Promise<string[]> {
  return [...(await keywords(client)), "name", "text", "json", "upper", "abs"];
}

/** A database of its own: close() drops it. */
export async function openDatabase(): Promise<{ readonly client: Client; close(): Promise<void> }> {
  const made = await testDatabase();
  const client = await connect(made.settings, { applicationName: "test" });
  return {
    client,
    close: async () => {
      await client.close();
      await made.drop();
    },
  };
}

/** One for this test. */
export async function database(): Promise<Client> {
  const { client, close } = await openDatabase();
  onTestFinished(close);
  return client;
}

export type Columns = readonly (readonly [name: string, type: string])[];
type Row = readonly (string | null)[];

/** A table with these rows, given as texts. */
export async function fill(client: Client, table: string, columns: Columns, rows: readonly Row[]): Promise<void> {
  const types = columns.map(([name, type]) => `${id(name)} ${type}`).join(", ");
  const names = ids(columns.map(([name]) => name));
  await client.script(script(`drop table if exists ${id(table)}; create table ${id(table)} (${types})`));
  const values = rows.map((row) => sql`(${row.map(literal)})`);
  if (rows.length) await client.script(sql`insert into ${id(table)} (${names}) values ${values}`);
}

/** Every select of a reconciliation as a table: store, duplicates, matches, rows, columns, summary, proposals, rules, groups, passes. */
export async function reconciled(client: Client, options: BetweenOptions): Promise<void> {
  const made = between(options);
  const { passes = [] } = options;
  const tables = [
    ["store", made.store()],
    ["duplicates", made.duplicates("made_store")],
    ...(passes.length ? [["matches", made.matches("made_store", "made_duplicates")] as const] : []),
    ["rows", made.rows("made_store", passes.length ? "made_matches" : undefined)],
    ["columns", made.columnStats("made_rows")],
    ["summary", made.summary("made_rows", "made_duplicates")],
    ["proposals", made.proposals("made_rows")],
    ["rules", made.rules()],
    ...(passes.length
      ? ([
          ["groups", made.groups("made_rows", "made_duplicates")],
          ["passes", made.passes()],
        ] as const)
      : []),
  ] as const;
  const statements = tables.map(([name, select]) => `create table made_${name} as\n${select};`);
  await client.script(
    script(`${tables.map(([name]) => `drop table if exists made_${name};`).join(" ")}
    ${statements.join("\n")}`),
  );
}

/** Rows of a query as objects would have them, each cell as text. */
export async function cells(client: Client, query: string): Promise<readonly (readonly (string | null)[])[]> {
  return (await client.table(script(query))).rows;
}
