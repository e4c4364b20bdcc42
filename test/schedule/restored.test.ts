import { execFileSync } from "node:child_process";
import { utimesSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { connectionUrl } from "../../src/model/connection-settings.ts";
import type { RecordedDue } from "../../src/model/schedule.ts";
import { claimByHand } from "../../src/schedule/claim.ts";
import { readRecorded } from "../../src/schedule/read-record.ts";
import { beginDue, beginStep, claimStep } from "../../src/schedule/steps.ts";
import { script } from "../../src/sql/authored.ts";
import { until } from "../../src/wait/until.ts";
import { cli, succeeds } from "../support/cli.ts";
import { ownDatabase } from "../support/database.ts";
import { start } from "../support/program.ts";
import { warehouse } from "../support/warehouse.ts";

// docs/operate.md: a dump of the database, while a step goes on, restored into a fresh one, where everything goes on.

/** Of this machine's pg_dump, which takes servers up to its own version; 0 where there is none. */
const major = (() => {
  try {
    return Number(/\d+/.exec(execFileSync("pg_dump", ["--version"], { encoding: "utf8", stdio: "pipe" }))![0]);
  } catch {
    return 0;
  }
})();

const files = {
  "definitions/revenue.sqlx": 'config { type: "table" }\nselect sum(amount) as revenue from ${ref("orders")}',
  "ingest/shop.yaml": `version: 1
source: shop
files: { at: data }
streams:
  - { name: orders, files: "*.csv", format: csv, table: orders, recordSchema: { type: object, properties: { amount: { type: integer } } } }`,
  "data/1.csv": "amount\n5\n",
  "schedules.yaml": `schedules:
  night: { cron: "@yearly", catchUp: once, catchUpWithin: 366d, steps: [{ ingest: {} }, { run: { wait: true } }] }
  flight: { cron: "@yearly", steps: [{ freshness: {} }, { run: {} }] }
`,
};

test.skipIf(major === 0)(
  "in a restored database releases, ledger and schedule go on; a step that was on its way is told as lost, and not run again",
  async ({ skip }) => {
    const { project, database, client, rows, sql } = await warehouse(files);
    skip(
      Number((await rows("select current_setting('server_version_num')::int / 10000"))[0]) > major,
      "pg_dump is older",
    );
    const deliver = (name: string, text: string) => {
      project.write({ [`data/${name}`]: text });
      utimesSync(join(project.dir, "data", name), 0, 0);
    };
    const at =
      (url: string) =>
      (...words: string[]) =>
        succeeds(cli(project.dir, words, { DATABASE_URL: url }));
    const before = at(database.url);
    deliver("1.csv", "amount\n5\n");
    await before("ingest");
    await before("run");
    deliver("2.csv", "amount\n6\n");
    await before("ingest");
    await before("run");
    // Its lines are registered, and one of its dues goes on.
    for (const line of ["flight", "night"]) {
      await before("schedule", "pause", line);
      await before("schedule", "resume", line);
    }
    const [flight] = (await readRecorded(client, "main")).filter(({ name }) => name === "flight");
    const line = flight!.definition;
    const deciding = { environment: "main", by: "before", lines: new Map([[line.name, line]]) };
    const dueId = (await claimByHand(client, deciding, line))!;
    await beginDue(client, dueId, "before");
    const key = { dueId, step: 1, attempt: 1 };
    await claimStep(client, key, line.steps[0]!);
    expect(await beginStep(client, key)).toBe(true);
    // Due while nobody is there.
    await sql(
      "update _dataform.schedule set next_due = now() - interval '1 hour', start_at = now() - interval '1 hour', decided_until = now() - interval '1 day' where name = 'night'",
    );
    const recorded = `
      select
        (select jsonb_agg(to_jsonb(r) order by fence) from _dataform.run as r),
        (select jsonb_agg(to_jsonb(r) order by release_id) from _dataform.release as r),
        (select jsonb_agg(to_jsonb(l) order by load_id) from raw._load as l),
        (select jsonb_agg(to_jsonb(s) order by name) from _dataform.schedule as s),
        (select jsonb_agg(to_jsonb(d) order by due_id) from _dataform.schedule_due as d),
        (select jsonb_agg(to_jsonb(e)) from _dataform.environment as e)`;
    const saved = await rows(recorded);

    const file = join(project.dir, "shop.dump");
    execFileSync("pg_dump", ["--format=custom", "--file", file, connectionUrl(database.settings, { password: true })]);
    const restored = await ownDatabase();
    const url = connectionUrl(restored.settings, { password: true });
    execFileSync("pg_restore", ["--no-owner", "--dbname", url, file]);
    const read = async (text: string) =>
      (await restored.client.table(script(text))).rows.map((row) => row.map((one) => one ?? "∅").join("|"));
    expect(await read(recorded)).toEqual(saved);
    expect(await read("select revenue from marts.revenue")).toEqual(["11"]);

    deliver("3.csv", "amount\n7\n");
    const scheduler = start(["--project-dir", project.dir, "schedule", "--lost-after", "2s"], url);
    const ended = "select count(*) = 2 and bool_and(finished_at is not null) from _dataform.schedule_due";
    await until({
      look: async () => ((await read(ended))[0] === "t" || scheduler.child.exitCode !== null ? true : undefined),
      every: 100,
      deadline: 60_000,
      describe: () => "for both dues to end",
    });
    scheduler.child.kill("SIGTERM");
    expect(await scheduler.end, scheduler.said()).toBe(0);
    const after = at(url);
    const dues: readonly RecordedDue[] = JSON.parse((await after("schedule", "history", "--json")).stdout);
    expect(dues.map(({ schedule, cause, status, reason }) => [schedule, cause, status, reason])).toEqual([
      ["flight", "hand", "failure", "the process of step 1, freshness was lost"],
      ["night", "catch-up", "success", null],
    ]);
    expect(scheduler.said()).toContain("flight: the process of step 1, freshness, was lost");
    // What landed before is not landed again, and the release is the next one.
    expect(await read("select revenue from marts.revenue")).toEqual(["18"]);
    expect(await read("select count(*), count(distinct _load_id) from raw.orders")).toEqual(["3|3"]);
    expect(await read("select release_id, fence > 2 from _dataform.environment")).toEqual(["3|t"]);
    await after("rollback", "1");
    expect(await read("select revenue from marts.revenue")).toEqual(["5"]);
    // Nothing of it came to the one that was dumped.
    expect(await rows(recorded)).toEqual(saved);
  },
);
