import { expect, test } from "vitest";
import { compile } from "../../src/compile/compile.ts";
import { run } from "../../src/run/run.ts";
import { script } from "../../src/sql/authored.ts";
import { sql } from "../../src/sql/sql.ts";
import { compareWithServer } from "../lineage/depended.ts";
import { generatedGround, generatedQuery } from "../lineage/generated.ts";
import { makeRawTables, root } from "../lineage/own-project.ts";
import { ownDatabase } from "../support/database.ts";
import { isWhole, seed } from "../support/proof.ts";
import { randomFrom } from "../support/reader.ts";

/** Queries: `npm run proof:lineage` makes 20,000, and PROOF_SEED repeats them. */
const QUERIES = Number(process.env.PROOF_ROUNDS ?? (isWhole ? 20_000 : 60));
/** Views that are there at once. */
const AT_ONCE = 500;
const timeout = isWhole ? 3_600_000 : 60_000;

test("of any query the columns that its tree names are those that the server says it depends on", {
  timeout,
}, async () => {
  const { client } = await ownDatabase();
  await client.script(script(generatedGround));
  const choose = randomFrom(seed);
  for (let made = 0; made < QUERIES; made += AT_ONCE) {
    await client.query(sql`begin`);
    const queries = Array.from({ length: Math.min(AT_ONCE, QUERIES - made) }, () => generatedQuery(choose));
    for (const [at, query] of queries.entries())
      await client.script(script(`create view ground.v_${made + at} as ${query}`));
    const { views, wrong } = await compareWithServer(client);
    expect(views).toBe(queries.length + 1);
    expect(wrong, `seed ${seed}`).toEqual([]);
    await client.query(sql`rollback`);
  }
});

test.runIf(isWhole)("so it is of every view of this repository's products", { timeout }, async () => {
  const { client, settings } = await ownDatabase();
  await makeRawTables(client);
  await run(await compile(root), settings, {});
  const { views, wrong } = await compareWithServer(client);
  expect(views).toBeGreaterThan(200);
  expect(wrong).toEqual([]);
});
