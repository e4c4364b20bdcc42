import type { Client } from "../../src/postgres/client.ts";
import { sql } from "../../src/sql/sql.ts";
import { tokenize } from "../../src/sql/tokens.ts";

/** Names that are no trouble only where they are quoted, and names that every object of JavaScript has. */
const odd = [
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
    " ",
  ],
  ...Object.getOwnPropertyNames(Object.prototype),
  ...["prototype", "then", "length"],
];

/** Every word of PostgreSQL that cannot be everything, names that are odd, and every word of the SQL that is given. */
export async function troublesomeNames(client: Client, statements: readonly string[]): Promise<string[]> {
  const { rows } = await client.table(sql`select word from pg_get_keywords() where catcode <> 'U' order by word`);
  const inside = statements
    .flatMap(tokenize)
    .flatMap(({ kind, text }) => (kind === "word" ? [text] : kind === "quoted" ? [text.slice(1, -1)] : []))
    .filter((name) => !name.includes('"') && Buffer.byteLength(name) < 64);
  return [...new Set([...rows.map(([word]) => word as string), ...odd, ...inside])];
}
