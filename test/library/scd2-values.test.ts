import { beforeAll, describe, expect, test } from "vitest";
import { history } from "../../src/library/scd2.ts";
import type { RunReport } from "../../src/model/report.ts";
import { historyFiles, landing, makeFeed, makeLedger, scd2Files } from "../support/history.ts";
import { sharedWarehouse, stepOf, type Warehouse, warehouse } from "../support/warehouse.ts";

// A value is compared as what it is, and kept as it is, or refused.

/** Of each type a value, the same one in another spelling, and another value. */
const spellings: readonly (readonly [type: string, one: string, same: string, other: string])[] = [
  ["text", "ann", "ann", "Ann"],
  ["varchar", "ann", "ann", "ann "],
  ["varchar(3)", "abc", "abc  ", "abd"],
  ["character varying(3)", "ab", "ab", "abc"],
  ["char(3)", "a", "a  ", "b"],
  ["char", "a", "a", "b"],
  ["bpchar", "a", "a ", "b"],
  ["name", "a", "a", "b"],
  ["citext", "Ann", "aNN", "Bob"],
  ["raw.nocase", "Ann", "ANN", "Bob"],
  ["smallint", "7", "+7", "8"],
  ["int", "7", "07", "8"],
  ["bigint", "1", "+1", "4294967296"],
  ["numeric", "1e2", "100.00", "100.01"],
  ["numeric(10, 2)", "1.5", "1.50", "1.51"],
  ["decimal(5)", "12", "12.0", "13"],
  ["real", "0.5", "5e-1", "0.25"],
  ["double precision", "0", "-0", "1e-300"],
  ["float8", "NaN", "nan", "infinity"],
  ["boolean", "t", "yes", "false"],
  ["money", "1", "1.00", "2"],
  ["oid", "7", "07", "8"],
  ["date", "2026-01-02", "20260102", "2026-01-03"],
  ["time", "10:00", "10:00:00.0", "10:01"],
  ["time(0)", "10:00:00", "10:00", "11:00"],
  ["timetz", "10:00+00", "10:00:00+00:00", "11:00+01"],
  ["timestamp", "2026-01-02 10:00", "2026-01-02T10:00:00.000", "2026-01-02 11:00"],
  ["timestamp(3)", "2026-01-02 10:00:00.123", "2026-01-02 10:00:00.1230", "2026-01-02 10:00:00.124"],
  ["timestamptz", "2026-01-02 10:00+00", "2026-01-02 12:00+02", "2026-01-02 10:01+00"],
  ["timestamp with time zone", "2026-01-02 10:00+00", "2026-01-02 05:00-05", "2026-01-02 10:00+01"],
  ["timestamp(0) with time zone", "2026-01-02 10:00+00", "2026-01-02 05:00-05", "infinity"],
  ["interval", "24 hours", "1 day", "25 hours"],
  ["interval day to second", "1 day", "24:00:00", "2 days"],
  [
    "uuid",
    "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11",
    "{a0eebc999c0b4ef8bb6d6bb9bd380a11}",
    "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a12",
  ],
  ["bytea", "\\x61", "a", "b"],
  ["inet", "10.0.0.1", "10.0.0.1/32", "10.0.0.2"],
  ["cidr", "10.0.0.0/8", "10/8", "11.0.0.0/8"],
  ["macaddr", "08:00:2b:01:02:03", "08002b-010203", "08:00:2b:01:02:04"],
  ["jsonb", '{"a": 1.0, "b": [1e2]}', '{"b":[100],"a":1.00}', '{"a": 1}'],
  ["json", '{"a":1}', '{"a":1}', '{"a": 1}'],
  ["json[]", '{"1","2"}', "{1,2}", "{1,3}"],
  ["xml", "<a/>", "<a/>", "<b/>"],
  ["point", "(1,2)", "1,2", "(1,3)"],
  ["box", "(2,2),(0,0)", "(0,0),(2,2)", "(4,1),(0,0)"],
  ["circle", "<(0,0),1>", "0,0,1", "<(1,0),1>"],
  ["path", "[(0,0),(1,1)]", "[0,0,1,1]", "[(0,0),(2,2)]"],
  ["bit(3)", "101", "101", "100"],
  ["varbit", "101", "101", "1010"],
  ["tsvector", "a b", "b a", "a c"],
  ["pg_lsn", "0/A", "0/0000000A", "0/B"],
  ["int4range", "[1,3]", "[1,4)", "[1,5)"],
  ["numrange", "[1.0,2]", "[1,2.00]", "[1,3]"],
  ["tstzrange", "[2026-01-02 10:00+00,)", "[2026-01-02 12:00+02,)", "[2026-01-02 12:00+00,)"],
  ["tstzmultirange", "{[2026-01-02 10:00+00,)}", "{[2026-01-02 12:00+02,)}", "{}"],
  ["int[]", "{1,2}", "{ 1, 2 }", "{2,1}"],
  ["numeric[]", "{1,2.0}", "{1.00,2}", "{1,3}"],
  ["varchar(3)[]", "{abc}", '{"abc"}', "{abd}"],
  ["timestamptz[]", "{2026-01-02 10:00+00}", "{2026-01-02 12:00+02}", "{2026-01-02 12:00+00}"],
  ["float8[]", "{0}", "{-0}", "{1}"],
  ["raw.mood", "ok", "ok", "sad"],
  ["raw.price", "1e1", "10.0", "11"],
  ["raw.code", "abc", "abc", "abd"],
  ["raw.pair", "(1,2.0)", "(1,2)", "(1,3)"],
  ["raw.doc", '{"a":1}', '{"a":1}', '{"a": 1}'],
  ["raw.area", "(2,2),(0,0)", "(0,0),(2,2)", "(4,1),(0,0)"],
  ["raw.inner_area", "(2,2),(0,0)", "(0,0),(2,2)", "(4,1),(0,0)"],
  ["raw.list", "{1,2}", "{ 1, 2 }", "{2,1}"],
  ['raw."My Type"', "a", "a", "b"],
];

