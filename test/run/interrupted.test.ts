import { expect, test } from "vitest";
import { sql } from "../../src/sql/sql.ts";
import { start } from "../support/program.ts";
import { readRelease, sessions, tick, ticking } from "../support/ticking.ts";

const slow = "pg_sleep(600)";

/** Where a run is held up by a statement of its own that takes ten minutes. */
const places: Readonly<Record<string, Record<string, string>>> = {
  "a build": { "slow.sqlx": `config { type: "table" }\nselect 1 as id from ${slow}` },
  "an audit": {
    "slow.sqlx": `config { type: "assertion" }\nselect total.release from \${ref("total")} total, ${slow}`,
  },
  "an operation": { "slow.sqlx": `config { type: "operations", dependencies: ["raw.tick"] }\nselect ${slow}` },
  "the publishing transaction": {
    "slow.sqlx": `config { type: "incremental" }\nselect 1 as id\npost_operations { \${when(incremental(), "select ${slow}")} }`,
  },
};

test.each(
  Object.entries(places).flatMap(([place, files]) =>
    (["SIGINT", "SIGTERM"] as const).map((signal) => [signal, place, files] as const),
  ),
)("%s during %s cancels it, publishes nothing and ends with exit code 130", async (signal, place, files) => {
  const { project, client, database, run, rows } = await ticking(0);
  if (place === "the publishing transaction") project.write(files);
  expect((await run()).status).toBe("success");
  project.write(files);
  await tick(client);
  const { child, end, said } = start(["run", "--project-dir", project.dir], database.url);
  const sleeping =
    "select count(*) from pg_stat_activity where wait_event = 'PgSleep' and datname = current_database()";
  await expect.poll(() => rows(sleeping), { timeout: 30_000, interval: 20 }).toEqual(["1"]);
  const before = await rows("select release_id from _dataform.environment");
  child.kill(signal);
  expect(await end).toBe(130);
  expect(said()).toContain(`${signal}: cancelling and rolling back`);
  await expect.poll(() => sessions(client), { timeout: 20_000, interval: 10 }).toEqual([]);
  expect(await rows("select status from _dataform.run order by started_at desc limit 1")).toEqual(["cancelled"]);
  expect(await rows("select release_id from _dataform.environment")).toEqual(before);
  expect(await readRelease(client)).toBe(5);
});

test("Ctrl-C while another run is waited for ends with exit code 130", async () => {
  const { project, client, database } = await ticking(0);
  await client.query(sql`select pg_advisory_lock(hashtextextended('dataform:main', 0))`);
  const { child, end } = start(["run", "--wait", "--project-dir", project.dir], database.url);
  child.stderr.on("data", (bytes) => void (String(bytes).includes("waiting:") && child.kill("SIGINT")));
  expect(await end).toBe(130);
});
