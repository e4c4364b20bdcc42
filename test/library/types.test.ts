import { beforeAll, expect, test } from "vitest";
import { history } from "../../src/library/scd2.ts";
import { literal } from "../../src/sql/literals.ts";
import { historyFiles, landing, makeFeed, scd2Files } from "../support/history.ts";
import { landSlice, makeTextFeed } from "../support/slices.ts";
import { spelledTypes, TYPES } from "../support/types.ts";
import { sharedWarehouse, type Warehouse } from "../support/warehouse.ts";

// The list by which landing is judged, through histories, slices and reconciliations: a value is what a plain insert makes of it,
// it is another one where the server says so, and what an insert refuses is refused with the name of its column.

const column = (type: number) => `c${type}`;
const all = spelledTypes.map(([type], at) => ({ name: column(at), type }));
const days = ["2026-01-01", "2026-01-01"] as const;

/** A row for each value of the list, which stands in the column of its type; `next` is the value after it. */
interface Given {
  readonly k: number;
  readonly type: number;
  readonly value: string;
  readonly next: string;
}

let house: Awaited<ReturnType<typeof sharedWarehouse>>;
let given: readonly Given[];
let refused: readonly { readonly type: number; readonly value: string }[];
/** Columns of a type that a reconciliation cannot compare as what they are. */
let plainly: ReadonlySet<string>;

/** What PostgreSQL says of each value: whether a plain insert takes it. */
async function judged({ rows, sql }: Warehouse): Promise<readonly boolean[]> {
  await sql(`${TYPES}; create table raw.plain (k int, ${all.map(({ name, type }) => `${name} ${type}`).join(", ")});
    create table raw.after (like raw.plain); create table raw.took (n int, taken boolean);
    create function raw.take(n int, statement text) returns void language plpgsql as $$ begin
      execute statement; insert into raw.took values (n, true);
    exception when others then insert into raw.took values (n, false); end $$;
    create function raw.is_same(a anycompatible, b anycompatible) returns boolean language plpgsql as $$ begin
      -- Boxes are equal by their size there.
      return case when pg_typeof(a) = 'box'::regtype then a::text = b::text else a = b end;
    exception when undefined_function then return a::text = b::text; end $$;
    create function raw.hashes(a anyelement) returns boolean language plpgsql as $$ begin
      return hash_record_extended(row(a), 0) is not null and a = a;
    exception when undefined_function then return false; end $$`);
  const takes = spelledTypes.flatMap(([, values], type) =>
    values.map((value) => `insert into raw.plain (${column(type)}) values (${literal(value)})`),
  );
  await sql(takes.map((statement, n) => `select raw.take(${n}, ${literal(statement)})`).join(";\n"));
  await sql("delete from raw.plain");
  return (await rows("select taken from raw.took order by n")).map((taken) => taken === "t" || taken === "true");
}

beforeAll(async () => {
  const attributes = JSON.stringify(Object.fromEntries(all.map(({ name, type }) => [name, type])));
  house = await sharedWarehouse({
    ...scd2Files,
    ...historyFiles("h", `key: "k", attributes: ${attributes}`),
    "includes/slices.js": 'module.exports = require("dataform-postgres/includes/slices");',
    "includes/reconcile.js": 'module.exports = require("dataform-postgres/includes/reconcile");',
    "definitions/raw.js": '["s_feed", "plain", "after"].forEach((name) => declare({ schema: "raw", name }));',
    "definitions/s.js": `slices.publish("s", { from: ["raw", "s_feed"], loads: { tables: ["s_feed"] }, key: ["day", "k"], day: "day", values: ${attributes} });`,
  });
  const takes = await judged(house);
  const listed = spelledTypes.flatMap(([, values], type) => values.map((value) => ({ type, value })));
  refused = listed.filter((_, n) => !takes[n]);
  const kept = listed.filter((_, n) => takes[n]);
  given = kept.map((one, k) => {
    const same = kept.filter(({ type }) => type === one.type);
    return { ...one, k, next: same[(same.indexOf(one) + 1) % same.length]!.value };
  });
  const feed = ["day", "k", ...all.map(({ name }) => name)];
  await house.sql(`create table raw._load (load_id bigint primary key, source text, stream text, table_name text, status text,
      finished_at timestamptz, rows bigint, rejected bigint, batch text, as_of text, details jsonb);
    ${makeFeed("h", `k int, ${all.map(({ name }) => `${name} text`).join(", ")}`)}; ${makeTextFeed("s_feed", feed, { day: "date", k: "int" })}`);
  const insert = (table: string, value: (one: Given) => string) =>
    given
      .map((one) => `insert into raw.${table} (k, ${column(one.type)}) values (${one.k}, ${literal(value(one))})`)
      .join(";\n");
  await house.sql(`${insert("plain", ({ value }) => value)}; ${insert("after", ({ next }) => next)}`);
  const hashes = await house.rows(
    all
      .map(({ name }) => `select '${name}' where not exists (select from raw.plain where raw.hashes(${name}))`)
      .join(" union all "),
  );
  plainly = new Set(hashes);
  const rules = Object.fromEntries(all.map(({ name }) => [name, { kind: plainly.has(name) ? "text" : "exact" }]));
  const compare = (name: string, theirs: readonly [string, string]) =>
    `reconcile.publish("${name}", { ours: ["raw", "plain"], theirs: ${JSON.stringify(theirs)}, key: "k", columns: ${JSON.stringify(rules)} });`;
  house.project.write({
    "definitions/r.js": `${compare("kept", ["marts", "h"])} ${compare("next", ["raw", "after"])}`,
  });
  await land(1, ({ value }) => value);
  return house.end;
});