const makeTypes = `create extension citext;
  create collation raw.nocase_collation (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
  create domain raw.nocase as text collate raw.nocase_collation;
  create type raw.mood as enum ('ok', 'sad'); create type raw."My Type" as enum ('a', 'b');
  create domain raw.price as numeric check (value > 0); create domain raw.code as varchar(3);
  create domain raw.doc as json; create domain raw.area as box; create domain raw.inner_area as raw.area;
  create domain raw.list as int[];
  create type raw.pair as (a int, b numeric);`;

const column = (index: number) => `v${index}`;
const attributes = spellings.map(([type], index) => [column(index), type] as const);

/** A history of all these types, whose feed has them as texts, or as what they are. */
async function typed(columnType: (type: string) => string): Promise<Warehouse> {
  const house = await warehouse({
    ...scd2Files,
    ...historyFiles("h", `key: "k", attributes: ${JSON.stringify(Object.fromEntries(attributes))}`),
  });
  await house.sql(`${makeLedger}; ${makeTypes}`);
  await house.sql(
    makeFeed("h", ["k int", ...attributes.map(([name, type]) => `${name} ${columnType(type)}`)].join(", ")),
  );
  return house;
}

/** A full batch with a row for each type, in which that one column has another spelling; and a row in which none has. */
function batch(day: number, spelling: 1 | 2 | 3): string {
  const records = [-1, ...spellings.keys()].map((changed) => ({
    k: changed,
    ...Object.fromEntries(spellings.map((values, index) => [column(index), values[index === changed ? spelling : 1]])),
  }));
  return landing("h", day, { kind: "full", asOf: day, loaded: day, records });
}

const changed = "select k from marts.h where ended_by is not null order by k";

test.each([
  ["as texts", () => "text"],
  ["as what they are", (type: string) => type],
])(
  "a value in another spelling is no version, another value is one, for every type that comes %s",
  async (_, columnType) => {
    const house = await typed(columnType);
    const run = async () => {
      const { steps } = await house.run();
      expect(steps.flatMap((step) => (step.status === "ok" ? [] : [JSON.stringify(step)]))).toEqual([]);
    };
    await house.sql(batch(1, 1));
    await run();
    await house.sql(batch(2, 2));
    await house.sql(`alter database ${house.database.settings.database} set timezone = 'Asia/Tokyo'`);
    await run();
    expect((await house.rows(changed)).map((key) => spellings[Number(key)]![0])).toEqual([]);
    await house.sql(batch(3, 3));
    await run();
    const others = (await house.rows(changed)).map((key) => spellings[Number(key)]![0]);
    expect(others).toEqual(spellings.map(([type]) => type));
    const incremental = await house.rows("select v.* from marts.h as v order by k, version_no");
    await house.run({ fullRefresh: true });
    expect(await house.rows("select v.* from marts.h as v order by k, version_no")).toEqual(incremental);
  },
);

