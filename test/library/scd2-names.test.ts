import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { RunReport } from "../../src/model/report.ts";
import { id } from "../../src/sql/identifiers.ts";
import { literal } from "../../src/sql/literals.ts";
import { historyFiles, landing, makeFeed, makeLedger, scd2Files } from "../support/history.ts";
import { troublesomeNames } from "../support/names.ts";
import { type Warehouse, warehouse } from "../support/warehouse.ts";

// Whatever a column is called, it is that column: words of SQL, every name in our own SQL, names that JavaScript has.

const goldens = join(import.meta.dirname, "scd2");
const written = readdirSync(goldens).map((file) => readFileSync(join(goldens, file), "utf8"));
const taken = ["version_no", "change_hash", "valid_from", "valid_to", "is_current", "ended_by", "valid_from_for_join"];
const loadOrder = ["_load_id", "_row_no"];

async function names(house: Warehouse): Promise<string[]> {
  const all = await troublesomeNames(house.client, written);
  return all.filter((name) => ![...taken, ...loadOrder].includes(name) && !name.startsWith("_dataform_"));
}

function makeTextFeed(name: string, columns: readonly string[]): string {
  return makeFeed(name, columns.map((column) => `${id(column)} text`).join(", "));
}

/** A record in which each column has a value of its own. */
function record(columns: readonly string[], told: string): Record<string, string> {
  return Object.fromEntries(columns.map((column, index) => [column, `${told} ${index}`]));
}

/** The versions of a history, the columns as JSON by their positions: names do not come back from the server. */
function values(relation: string, columns: readonly string[]): string {
  const shown = columns.map((column) => `v.${id(column)}`).join(" || ',' || ");
  return `select ${shown}, ended_by from ${relation} as v order by version_no`;
}

function expectedValues(columns: readonly string[], told: string, end: string): string {
  return `${columns.map((_, index) => `${told} ${index}`).join(",")}|${end}`;
}

function problems({ steps, errors }: RunReport): string[] {
  const failed = steps.filter(({ status }) => status !== "ok");
  return [...failed, ...errors].map((problem) => JSON.stringify(problem));
}

const full = (day: number, records: Record<string, string>[]) =>
  ({ kind: "full", asOf: day, loaded: day, records }) as const;

test("attributes of every name are those columns, in whatever is made and audited", async () => {
  const house = await warehouse(scd2Files);
  const columns = (await names(house)).filter((name) => name !== "__proto__");
  expect(columns.length).toBeGreaterThan(250);
  // __proto__ cannot be a key of an object that is written down
  const attributes = [...columns, "__proto__"];
  const options = `key: "id", attributes: ${JSON.stringify(attributes.filter((name) => name !== "id").map((name) => [name, "text"]))}`;
  house.project.write(historyFiles("h", options));
  const told = attributes.filter((name) => name !== "id");
  await house.sql(`${makeLedger}; ${makeTextFeed("h", ["id", ...told])}`);
  const land = async (load: number, word: string) => {
    const list = ["id", ...told].map((name) => id(name)).join();
    const row = [literal("k"), ...told.map((_, index) => literal(`${word} ${index}`))].join();
    await house.sql(`insert into raw.h_feed (${list}, _load_id, _row_no) values (${row}, ${load}, 1);
      insert into raw._load values (${load}, 'h_feed', 'loaded', timestamptz '2024-01-01Z' + ${load} * interval '1 day', 1, 0, 'full', null, null)`);
  };
  for (const [load, word] of [
    [1, "ann"],
    [2, "bob"],
    [3, "bob"],
  ] as const) {
    await land(load, word);
    expect(problems(await house.run())).toEqual([]);
  }
  const versions = [expectedValues(told, "ann", "change"), expectedValues(told, "bob", "∅")];
  expect(await house.rows(values("marts.h", told))).toEqual(versions);
  expect(problems(await house.run({ fullRefresh: true }))).toEqual([]);
  expect(await house.rows(values("marts.h", told))).toEqual(versions);
});