async function land(load: number, value: (one: Given) => string) {
  const records = given.map((one) => ({ k: one.k, [column(one.type)]: value(one) }));
  const cells = given.map((one) => [
    ["day", days[0]] as const,
    ["k", String(one.k)] as const,
    [column(one.type), value(one)] as const,
  ]);
  const h = landing("h", load * 2, { kind: "full", asOf: load, loaded: load, records }).replace(
    /insert into raw\._load values/,
    "insert into raw._load (load_id, table_name, status, finished_at, rows, rejected, batch, as_of, details) values",
  );
  const s = landSlice("s_feed", { id: load * 2 + 1, days, rows: cells }).replace(
    /insert into raw\._load values/,
    "insert into raw._load (load_id, source, stream, table_name, status, finished_at, rejected, batch, details) values",
  );
  await house.sql(`${h} ${s}`);
  const { steps } = await house.run();
  expect(steps.flatMap(({ error, status }) => (status === "ok" || status === "warned" ? [] : [error]))).toEqual([]);
}

/** Types of which a relation has another value than a plain insert stored, as it is written. */
const others = (relation: string) =>
  house.rows(
    all
      .map(
        ({ name, type }) =>
          `select ${literal(type)}, a.${name}::text, b.${name}::text from ${relation} as a join raw.plain as b using (k) where a.${name}::text is distinct from b.${name}::text`,
      )
      .join(" union all "),
  );

test("a value is in a history and in a report that is read again what a plain insert makes of it", async () => {
  for (const relation of ["marts.h", "marts.s"]) {
    expect(await others(relation)).toEqual([]);
    expect(await house.rows(`select count(*) from ${relation}`)).toEqual([String(given.length)]);
  }
});

test("a value is equal to another one in a reconciliation where the server says so", async () => {
  const different = (are: boolean) =>
    house.rows(
      all
        .map(({ name }) => {
          const same = plainly.has(name) ? `a.${name}::text = b.${name}::text` : `raw.is_same(a.${name}, b.${name})`;
          return `select k from raw.plain as a join raw.after as b using (k) where a.${name} is not null and (${same}) <> ${are}`;
        })
        .join(" union all ")
        .concat(" order by 1"),
    );
  expect(await house.rows("select status, count(*) from marts.kept_rows group by 1")).toEqual([
    `matched|${given.length}`,
  ]);
  expect(await house.rows("select k from marts.next_rows where status = 'mismatched' order by 1")).toEqual(
    await different(true),
  );
  expect(await house.rows("select k from marts.next_rows where status = 'matched' order by 1")).toEqual(
    await different(false),
  );
});

test("another value is a version and a restatement, the same one in another spelling is none", async () => {
  const changed = all
    .map(
      ({ name }) =>
        `select k from raw.plain as a join raw.after as b using (k) where a.${name} is not null and not raw.is_same(a.${name}, b.${name})`,
    )
    .join(" union all ");
  await land(2, ({ next }) => next);
  const expected = await house.rows(`${changed} order by 1`);
  expect(expected.length).toBeGreaterThan(60);
  expect(await house.rows("select k from marts.h where ended_by is not null order by k")).toEqual(expected);
  expect(await house.rows("select k from marts.s where ended_by is not null order by k::int")).toEqual(expected);
});

test("what a plain insert refuses, a history refuses", async () => {
  await house.sql(
    "create table raw.one (k int, v text, at timestamptz, _load_id bigint, _row_no bigint); insert into raw.one values (1, null, now(), 1, 1)",
  );
  const taken: unknown[] = [];
  expect(refused.length).toBeGreaterThan(60);
  for (const { type, value } of refused) {
    const select = history({
      kind: "log",
      feed: "raw.one",
      key: "k",
      attributes: { v: spelledTypes[type]![0] },
      effectiveAt: "at",
    });
    await house.sql(`update raw.one set v = ${literal(value)}`);
    const found = await house.rows(`select v::text from (${select}) as made`).catch(() => undefined);
    if (found) taken.push([spelledTypes[type]![0], value, found]);
  }
  expect(taken).toEqual([]);
});