/** Of each type a text that is no value of it, what is said of it, and what of PostgreSQL's words. */
const refused: readonly (readonly [type: string, value: string, message?: string, found?: string])[] = [
  ["varchar(3)", "abcdef", "column n: too long for varchar(3): abcdef", undefined],
  ["varchar(3)[]", "{ab,abcdef}", undefined, "value too long for type character varying(3)"],
  ["char(3)[]", "{ab,abcdef}", undefined, "value too long for type character(3)"],
  ["bit(3)", "10", undefined, "bit string length 2 does not match type bit(3)"],
  ["bigint", "2.7", undefined, 'invalid input syntax for type bigint: "2.7"'],
  ["smallint", "32768", undefined, 'value "32768" is out of range for type smallint'],
  ["numeric(3, 1)", "1000", undefined, "numeric field overflow"],
  ["double precision", "x", undefined, 'invalid input syntax for type double precision: "x"'],
  ["boolean", "perhaps", undefined, 'invalid input syntax for type boolean: "perhaps"'],
  ["uuid", "none", undefined, 'invalid input syntax for type uuid: "none"'],
  ["date", "soon", undefined, 'invalid input syntax for type date: "soon"'],
  ["timestamp(0) with time zone", "soon", undefined, 'invalid input syntax for type timestamp with time zone: "soon"'],
  ["interval day to second", "soon", undefined, 'invalid input syntax for type interval: "soon"'],
  ["inet", "10.0.0.256", undefined, 'invalid input syntax for type inet: "10.0.0.256"'],
  ["json", "{a}", undefined, "invalid input syntax for type json"],
  ["jsonb[]", "{{a}}", undefined, "invalid input syntax for type json"],
  ["int4range", "[3,1]", undefined, "range lower bound must be less than or equal to range upper bound"],
  ["point", "1", undefined, 'invalid input syntax for type point: "1"'],
  ["xml", "<a>"],
  ["regclass", "no.such"],
  ["raw.mood", "it's", undefined, 'invalid input value for enum raw.mood: "it\'s"'],
  ["raw.pair", "(1)", undefined, 'malformed record literal: "(1)"'],
  ["raw.code", "abcdef", undefined, "value too long for type character varying(3)"],
  ["raw.price", "-1", undefined, 'value for domain raw.price violates check constraint "price_check"'],
  ["raw.price[]", "{1,-1}", undefined, 'value for domain raw.price violates check constraint "price_check"'],
  ['raw."My Type"', "\\ 'b' \"c\""],
];

describe("a text that is no value of its type", () => {
  let house: Warehouse;
  const before: string[][] = [];
  let report: RunReport;
  const versions = (n: number) => house.rows(`select v.* from marts.h${n} as v`);

  beforeAll(async () => {
    const histories = refused.map(([type], n) =>
      historyFiles(`h${n}`, `key: "k", attributes: { o: ${JSON.stringify(type)}, n: ${JSON.stringify(type)} }`),
    );
    const { end, ...shared } = await sharedWarehouse(Object.assign({}, scd2Files, ...histories));
    house = shared;
    const feeds = refused.map((_, n) => makeFeed(`h${n}`, "k text, o text, n text"));
    await house.sql(`${makeLedger}; ${makeTypes} ${feeds.join(";")}`);
    await house.run();
    for (const [n, [, value]] of refused.entries()) {
      before.push(await versions(n));
      const records = [
        { k: "a", n: null },
        { k: "b", n: value },
      ];
      await house.sql(landing(`h${n}`, n + 1, { kind: "full", asOf: 1, loaded: 1, records }));
    }
    report = await house.run();
    return end;
  });

  test.each(refused.map(([type, value, message, found], n) => [type, value, n, message, found] as const))(
    "%s: %s is refused with the column's name, and the history stays what it was",
    async (type, value, n, message, found) => {
      const { error } = stepOf(report, `marts.h${n}_store`);
      expect(error?.message).toContain(message ?? `column n: not a value of ${type}: ${value}`);
      if (found !== undefined) expect(error?.found).toContain(found);
      expect(await versions(n)).toEqual(before[n]);
    },
  );
});