test("keys of every name are those columns, as fields of slices, too", async () => {
  const house = await warehouse(scd2Files);
  const all = (await names(house)).filter((name) => name !== "__proto__" && name !== "told" && !name.includes("("));
  // uniqueKey reads a name with a parenthesis as an expression, and refuses it by name
  // an index has up to 32 columns, one of them the number of the version
  const groups = Array.from({ length: Math.ceil(all.length / 30) }, (_, n) => all.slice(n * 30, n * 30 + 30));
  const call = (key: readonly string[]) =>
    `key: ${JSON.stringify(key)}, attributes: { told: "text" }, by: ${JSON.stringify(key.slice(0, 3))}`;
  await house.sql(makeLedger);
  for (const [n, key] of groups.entries()) {
    house.project.write(historyFiles(`h${n}`, call(key)));
    await house.sql(makeTextFeed(`h${n}`, [...key, "told"]));
  }
  for (const day of [1, 2, 3]) {
    for (const [n, key] of groups.entries())
      await house.sql(
        landing(`h${n}`, day * 1000 + n, {
          ...full(day, [{ ...record(key, "k"), told: day === 1 ? "ann" : "bob" }]),
          kind: day === 3 ? "slice" : "full",
        }),
      );
    expect(problems(await house.run())).toEqual([]);
  }
  for (const [n, key] of groups.entries())
    expect(await house.rows(values(`marts.h${n}`, [...key, "told"]))).toEqual([
      `${expectedValues(key, "k", "").slice(0, -1)},ann|change`,
      `${expectedValues(key, "k", "").slice(0, -1)},bob|∅`,
    ]);
});

test("a column called user is the column, not the user of the session", async () => {
  const house = await warehouse({
    ...scd2Files,
    "definitions/feed.sqlx": 'config { type: "declaration", schema: "raw", name: "logins" }',
    "definitions/logins.js":
      'scd2.publish("login_history", { from: ["raw", "logins"], key: "id", attributes: { user: "text" } });',
  });
  await house.sql(`${makeLedger}; create table raw.logins (id int, "user" text, _load_id bigint, _row_no bigint)`);
  for (const [load, user] of [
    [1, "ann"],
    [2, "bob"],
  ] as const) {
    await house.sql(`insert into raw.logins values (1, '${user}', ${load}, 1);
      insert into raw._load values (${load}, 'logins', 'loaded', timestamptz '2024-01-01Z' + ${load} * interval '1 day', 1, 0, 'full', null, null)`);
    expect(problems(await house.run())).toEqual([]);
  }
  expect(await house.rows('select v."user", v.is_current from marts.login_history as v order by version_no')).toEqual([
    "ann|f",
    "bob|t",
  ]);
});

test("a relation of the author is that one, though a step of ours is called the same", async () => {
  const house = await warehouse(scd2Files);
  const steps =
    "loads, fulls, guarded, judged, records, listings, standing, latest, winners, versions, ledger, feed".split(", ");
  for (const name of steps)
    house.project.write({
      [`${name}_history.sqlx`]: `config { type: "table" }
pre_operations { set local search_path = mine }
\${scd2.history({ feed: "${name}", key: "k", attributes: { v: "text" }, deleted: "k in (select gone.k from ${name} as gone where gone.v = 'gone')",
  batches: { ledger: "${name}", table: "x", maxShrink: 0.5 } })}`,
    });
  await house.sql("create schema mine");
  for (const name of steps)
    await house.sql(`create table mine."${name}" as select 1::bigint as load_id, 'x' as table_name, 'loaded' as status, 'full' as batch, '2024-01-01' as as_of,
      timestamptz '2024-01-01 01:00Z' as finished_at, 1::bigint as rows, 0 as rejected, 7 as ledger, 'a' as k, 'x' as v, 1::bigint as _load_id, 1::bigint as _row_no`);
  expect(problems(await house.run())).toEqual([]);
  for (const name of steps) expect(await house.rows(`select k, v from marts."${name}_history"`)).toEqual(["a|x"]);
});
