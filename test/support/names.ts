import type { Client } from "../../src/postgres/client.ts";
import { sql } from "../../src/sql/sql.ts";
import { tokenize } from "../../src/sql/tokens.ts";
import { isWhole } from "./proof.ts";

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

/** What is met first. */
const usual = ["select", "user", "order", "table", "end"];

/**
 * The words of PostgreSQL that cannot be everything: whole, all of them; else the usual and some of each class, for one
 * quoter writes all.
 */
export async function keywords(client: Client): Promise<string[]> {
  const { rows } = await client.table(sql`
    select word, row_number() over (partition by catcode, barelabel order by word) as place
    from pg_get_keywords()
    where catcode <> 'U'
    order by word`);
  const wanted = rows.filter(([word, place]) => isWhole || usual.includes(word!) || Number(place) % 8 === 1);
  return wanted.map(([word]) => word as string);
}

/** Words of PostgreSQL, names that are odd, and every word of the SQL that is given. */
export async function troublesomeNames(client: Client, statements: readonly string[]): Promise<string[]> {
  const words = await keywords(client);
  const inside = statements
    .flatMap(tokenize)
    .flatMap(({ kind, text }) => (kind === "word" ? [text] : kind === "quoted" ? [text.slice(1, -1)] : []))
    .filter((name) => !name.includes('"') && Buffer.byteLength(name) < 64);
  return [...new Set([...words, ...odd, ...inside])];
}