test("what pre_operations did is done once, where a value is refused, and a long value is shortened", async () => {
  const house = await warehouse({
    ...scd2Files,
    "definitions/feed.sqlx": 'config { type: "declaration", schema: "raw", name: "h_feed" }',
    "definitions/h.sqlx": `config { type: "table" }
      pre_operations { create temporary table noted as select 1; insert into raw.told default values }
      \${scd2.history({ feed: ref("raw", "h_feed"), kind: "log", key: "k", attributes: { n: "date" }, effectiveAt: "at" })}`,
  });
  await house.sql(`create schema raw; create table raw.told (n int generated always as identity);
    create table raw.h_feed (k text, n text, at timestamptz, _load_id bigint, _row_no bigint);
    insert into raw.h_feed values ('a', '2024-01-01', now(), 1, 1), ('b', repeat('x', 200), now(), 1, 2)`);
  const { error } = stepOf(await house.run(), "marts.h");
  expect(error).toMatchObject({
    message: `column n: not a value of date: ${"x".repeat(100)}…`,
    found: `invalid input syntax for type date: "${"x".repeat(200)}"`,
    hint: expect.stringContaining("correct it where it comes from"),
    location: { file: "definitions/h.sqlx" },
    code: "22007",
  });
  expect(await house.rows("select n from raw.told")).toEqual([]);
  await house.sql("update raw.h_feed set n = '2024-01-02' where k = 'b'");
  expect((await house.run()).status).toBe("success");
  expect(await house.rows("select count(*) from raw.told")).toEqual(["1"]);
});

test("what fails for another reason says that reason", async () => {
  const house = await warehouse({
    ...scd2Files,
    "definitions/feed.sqlx": 'config { type: "declaration", schema: "raw", name: "h_feed" }',
    "definitions/h.sqlx": `config { type: "table" }
      \${scd2.history({ feed: ref("raw", "h_feed"), kind: "log", key: "k", attributes: { n: "date" }, effectiveAt: "at::timestamptz" })}`,
  });
  await house.sql(`create schema raw; create table raw.h_feed (k text, n text, at text, _load_id bigint, _row_no bigint);
    insert into raw.h_feed values ('a', '2024-01-01', 'soon', 1, 1)`);
  const { error } = stepOf(await house.run(), "marts.h");
  expect(error?.message).toBe('invalid input syntax for type timestamp with time zone: "soon"');
});

test("a number in the column's own type is not rounded to a whole one, and decimals are rounded as an insert does", async () => {
  const house = await warehouse({
    ...scd2Files,
    ...historyFiles("h", 'key: "k", attributes: { a: "int", b: "numeric(5, 1)" }'),
  });
  await house.sql(`${makeLedger}; ${makeFeed("h", "k text, a numeric, b numeric")}`);
  await house.sql(landing("h", 1, { kind: "full", asOf: 1, loaded: 1, records: [{ k: "a", a: 2, b: 2.25 }] }));
  await house.run();
  expect(await house.rows("select a, b from marts.h")).toEqual(["2|2.3"]);
  await house.sql(landing("h", 2, { kind: "full", asOf: 2, loaded: 2, records: [{ k: "a", a: 2.7, b: 1 }] }));
  expect(stepOf(await house.run(), "marts.h_store").error?.message).toContain("column a: not a value of int: 2.7");
});

test("a text under a collation that ignores case is one version in another case, and keeps its first spelling", async () => {
  const house = await warehouse({ ...scd2Files, ...historyFiles("h", 'key: "k", attributes: { v: "text" }') });
  await house.sql(`${makeLedger}; ${makeTypes} ${makeFeed("h", "k text, v text collate raw.nocase_collation")}`);
  for (const [day, v] of [
    [1, "Ann"],
    [2, "ANN"],
    [3, "Bob"],
  ] as const) {
    await house.sql(landing("h", day, { kind: "full", asOf: day, loaded: day, records: [{ k: "a", v }] }));
    expect((await house.run()).status).toBe("success");
  }
  expect(await house.rows("select v, ended_by from marts.h order by version_no")).toEqual(["Ann|change", "Bob|∅"]);
});

