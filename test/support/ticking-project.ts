import type { Client } from "../../src/postgres/client.ts";
import { script } from "../../src/sql/authored.ts";
import { sql } from "../../src/sql/sql.ts";

/**
 * A project whose every row is a function of one number, `raw.tick`: a table, an incremental model with a unique key,
 * views over both, an assertion and an operation. What it reads at any moment says which release that is, and
 * whether it is whole.
 */
export const tickingFiles: Readonly<Record<string, string>> = {
  "tick.sqlx": 'config { type: "declaration", schema: "raw", name: "tick" }',
  "fact.sqlx": `config { type: "table", postgres: { indexes: [{ columns: ["id"], unique: true }] } }
select id, n as release from \${ref("raw", "tick")}, generate_series(1, 20) id`,
  // Each release adds a key and writes the three before it anew. Nobody can know what a body does before it has run.
  "kept.sqlx": `config { type: "incremental", uniqueKey: ["id"] }
select id, least(id + 2, n) as release from \${ref("raw", "tick")}, generate_series(1, n) id
\${when(incremental(), "where id > n - 4")}
post_operations { do $$ begin perform count(*) from \${self()}; end $$ }`,
  "pair.sqlx": `config { type: "view" }
select kept.id, kept.release, fact.release as fact from \${ref("kept")} kept, \${ref("fact")} fact where fact.id = 1`,
  "total.sqlx": `config { type: "table" }
select count(*) as rows, sum(kept.release) as sum, max(kept.release) as release from \${ref("kept")} kept`,
  "whole.sqlx": `config { type: "assertion" }
select total.release, pair.fact from \${ref("total")} total join \${ref("pair")} pair on pair.fact <> total.release`,
  "log.sqlx": `config { type: "operations" }
insert into raw.log select release from \${ref("total")}`,
};

export const models = ["fact", "kept", "pair", "total"] as const;
export type Model = (typeof models)[number];

/** The first number; the incremental model writes fewer rows than it has from the next one on. */
const firstTick = 5;

export async function prepareTicking(client: Client): Promise<void> {
  await client.script(
    script(
      `create schema raw; create table raw.tick as select ${firstTick} as n; create table raw.log (release integer)`,
    ),
  );
}

export async function tick(client: Client): Promise<number> {
  const { rows } = await client.query<{ n: string }>(sql`update raw.tick set n = n + 1 returning n`);
  return Number(rows[0]!.n);
}

const contents: Readonly<Record<Model, string>> = {
  fact: "select count(*) || ':' || min(release) || ':' || max(release) from marts.fact",
  kept: "select count(*) || ':' || max(release) || ':' || sum(release) from marts.kept",
  pair: "select count(*) || ':' || max(release) || ':' || sum(release) || ':' || min(fact) || ':' || max(fact) from marts.pair",
  total: "select rows || ':' || release || ':' || sum from marts.total",
};

/** One model's content at one number, in the words of `contentQuery`. */
export function contentAt(model: Model, n: number): string {
  const sum = Array.from({ length: n }, (_, index) => Math.min(index + 3, n)).reduce((a, b) => a + b, 0);
  return {
    fact: `20:${n}:${n}`,
    kept: `${n}:${n}:${sum}`,
    pair: `${n}:${n}:${sum}:${n}:${n}`,
    total: `${n}:${n}:${sum}`,
  }[model];
}

export function contentQuery(model: Model, schema = "marts"): string {
  return contents[model].replace("marts.", `${schema}.`);
}

/** The one release that all models read as; throws when they do not. */
export async function readRelease(client: Client): Promise<number> {
  const query = models.map((model) => `(${contents[model]}) as ${model}`).join(", ");
  const { rows } = await client.query<Record<Model, string | null>>(script(`select ${query}`));
  const read = rows[0]!;
  const n = Number(read.fact?.split(":")[1]);
  const wrong = models.filter((model) => read[model] !== contentAt(model, n));
  if (wrong.length) throw new Error(`not one release: ${JSON.stringify(read)}`);
  return n;
}
