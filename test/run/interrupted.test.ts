import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { connect } from "../../src/postgres/client.ts";
import { sql } from "../../src/sql/sql.ts";
import { startCli } from "../support/cli.ts";
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

/** A web server that takes a question and never answers. */
async function silent() {
  const server = createServer(() => {});
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { asked: once(server, "request"), port: (server.address() as AddressInfo).port };
}

test("every other command hears Ctrl-C where it waits, ends with 130 and leaves no session behind", async () => {
  const { project, client, database, run, rows } = await ticking(0);
  expect((await run()).status).toBe("success");
  await tick(client);
  expect((await run()).status).toBe("success");
  const api = await silent();
  const source = (name: string, from: string, stream: string) =>
    `version: 1\nsource: ${name}\n${from}\nstreams:\n  - { name: rows, ${stream}, table: ${name}, recordSchema: rows.json }`;
  const { url } = database;
  project.write({
    "unit.sqlx": `config { type: "test", dataset: "total" }\ninput "kept" { select 1 as release from ${slow} }\nselect 1`,
    "ingest/rows.json": JSON.stringify({ type: "object", properties: { id: { type: "integer" } } }),
    "ingest/api.yaml": source("api", `rest: { baseUrl: "http://127.0.0.1:${api.port}" }`, "path: /rows"),
    "ingest/other.yaml": source("other", `sql: { url: "\${OTHER}" }`, `query: "select 1 as id from ${slow}"`),
  });
  const holder = await connect(database.settings, { applicationName: "psql" });
  onTestFinished(() => holder.close());
  await holder.script(sql`
    begin;
    lock table raw.tick, _dataform.release, _dataform.environment`);
  const commands = [
    ["query", `select ${slow}`],
    ["query", "--json", "select * from raw.tick"],
    ["export", `select ${slow}`, "-", "--to", "csv"],
    ["test"],
    ["plan"],
    ["diff", "1", "2"],
    ["releases"],
    ["env", "ls"],
    ["env", "hold"],
    ["env", "drop", "main", "--yes"],
    ["gc"],
    ["ingest", "api"],
    ["ingest", "other"],
  ];
  const going = commands.map((args) => startCli(project.dir, args, { DATABASE_URL: url, OTHER: url }));
  const atWork = `select count(*) from pg_stat_activity where datname = current_database() and state = 'active' and wait_event_type in ('Lock', 'Timeout')`;
  const early = Promise.race(going.map(({ end }) => end.then(({ stderr }) => Promise.reject(new Error(stderr)))));
  early.catch(() => {});
  await Promise.race([api.asked, early]);
  await expect.poll(() => rows(atWork), { timeout: 40_000, interval: 50 }).toEqual([String(commands.length - 1)]);
  for (const one of going) one.interrupt();
  const ended = await Promise.all(going.map(({ end }) => end));
  expect(ended.map(({ exitCode, stdout }, index) => [commands[index]!.join(" "), exitCode, stdout])).toEqual(
    commands.map((args) => [
      args.join(" "),
      130,
      args.includes("--json") ? expect.stringContaining("interrupted") : "",
    ]),
  );
  const ours =
    "select application_name from pg_stat_activity where datname = current_database() and application_name like 'dataform%'";
  await expect.poll(() => rows(ours), { timeout: 20_000, interval: 20 }).toEqual([]);
  await holder.query(sql`rollback`);
  expect(await rows("select source, status, details ->> 'error' from raw._load order by 1")).toEqual([
    "api|failed|interrupted",
    "other|failed|interrupted",
  ]);
});