test("keys that are equal in another spelling are one key", async () => {
  const house = await warehouse({ ...scd2Files, ...historyFiles("h", 'key: "k", attributes: { v: "text" }') });
  await house.sql(`${makeLedger}; ${makeFeed("h", "k numeric, v text")}`);
  for (const [day, k, v] of [
    [1, "1.0", "x"],
    [2, "1.00", "y"],
    [3, "1", "y"],
  ] as const) {
    await house.sql(landing("h", day, { kind: "full", asOf: day, loaded: day, records: [{ k, v }] }));
    expect((await house.run()).status).toBe("success");
  }
  expect(await house.rows("select v, ended_by from marts.h order by version_no")).toEqual(["x|change", "y|∅"]);
});

test("a store that earlier rules made is computed anew by itself, and loses nothing", async () => {
  const house = await warehouse({ ...scd2Files, ...historyFiles("h", 'key: "k", attributes: { v: "numeric" }') });
  await house.sql(`${makeLedger}; ${makeFeed("h", "k text, v numeric")}`);
  for (const [day, v] of [
    [1, "1e2"],
    [2, "100.00"],
    [3, "7"],
  ] as const)
    await house.sql(landing("h", day, { kind: "full", asOf: day, loaded: day, records: [{ k: "a", v }] }));
  expect((await house.run()).status).toBe("success");
  const history = "select v.* from marts.h as v order by version_no";
  const expected = await house.rows(history);
  const [store] = await house.rows(
    "select c.oid::regclass from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = '_dataform_release' where c.relkind = 'r' and c.relname ~ '^h_store_.*s$'",
  );
  // as it was: two versions of one value, other hashes, and the fingerprint of other rules
  await house.sql(`
    update ${store} set version_no = 3 where version_no = 2 and row_kind = 'version';
    update ${store} set valid_to = '2024-01-02Z' where version_no = 1 and row_kind = 'version';
    insert into ${store} (k, v, version_no, change_hash, valid_from, valid_to, is_current, ended_by, _load_id, _row_no, row_kind)
      values ('a', 100.00, 2, 'b', '2024-01-02Z', '2024-01-03Z', false, 'change', 2, 1, 'version');
    update ${store} set change_hash = md5(change_hash) where row_kind in ('version', 'load')`);
  expect(await house.rows(history)).toHaveLength(3);
  expect((await house.run()).status).toBe("success");
  expect(await house.rows(history)).toEqual(expected);
});

/** Of each type with floating point numbers two that differ behind the 15th digit, or the 6th. */
const closeBy: readonly (readonly [type: string, one: string, other: string])[] = [
  ["float8", "0.3", "0.30000000000000004"],
  ["double precision", "-1e300", "-1.0000000000000002e300"],
  ["float", "123456789012345.6", "123456789012345.61"],
  ["float(53)", "0.1", "0.10000000000000002"],
  ["real", "0.3", "0.30000004"],
  ["float4", "1234567", "1234567.1"],
  ["float(24)", "0.1", "0.10000001"],
  ["float8[]", "{0.3,NULL}", "{0.30000000000000004,NULL}"],
  ["real array", "{0.3}", "{0.30000004}"],
  ["raw.share", "0.3", "0.30000000000000004"],
  ["raw.shares", "{0.3}", "{0.30000000000000004}"],
  ["raw.place", "(1,0.3)", "(1,0.30000000000000004)"],
  ["raw.span", "[0,0.3]", "[0,0.30000000000000004]"],
  ["point", "(1,0.3)", "(1,0.30000000000000004)"],
];

