import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { type ConnectionSettings, connectionUrl } from "../../src/model/connection-settings.ts";
import { type Client, withClient } from "../../src/postgres/client.ts";
import { sqlState } from "../../src/postgres/sqlstate.ts";
import { script } from "../../src/sql/authored.ts";
import { cli } from "../support/cli.ts";
import { ownDatabase } from "../support/database.ts";
import { testProject } from "../support/project.ts";
import { isWhole } from "../support/proof.ts";
import { differencesAt, ordersOf, shopFiles } from "../support/shop.ts";

/** Odd settings of a database or of who connects. Each by itself in `npm run proof:settings`, all of them at once otherwise, and in a Turkish database. */
const SETTINGS: Readonly<Record<string, string>> = {
  default_transaction_isolation: "serializable",
  default_transaction_deferrable: "on",
  standard_conforming_strings: "off",
  escape_string_warning: "off",
  backslash_quote: "on",
  bytea_output: "escape",
  DateStyle: "German, DMY",
  IntervalStyle: "sql_standard",
  TimeZone: "Asia/Kathmandu",
  extra_float_digits: "-15",
  search_path: "pg_temp, nowhere",
  row_security: "off",
  lock_timeout: "1s",
  idle_in_transaction_session_timeout: "2s",
  idle_session_timeout: "2s",
  statement_timeout: "20s",
  transaction_timeout: "20s",
  default_toast_compression: "lz4",
  enable_seqscan: "off",
  enable_hashjoin: "off",
  enable_hashagg: "off",
  enable_sort: "off",
  enable_nestloop: "off",
  enable_mergejoin: "off",
  enable_indexscan: "off",
  enable_material: "off",
  geqo_threshold: "2",
  from_collapse_limit: "1",
  join_collapse_limit: "1",
  constraint_exclusion: "on",
  plan_cache_mode: "force_generic_plan",
  default_statistics_target: "1",
  work_mem: "64kB",
  maintenance_work_mem: "1MB",
  temp_buffers: "100",
  max_parallel_workers_per_gather: "8",
  parallel_setup_cost: "0",
  force_parallel_mode: "regress",
  debug_parallel_query: "regress",
  // Plans that have nothing left but what is disabled cost so much that each would be compiled: longer than all else takes.
  jit: "off",
  jit_above_cost: "0",
  // Every query is compiled. What is turned off above makes each so dear that it would be optimized, too, for 20 s in all.
  jit_inline_above_cost: "-1",
  jit_optimize_above_cost: "-1",
  client_min_messages: "debug5",
  log_statement: "none",
  track_activities: "off",
  track_counts: "off",
  track_functions: "all",
  session_replication_role: "replica",
  quote_all_identifiers: "on",
  array_nulls: "off",
  transform_null_equals: "on",
  xmlbinary: "hex",
  xmloption: "document",
  gin_fuzzy_search_limit: "10",
  password_encryption: "md5",
  synchronous_commit: "off",
  check_function_bodies: "off",
  lc_messages: "C",
  lc_monetary: "C",
  lc_numeric: "C",
  lc_time: "C",
  default_with_oids: "off",
  stats_fetch_consistency: "snapshot",
  compute_query_id: "on",
};

/** A value of many a type, made where no setting counts; and rows that go by a statement of the author. */
const files = {
  ...shopFiles,
  "definitions/kinds.sqlx": `config { type: "table" }
select id, at, at at time zone 'UTC' as there, amount::float8 / 3 as third, (amount::float8 / 7)::real as seventh, make_interval(days => n::int, hours => id::int) as lasts,
  decode(md5(id::text), 'hex') as bytes, array[n, null] as list, array['Zoë', null, 'a"b\\\\c'] as names, customer = 'c1' as is_first,
  jsonb_build_object('at', amount) as document, int8range(n, n + id) as reach, 'Zoë I i' as name, e'a\\\\b\\n' as text
from \${ref("raw", "shop_orders")}`,
  "definitions/young.sqlx": `config { type: "incremental", uniqueKey: ["id"] }
pre_operations { \${when(incremental(), \`delete from \${self()} where id % 3 = 0\`)} }
select distinct on (id) id, n from \${ref("raw", "shop_orders")} order by id, n desc`,
};

/** Moments, intervals and bytes are shown as the database says, as psql does. */
const SHOWN =
  "select id, third, seventh, list, names, is_first, document, reach, name, text from marts.kinds order by id, third";

