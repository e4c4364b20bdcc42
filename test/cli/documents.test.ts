import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { Ajv, type ErrorObject } from "ajv";
import { expect, test } from "vitest";
import type { Documents } from "../../src/cli/documents.ts";
import { cli } from "../support/cli.ts";
import { ownDatabase } from "../support/database.ts";
import { testProject } from "../support/project.ts";

// What `--json` prints is of the schemas in schemas/, and says nothing that they do not name.

const root = resolve(import.meta.dirname, "../..");
const validators = new Map<string, (document: unknown) => readonly ErrorObject[]>();

/** What a document has that its schema does not allow or does not know. */
function strangeIn(name: keyof Documents, text: string): readonly unknown[] {
  const known = validators.get(name) ?? validatorOf(name);
  validators.set(name, known);
  return known(JSON.parse(text)).map(({ instancePath, message, params }) => [instancePath, message, params]);
}

function validatorOf(name: keyof Documents) {
  const schema = JSON.parse(readFileSync(resolve(root, `schemas/${name}.json`), "utf8")) as object;
  const validate = new Ajv({ allErrors: true, allowUnionTypes: true }).compile(closed(schema) as object);
  return (document: unknown) => (validate(document) ? [] : validate.errors!);
}

/** The schema that allows no other properties than those it names. */
function closed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closed);
  if (typeof schema !== "object" || schema === null) return schema;
  const all = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, closed(value)]));
  const isObject = (schema as { type?: unknown }).type === "object" && "properties" in schema;
  return isObject && !("additionalProperties" in schema) ? { ...all, additionalProperties: false } : all;
}

const shop = {
  "raw.sqlx": 'config { type: "declaration", schema: "raw", name: "raw", description: "What lands" }',
  "orders.sqlx": `config {
  type: "incremental", uniqueKey: ["id"], tags: ["daily"], columns: { id: { description: "Its number", tags: ["pii"] } },
  assertions: { nonNull: ["amount"] },
  postgres: { indexes: [{ columns: ["amount"] }], grants: { select: ["pg_monitor"] } }
}
pre_operations { select 1 }
post_operations { analyze \${self()} }
select id, 9.50 as amount from generate_series(1, 3) as id \${when(incremental(), "where id > 2")}`,
  "totals.sqlx": 'config { type: "view" }\nselect sum(amount) as amount from ${ref("orders")}',
  "noted.sqlx": 'config { type: "operations", hasOutput: true }\ncreate table if not exists ${self()} (a int)',
  "few.sqlx": 'config { type: "assertion", postgres: { severity: "warn" } }\nselect * from ${ref("orders")}',
  "none.sqlx": 'config { type: "assertion" }\nselect * from ${ref("held")}',
  "held.sqlx": 'config { type: "table" }\nselect 1 as a',
  "wrong.sqlx": 'config { type: "table" }\nselect 1 / (select 0) as a',
  "after.sqlx": 'config { type: "table" }\nselect * from ${ref("wrong")}',
  "late.sqlx": 'config { type: "table" }\nselect * from ${ref("raw", "raw")}',
  "sums.sqlx": 'config { type: "test", dataset: "totals" }\ninput "orders" { select 2 as amount }\nselect 2 as amount',
  "bad.sqlx": 'config { type: "test", dataset: "totals" }\ninput "orders" { select 2 as amount }\nselect 3 as amount',
};

test("compile, plan, run, test and what ends without a report print documents of their schemas", async () => {
  const { dir, write } = testProject(shop);
  const { url } = await ownDatabase();
  const env = { DATABASE_URL: url };
  const printed = async (name: keyof Documents, args: readonly string[]) => {
    const { stdout } = await cli(dir, [...args, "--json"], env);
    expect([args, strangeIn(name, stdout)]).toEqual([args, []]);
    return JSON.parse(stdout);
  };
  await printed("compiled-graph", ["compile"]);
  await printed("plan", ["plan"]);
  const statuses = (await printed("run-report", ["run"])).steps.map(({ status }: { status: string }) => status);
  expect([...new Set(statuses)].sort()).toEqual(["failed", "held", "ok", "skipped", "warned"]);
  write({ "totals.sqlx": 'config { type: "view" }\nselect count(*) as n from ${ref("orders")}' });
  await printed("plan", ["run", "--dry-run"]);
  await printed("run-report", ["run", "--artifacts", "target", "--schema-suffix", "dev"]);
  await printed("unit-test-report", ["test", "--artifacts", "target"]);
  const kept = {
    manifest: "manifest",
    run_results: "run-report",
    unit_tests: "unit-test-report",
    catalog: "catalog",
  } as const;
  for (const [file, name] of Object.entries(kept))
    expect([file, strangeIn(name, readFileSync(resolve(dir, `target/${file}.json`), "utf8"))]).toEqual([file, []]);
  await printed("diagnosis", ["doctor"]);
  for (const name of ["orders", "held", "none", "wrong"]) await printed("described-relation", ["describe", name]);
  write({ "typo.sqlx": 'config { type: "tabel" }\nselect 1' });
  await printed("errors", ["compile"]);
  await printed("diagnosis", ["doctor"]);
  await printed("errors", ["run", "--actions"]);
});

test("this repository, with dashboards, endpoints and seeds, compiles and is planned by the same schemas", async () => {
  const { url } = await ownDatabase();
  const compiled = await cli(root, ["compile", "--json"]);
  expect(strangeIn("compiled-graph", compiled.stdout)).toEqual([]);
  const planned = await cli(root, ["plan", "--json"], { DATABASE_URL: url });
  expect(strangeIn("plan", planned.stdout)).toEqual([]);
});

test("a document of another version, or one that lacks what it always has, is not of its schema", () => {
  const report = { version: 1, tests: [] };
  expect(strangeIn("unit-test-report", JSON.stringify(report))).toEqual([]);
  expect(strangeIn("unit-test-report", JSON.stringify({ ...report, version: 2 }))).toHaveLength(1);
  expect(strangeIn("unit-test-report", JSON.stringify({ version: 1 }))).toHaveLength(1);
});