test("a floating point number that differs in its last digit is a version, whatever digits the database writes", async () => {
  const named = closeBy.map(([type], index) => [column(index), type] as const);
  const house = await warehouse({
    ...scd2Files,
    ...historyFiles(
      "h",
      `key: "k", attributes: ${JSON.stringify(Object.fromEntries(named))}, batches: { kind: "partial" }`,
    ),
  });
  const digits = (count: number) =>
    house.sql(`alter database ${house.database.settings.database} set extra_float_digits = ${count}`);
  await digits(0);
  await house.sql(`${makeLedger}; create domain raw.share as float8; create domain raw.shares as float8[];
    create type raw.place as (a int, b float8); create type raw.span as range (subtype = float8)`);
  await house.sql(makeFeed("h", ["k int", ...named.map(([name, type]) => `${name} ${type}`)].join(", ")));
  const land = (day: number, changed: (index: number) => boolean) =>
    house.sql(
      landing("h", day, {
        kind: "partial",
        asOf: day,
        loaded: day,
        records: closeBy.map((_, k) => ({
          k,
          ...Object.fromEntries(
            closeBy.map(([, one, other], index) => [column(index), index === k && changed(k) ? other : one]),
          ),
        })),
      }),
    );
  await land(1, () => false);
  expect((await house.run()).status).toBe("success");
  await land(2, () => true);
  expect((await house.run()).status).toBe("success");
  const types = async () => (await house.rows(changed)).map((key) => closeBy[Number(key)]![0]);
  expect(await types()).toEqual(closeBy.map(([type]) => type));
  const history = "select v.* from marts.h as v order by k, version_no";
  await digits(1);
  const incremental = await house.rows(history);
  await land(3, () => true);
  expect((await house.run()).status).toBe("success");
  expect(await house.rows(history)).toEqual(incremental);
  await digits(0);
  expect((await house.run({ fullRefresh: true })).status).toBe("success");
  await digits(1);
  expect(await house.rows(history)).toEqual(incremental);
});

test("the hash of a floating point number is one in every session: 0 is -0, NaN is NaN, 0.3 is not 0.30000000000000004", async () => {
  const house = await warehouse({});
  const select = history({
    kind: "log",
    feed: "raw.f",
    key: "k",
    attributes: { a: "float8", b: "real" },
    effectiveAt: "at",
  });
  await house.sql(`create schema if not exists raw; create table raw.f as
    select k, a::float8, b::real, timestamptz '2024-01-01Z' as at, 1 as _load_id, k as _row_no
    from (values (1, '0', '0'), (2, '-0', '-0'), (3, 'NaN', 'NaN'), (4, '0.3', '0.3'), (5, '0.30000000000000004', '0.3'),
      (6, '0.3', '0.30000004'), (7, null, null)) as f (k, a, b);
    insert into raw.f values (8, -('NaN'::float8), -('NaN'::real), '2024-01-01Z', 1, 8)`);
  const hashes = async (digits: number) => {
    await house.sql(`set extra_float_digits = ${digits}`);
    return house.rows(`select change_hash from (${select}) as made order by k`);
  };
  const [zero, minusZero, nan, ...others] = await hashes(0);
  expect(minusZero).toBe(zero);
  expect(others.pop()).toBe(nan);
  expect(new Set([zero, nan, ...others]).size).toBe(6);
  expect(await hashes(3)).toEqual([zero, minusZero, nan, ...others, nan]);
});

test("a ledger of another loader tells the moment of a load as a text or as a time of any type", async () => {
  const moments = {
    text: "'2024-01-02'",
    zoned: "timestamptz '2024-01-02 01:00+01'",
    plain: "timestamp '2024-01-02'",
    day: "date '2024-01-02'",
  };
  const house = await warehouse({
    ...scd2Files,
    ...Object.fromEntries(
      Object.keys(moments).map((name) => [
        `${name}_history.sqlx`,
        `config { type: "table" }\n\${scd2.history({ feed: "raw.${name}", key: "k", attributes: { v: "text" }, batches: { ledger: "raw.${name}", table: "x" } })}`,
      ]),
    ),
  });
  await house.sql("create schema raw");
  for (const [name, moment] of Object.entries(moments))
    await house.sql(`create table raw.${name} as select 1 as load_id, 'x' as table_name, 'loaded' as status, 'full' as batch, ${moment} as as_of,
      timestamptz '2024-01-05Z' as finished_at, 1 as rows, 'a' as k, 'x' as v, 1 as _load_id, 1 as _row_no`);
  const { steps } = await house.run();
  expect(steps.flatMap(({ error }) => error ?? [])).toEqual([]);
  for (const name of Object.keys(moments))
    expect(await house.rows(`select valid_from at time zone 'UTC' from marts.${name}_history`)).toEqual([
      "2024-01-02 00:00:00",
    ]);
});