/** All that a project leads to in a database: tables as the server sends them, and answers of the command line. */
async function outcome(settings: ConnectionSettings): Promise<Readonly<Record<string, unknown>>> {
  const { dir } = testProject(files);
  mkdirSync(join(dir, "data"));
  const env = { DATABASE_URL: connectionUrl(settings, { password: true }) };
  const succeeds = async (...args: readonly string[]) => {
    const { exitCode, stderr, stdout } = await cli(dir, args, env);
    expect(exitCode, `${args.join(" ")}\n${stderr}\n${stdout}`).toBe(0);
    return stdout;
  };
  for (const n of [1, 2]) {
    writeFileSync(
      join(dir, `data/${n}.ndjson`),
      ordersOf(n)
        .map((one) => `${JSON.stringify(one)}\n`)
        .join(""),
    );
    await succeeds("ingest");
    await succeeds("run");
  }
  await succeeds("run");
  await succeeds("rollback");
  await succeeds("test");
  await succeeds("run");
  await succeeds("plan");
  const answers = {
    query: await succeeds("query", SHOWN),
    json: await succeeds("query", SHOWN, "--json"),
  };
  return withClient(settings, { applicationName: "proof" }, async (client) => {
    // Those of this session count from here on.
    await client.script(
      script(
        "reset session authorization; set session_replication_role = origin; set search_path = public; set bytea_output = hex; set datestyle = iso; set intervalstyle = postgres; set timezone = utc; set extra_float_digits = 1",
      ),
    );
    for (const query of differencesAt(2)) expect((await client.query(script(query))).rows).toEqual([]);
    return { ...answers, ...(await tables(client)) };
  });
}

async function tables(client: Client): Promise<Readonly<Record<string, unknown>>> {
  const read: Record<string, unknown> = {};
  for (const name of ["kinds", "young", "orders", "prices", "by_customer", "by_file"]) {
    const { rows } = await client.table(script(`select * from marts.${name} t order by t::text collate "C"`));
    read[name] = rows;
  }
  return read;
}

const knows = (client: Client, name: string) =>
  client.query(script(`select from pg_settings where name ilike '${name}'`)).then(({ rows }) => rows.length > 0);

async function withSettings(chosen: readonly string[], settings?: ConnectionSettings) {
  const { client, ...own } = await ownDatabase();
  const { database } = settings ?? own.settings;
  for (const name of chosen) {
    if (!(await knows(client, name))) continue;
    const value = name === "search_path" ? SETTINGS[name] : `'${SETTINGS[name]}'`;
    const set = script(`alter database ${database} set ${name} = ${value}`);
    await client.query(set).catch((error) => {
      // Not every server was built with everything.
      if (sqlState(error) !== "22023") throw error;
    });
  }
  return outcome(settings ?? own.settings);
}

async function anotherDatabase(how: string): Promise<ConnectionSettings> {
  const { client, settings } = await ownDatabase();
  const database = `${settings.database}_2`;
  await client.query(script(`create database ${database} template template0 ${how}`));
  onTestFinished(() =>
    withClient(
      settings,
      {},
      async (other) => void (await other.query(script(`drop database ${database} with (force)`))),
    ),
  );
  return { ...settings, database };
}

let plain: Promise<Readonly<Record<string, unknown>>> | undefined;
const expected = () => (plain ??= withSettings([]));

const all = Object.keys(SETTINGS);

/** A database that sorts and folds as Turkish does, by ICU. */
const turkish = () => anotherDatabase("encoding 'UTF8' locale_provider icu icu_locale 'tr-TR' locale 'C.UTF-8'");

test.each(isWhole ? all.map((name) => [name, [name]] as const) : [])(
  "a project comes to the same bytes with odd settings: %s",
  async (_, names) => {
    expect(await withSettings(names)).toEqual(await expected());
  },
  240_000,
);

test.runIf(isWhole)(
  "a project comes to the same bytes in a database that sorts and folds as Turkish does",
  async () => {
    expect(await outcome(await turkish())).toEqual(await expected());
  },
  240_000,
);

test.skipIf(isWhole)(
  "a project comes to the same bytes with all odd settings at once, in a database that sorts and folds as Turkish does",
  async () => {
    expect(await withSettings(all, await turkish())).toEqual(await expected());
  },
  240_000,
);

test("a database that does not hold Unicode is refused before anything is made in it", async () => {
  const { dir } = testProject({ ...files, "data/1.ndjson": "" });
  for (const encoding of ["SQL_ASCII", "LATIN1"]) {
    const settings = await anotherDatabase(`encoding '${encoding}' locale_provider libc locale 'C'`);
    const env = { DATABASE_URL: connectionUrl(settings, { password: true }) };
    const { exitCode, stderr } = await cli(dir, ["run"], env);
    const told = expect.stringMatching(/does not hold Unicode text\n.*UTF8\n.*create database/s);
    expect([exitCode, stderr]).toEqual([2, told]);
    for (const args of [["ingest"], ["ingest", "--dry-run"]])
      expect(await cli(dir, args, env)).toMatchObject({ exitCode: 1, stderr: told });
    const query = "select count(*) as n from information_schema.schemata where schema_name in ('raw', '_dataform')";
    expect((await cli(dir, ["query", "--json", query], env)).stdout).toBe('[{"n":0}]');
    expect((await cli(dir, ["query", "select '日' as day"], env)).stderr).toMatch(
      encoding === "LATIN1" ? /has no equivalent in encoding "LATIN1"\n.*create database/s : /1 row/,
    );
  }
});

test("a database that lets nobody write is told at once", async () => {
  const { client, settings, url } = await ownDatabase();
  await client.query(script(`alter database ${settings.database} set default_transaction_read_only = on`));
  const { dir } = testProject(files);
  for (const command of ["run", "rollback"]) {
    const { exitCode, stderr } = await cli(dir, [command], { DATABASE_URL: url });
    expect([exitCode, stderr]).toEqual([2, expect.stringContaining("default_transaction_read_only")]);
  }
});
