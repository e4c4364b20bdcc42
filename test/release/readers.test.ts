import { expect, inject, test } from "vitest";
import { connect } from "../../src/postgres/client.ts";
import { rollback } from "../../src/release/rollback.ts";
import { script } from "../../src/sql/authored.ts";
import { sql } from "../../src/sql/sql.ts";
import { keepReading, modes, noReadings, randomFrom } from "../support/reader.ts";
import { litter, readRelease, tick, ticking } from "../support/ticking.ts";
import { contentAt, contentQuery, models } from "../support/ticking-project.ts";

const everyCase = inject("everyCase");
const READS = everyCase ? 5_000 : 1_000;
const RELEASES = everyCase ? 8 : 4;

test(`${READS} reads of every kind while releases follow each other: none missing, empty, mixed, or a deadlock's victim`, async () => {
  const { settings, client, runOn } = await ticking();
  const retention = { releases: 4, age: 0 };
  const all = modes.map(() => noReadings());
  let releases = 0;
  let failed = false;
  const more = () => !failed && (releases < RELEASES || all.reduce((sum, { reads }) => sum + reads, 0) < READS);
  const publishing = async () => {
    while (more()) {
      await tick(client);
      const { status, errors } = await runOn(settings, { retention, publishDeadline: 20_000 });
      // On a machine this busy readers may keep a release back for good; it waits, and the next one takes its place.
      if (status !== "success") expect(errors).toMatchObject([{ code: "DF002" }]);
      else if (++releases === RELEASES / 2) await rollback(settings);
    }
  };
  await Promise.all([
    publishing().catch((error) => {
      // The readers end too, instead of going on for ever.
      failed = true;
      throw error;
    }),
    ...modes.map((mode, n) => keepReading(settings, all[n]!, { mode, random: randomFrom(n + 1), more })),
  ]);
  for (const [n, { wrong, examples, seen }] of all.entries()) {
    expect({ wrong, examples }, modes[n]).toEqual({ wrong: {}, examples: [] });
    expect(seen.size, modes[n]).toBeGreaterThan(3);
  }
}, 180_000);

test("a snapshot from between the wait and the publish reads one release, whichever model it begins with", async () => {
  const { settings, client, runOn } = await ticking();
  const n = await tick(client);
  const readers = await Promise.all(models.map(() => connect(settings, { applicationName: "reader" })));
  await runOn(settings, {
    failpoint: async (point) => {
      // The last moment before the new release is there: they take a snapshot, and no lock on any model.
      if (point !== "deltas applied") return;
      for (const reader of readers) {
        await reader.query(sql`begin isolation level repeatable read`);
        await reader.query(sql`select from pg_class limit 1`);
      }
    },
  });
  const old = models.map((model) => [model, contentAt(model, n - 1)]).sort();
  const now = models.map((model) => [model, contentAt(model, n)]).sort();
  for (const [at, first] of models.entries()) {
    const reader = readers[at]!;
    const read = [];
    for (const model of [first, ...models.filter((model) => model !== first)]) {
      const { rows } = await reader.query<{ content: string }>(script(`select (${contentQuery(model)}) as content`));
      read.push([model, rows[0]?.content]);
    }
    await reader.query(sql`commit`);
    await reader.close();
    expect([old, now], `beginning with ${first}`).toContainEqual(read.sort());
  }
  expect(await readRelease(client)).toBe(n);
  await tick(client);
  expect((await runOn(settings)).status).toBe("success");
  expect(await litter(client)).toEqual([]);
});
