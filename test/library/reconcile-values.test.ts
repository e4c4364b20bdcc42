import { afterAll, beforeAll, expect, test } from "vitest";
import type { Rule } from "../../src/library/reconcile.ts";
import { between } from "../../src/library/reconcile.ts";
import type { Client } from "../../src/postgres/client.ts";
import { script } from "../../src/sql/authored.ts";
import { sql } from "../../src/sql/sql.ts";
import { type Columns, cells, fill, openDatabase, reconciled } from "../support/comparing.ts";
import { warehouse } from "../support/warehouse.ts";

// A value is compared as what it is: equal as its type says, or refused with its column's name.

/** Two spellings of one value, and another value. */
const SPELLINGS: readonly (readonly [type: string, one: string, same: string, other: string])[] = [
  ["numeric", "1e2", "100.00", "100.01"],
  ["numeric", "NaN", "nan", "1"],
  [
    "numeric(40, 20)",
    "12345678901234567890.123456789",
    "12345678901234567890.1234567890",
    "12345678901234567890.12345678901",
  ],
  ["double precision", "0", "-0", "1"],
  ["double precision", "NaN", "nan", "Infinity"],
  ["double precision", "0.1", "1e-1", "0.10000000000000002"],
  ["real", "0.5", "5e-1", "0.25"],
  ["smallint", "7", "+7", "8"],
  ["bigint", "9007199254740993", "9007199254740993", "9007199254740992"],
  ["boolean", "t", "true", "false"],
  ["text", "a", "a", "a "],
  ["varchar(3)", "abc", "abc", "abd"],
  ["char(3)", "a", "a  ", "b"],
  ["text collate nocase", "Ann", "ANN", "Bob"],
  ["date", "2026-01-02", "20260102", "2026-01-03"],
  ["timestamptz", "2026-01-02 10:00+00", "2026-01-02 12:00+02", "2026-01-02 10:01+00"],
  ["timestamp", "2026-03-29 02:30", "2026-03-29T02:30:00.000", "2026-03-29 03:30"],
  ["time", "10:00", "10:00:00", "10:01"],
  ["timetz", "10:00+00", "10:00:00+00", "10:01+00"],
  ["interval", "24 hours", "1 day", "25 hours"],
  ["jsonb", '{"a": 1.0, "b": [1e2]}', '{"b":[100],"a":1.00}', '{"a": 1}'],
  ["numeric[]", "{1,2.0}", "{1.00,2}", "{1,3}"],
  ["int[][]", "{{1,2},{3,4}}", "{{1,2},{3,4}}", "{{1,2},{3,5}}"],
  [
    "uuid",
    "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11",
    "{a0eebc999c0b4ef8bb6d6bb9bd380a11}",
    "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a12",
  ],
  ["int4range", "[1,3]", "[1,4)", "[1,5)"],
  ["inet", "10.0.0.1", "10.0.0.1/32", "10.0.0.2"],
  ["bytea", "\\x61", "a", "b"],
  ["mood", "ok", "ok", "sad"],
  ["price", "1e1", "10.0", "11"],
  ["pair", "(1,a)", "(1,a)", "(2,a)"],
];
const made = `create type mood as enum ('ok', 'sad'); create domain price as numeric(9, 2); create type pair as (a int, b text);
  create type movement as (amount numeric, b text);
  create collation nocase (provider = icu, locale = 'und-u-ks-level2', deterministic = false); create type nickname as (id bigint, name text collate nocase);
  set timezone = 'Europe/Amsterdam'`;

const sides = { ours: "records", theirs: "statements" } as const;

let client: Client;
let close: () => Promise<void>;

beforeAll(async () => {
  ({ client, close } = await openDatabase());
  await client.script(script(made));
});

afterAll(() => close?.());

interface Side {
  readonly type: string;
  readonly values: readonly (string | null)[];
}

/** The status of each pair of values, compared by a rule: they have the keys 1, 2 and so on. */
async function compared(rule: Rule, ours: Side, theirs: Side): Promise<string[]> {
  for (const [table, { type, values }] of [
    [sides.ours, ours],
    [sides.theirs, theirs],
  ] as const)
    await fill(
      client,
      table,
      [
        ["k", "int"],
        ["value", type],
      ],
      values.map((value, index) => [String(index + 1), value]),
    );
  await reconciled(client, { ...sides, key: "k", columns: { value: rule } });
  return (await cells(client, "select status from made_rows order by k")).map(([status]) => status!);
}

test("a percentage is rounded down, so that only all of the pairs are 100", async () => {
  await compared({ kind: "exact" }, { type: "int", values: ["1", "2", "3"] }, { type: "int", values: ["1", "2", "4"] });
  expect(await cells(client, "select match_pct from made_columns")).toEqual([["66.6666"]]);
});

test.each(SPELLINGS)(
  "%s: %s is %s, and is not %s, as a compared column and as a key",
  async (type, one, same, other) => {
    const ours = { type, values: [one, one, one, null, null] };
    const theirs = { type, values: [same, other, null, one, null] };
    expect(await compared({ kind: "exact" }, ours, theirs)).toEqual([
      "matched",
      ...Array(3).fill("mismatched"),
      "matched",
    ]);
    const columns = [
      ["value", type],
      ["a", "text"],
    ] as const;
    await fill(client, sides.ours, columns, [
      [one, "x"],
      [other, "x"],
      [other, "y"],
      [null, "x"],
    ]);
    await fill(client, sides.theirs, columns, [
      [same, "x"],
      [other, "y"],
    ]);
    await reconciled(client, { ...sides, key: "value", columns: { a: { kind: "text" } } });
    expect(await cells(client, "select status, n_ours, n_theirs from made_rows order by status")).toEqual([
      ["duplicate", "2", "1"],
      ["matched", "1", "1"],
      ["no_key", "1", "0"],
    ]);
    expect(await cells(client, "select n_ours, n_theirs, n_equal from made_duplicates order by n_equal")).toEqual([
      ["1", "0", "0"],
      ["1", "1", "1"],
    ]);
  },
);

/** Values of a kind, some of them equal: of a number that has another sign or scale, of 64 bits whose halves fold to the same. */
const NUMERIC = ["0", "0.00", "-5", "5", "5.0", "-5.000", "500", "4294967301", "1e-20", "NaN", "Infinity", "-Infinity"];
const MOMENTS = ["2000-01-01", "2000-01-01 01:11:34.967297", "1999-12-31 23:59:59.999999", "infinity", "-infinity"];
const BIGINTS = ["0", "4294967297", "8589934594", "-1", "1", "-4294967298"];
const HASHED: readonly (readonly [kind: Rule["kind"], type: string, values: readonly string[]])[] = [
  ["number", "numeric", NUMERIC],
  ["number", "text", [...NUMERIC, " 5.00 ", "5e0"]],
  ["number", "bigint", BIGINTS],
  ["number", "double precision", ["0", "-0", "0.1", "-0.1", "1e300", "-1e300", "NaN", "Infinity", "-Infinity"]],
  ["text", "text", ["", " ", "a", "A", "-5", "5", "5.0"]],
  ["date", "date", ["2026-01-02", "2026-01-03", "0044-03-15 BC", "infinity", "-infinity"]],
  ["date", "text", ["2026-01-02", "20260102", "2026-01-03"]],
  ["timestamp", "timestamp", MOMENTS],
  [
    "timestamp",
    "timestamptz",
    [...MOMENTS.map((one) => (one.endsWith("infinity") ? one : `${one}Z`)), "2000-01-01 01:00+01"],
  ],
  ["exact", "numeric", NUMERIC],
  ["exact", "price", ["5", "-5", "5.0", "0"]],
  ["exact", "bigint", BIGINTS],
  ["exact", "timestamp", MOMENTS],
  ["exact", "timestamptz", [...MOMENTS, "2000-01-01 01:00+01"]],
  ["exact", "time", ["00:00", "01:11:34.967297", "24:00"]],
  ["exact", "boolean", ["true", "false"]],
  ["exact", "interval", ["1 day", "24 hours", "-1 day", "1 month", "30 days"]],
  ["exact", "double precision", ["0", "-0", "5", "-5", "NaN"]],
  ["exact", "text collate nocase", ["Ann", "ANN", "Bob"]],
  ["exact", "uuid", ["A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11", "{a0eebc999c0b4ef8bb6d6bb9bd380a11}"]],
  ["exact", "jsonb", ['{"a": 5}', '{"a": -5}', '{"a": 5.0}', '{"a": "5"}', '["-5"]', "[-5]", "[5]"]],
  ["exact", "numeric[]", ["{5}", "{-5}", "{5.0}", "{5,NULL}", "{}", "{Infinity}", "{-Infinity}"]],
  ["exact", "bigint[]", BIGINTS.map((one) => `{${one}}`)],
  ["exact", "numrange", ["[5,6]", "[-5,6]", "[5.0,6]", "[5,6)", "empty"]],
  ["exact", "movement", ["(5,a)", "(-5,a)", "(5.0,a)", "(5,b)", "(,)"]],
  ["exact", "nickname", ["(1,Ann)", "(1,ANN)", "(1,Bob)"]],
];

test.each(HASHED)(
  "two rows have one checksum where %s says that they are equal, and only there: %s",
  async (kind, type, values) => {
    const pairs = values.flatMap((one) => values.map((other) => [one, other] as const));
    const ours = { type, values: [...pairs.map(([one]) => one), null] };
    const statuses = await compared({ kind } as Rule, ours, {
      type,
      values: [...pairs.map(([, other]) => other), values[0]!],
    });
    const hashed = await cells(client, "select our_row_hash = their_row_hash from made_rows order by k");
    expect(hashed.map(([same]) => same)).toEqual(statuses.map((status) => (status === "matched" ? "t" : "f")));
    // equal to itself, and to a value that is written otherwise; but never all of them
    expect(new Set(statuses).size).toBe(2);
  },
);

test("a payment and its reversal under one reference are told apart, and each finds its own", async () => {
  const columns = [
    ["k", "text"],
    ["amount", "numeric"],
    ["ccy", "text"],
  ] as const;
  const both = [
    ["R", "5.00", "EUR"],
    ["R", "-5.00", "EUR"],
  ] as const;
  await fill(client, sides.ours, columns, both);
  await fill(client, sides.theirs, columns, [...both, ["R", "-5", "EUR"]]);
  const rules = [
    { amount: { kind: "money", currency: "ccy" }, ccy: { kind: "text" } },
    { amount: { kind: "exact" }, ccy: { kind: "text" } },
  ] as const;
  for (const compares of rules) {
    await reconciled(client, { ...sides, key: "k", columns: compares });
    expect(await cells(client, "select n_ours, n_theirs, n_equal from made_duplicates order by n_theirs")).toEqual([
      ["1", "1", "1"],
      ["1", "2", "1"],
    ]);
    expect(await cells(client, "select count(distinct row_hash) from made_duplicates")).toEqual([["2"]]);
  }
});

test.each([
  ["json", "operator does not exist: json = json"],
  ["bit(3)", "could not identify an extended hash function for type bit"],
])("%s has no equality, or no hash of it: an exact column of it is refused", async (type, message) => {
  const side = { type, values: [type === "json" ? "1" : "101"] };
  await expect(compared({ kind: "exact" }, side, side)).rejects.toThrow(message);
  expect(await compared({ kind: "text" }, side, side)).toEqual(["matched"]);
});

/** Types of both sides with values that are equal, or are not, as numbers, dates, moments or what they are. */
const EQUAL: readonly (readonly [kind: Rule["kind"], ours: Side, theirs: Side])[] = [
  ["number", { type: "int", values: ["1"] }, { type: "numeric", values: ["1.00"] }],
  ["number", { type: "text", values: ["1e2"] }, { type: "bigint", values: ["100"] }],
  ["number", { type: "double precision", values: ["0.1"] }, { type: "numeric", values: ["0.10"] }],
  ["number", { type: "real", values: ["0.1"] }, { type: "text", values: [" 0.1 "] }],
  ["number", { type: "double precision", values: ["-0"] }, { type: "numeric", values: ["0.00"] }],
  ["number", { type: "double precision", values: ["NaN"] }, { type: "numeric", values: ["NaN"] }],
  ["number", { type: "double precision", values: ["Infinity"] }, { type: "text", values: ["inf"] }],
  ["number", { type: "money", values: ["1234.50"] }, { type: "price", values: ["1234.5"] }],
  ["number", { type: "jsonb", values: ["1.50"] }, { type: "numeric", values: ["1.5"] }],
  ["date", { type: "timestamp", values: ["2026-01-02 00:00"] }, { type: "date", values: ["2026-01-02"] }],
  ["date", { type: "text", values: ["2026-01-02T00:00:00"] }, { type: "date", values: ["2026-01-02"] }],
  ["date", { type: "text", values: ["20260102"] }, { type: "varchar", values: ["2026-01-02"] }],
  ["date", { type: "date", values: ["infinity"] }, { type: "timestamp", values: ["infinity"] }],
  [
    "timestamp",
    { type: "text", values: ["2026-01-02T10:00:00Z"] },
    { type: "timestamptz", values: ["2026-01-02 11:00+01"] },
  ],
  ["timestamp", { type: "date", values: ["2026-01-02"] }, { type: "timestamp", values: ["2026-01-02 00:00"] }],
  ["exact", { type: "int", values: ["1"] }, { type: "numeric", values: ["1.00"] }],
  ["exact", { type: "smallint", values: ["1"] }, { type: "bigint", values: ["1"] }],
  ["exact", { type: "varchar(9)", values: ["a"] }, { type: "text", values: ["a"] }],
  ["exact", { type: "price", values: ["1.5"] }, { type: "numeric", values: ["1.50"] }],
  ["text", { type: "int", values: ["1"] }, { type: "text", values: ["1"] }],
  ["text", { type: "mood", values: ["ok"] }, { type: "varchar", values: ["ok"] }],
];

test.each(EQUAL)("%s: of %j and %j each is the other", async (kind, ours, theirs) => {
  const rule = { kind } as Rule;
  expect(await compared(rule, ours, theirs)).toEqual(["matched"]);
  expect(await compared(rule, theirs, ours)).toEqual(["matched"]);
});

const DIFFERENT: readonly (readonly [kind: Rule["kind"], ours: Side, theirs: Side])[] = [
  ["number", { type: "double precision", values: ["0.30000000000000004"] }, { type: "numeric", values: ["0.3"] }],
  [
    "number",
    { type: "double precision", values: ["0.30000000000000004"] },
    { type: "double precision", values: ["0.3"] },
  ],
  [
    "number",
    { type: "bigint", values: ["9007199254740993"] },
    { type: "double precision", values: ["9007199254740992"] },
  ],
  [
    "timestamp",
    { type: "timestamp", values: ["2026-03-29 02:30"] },
    { type: "timestamp", values: ["2026-03-29 03:30"] },
  ],
  ["exact", { type: "int", values: ["1"] }, { type: "numeric", values: ["1.01"] }],
  ["text", { type: "text", values: ["1.0"] }, { type: "numeric", values: ["1.00"] }],
];

test.each(DIFFERENT)("%s: %j is not %j", async (kind, ours, theirs) => {
  expect(await compared({ kind } as Rule, ours, theirs)).toEqual(["mismatched"]);
});

const REFUSED: readonly (readonly [kind: Rule["kind"], ours: Side, theirs: Side, message: string])[] = [
  [
    "date",
    { type: "timestamptz", values: ["2026-01-02 00:00+01"] },
    { type: "date", values: ["2026-01-02"] },
    "ours: column value has no day of its own, cast it where its time zone is known: timestamp with time zone",
  ],
  [
    "date",
    { type: "date", values: ["2026-01-02"] },
    { type: "timestamp", values: ["2026-01-02 10:00"] },
    "theirs: column value is no date: 2026-01-02 10:00:00",
  ],
  [
    "date",
    { type: "text", values: ["2026-01-02T10:00Z"] },
    { type: "date", values: ["2026-01-02"] },
    "ours: column value is no date: 2026-01-02T10:00Z",
  ],
  [
    "number",
    { type: "text", values: ["12,5"] },
    { type: "numeric", values: ["12.5"] },
    'invalid input syntax for type numeric: "12,5"',
  ],
  [
    "number",
    { type: "boolean", values: ["true"] },
    { type: "numeric", values: ["1"] },
    "cannot cast type boolean to numeric",
  ],
  [
    "timestamp",
    { type: "timestamp", values: ["2026-01-02 10:00"] },
    { type: "timestamptz", values: ["2026-01-02 10:00Z"] },
    "column value: one side has no time zone, cast it where it is known; ours and theirs are timestamp without time zone, timestamp with time zone",
  ],
  [
    "timestamp",
    { type: "text", values: ["2026-01-02 10:00"] },
    { type: "timestamp", values: ["2026-01-02 10:00"] },
    "column value: one side has no time zone",
  ],
  [
    "exact",
    { type: "bigint", values: ["9007199254740993"] },
    { type: "double precision", values: ["9007199254740992"] },
    "column value: both sides have to be of one type, ours is bigint",
  ],
  [
    "exact",
    { type: "timestamptz", values: ["2026-01-02Z"] },
    { type: "date", values: ["2026-01-02"] },
    "column value: both sides have to be of one type, theirs is date",
  ],
  [
    "exact",
    { type: "int", values: ["1"] },
    { type: "text", values: ["1"] },
    "CASE types text and integer cannot be matched",
  ],
];

test.each(["tstzrange", "tstzmultirange", "timestamptz[]", "stay", "stay[]", "validity"])(
  "%s has moments inside, and is refused with its side and column as a key, a value and a column of also",
  async (type) => {
    await client.script(sql`drop domain if exists validity cascade; drop type if exists stay cascade;
    create type stay as (room int, since timestamptz); create domain validity as tstzrange`);
    const columns = [
      ["k", "int"],
      ["n", "int"],
      ["value", type],
    ] as const;
    await fill(client, sides.ours, columns, []);
    await fill(client, sides.theirs, columns, []);
    const exact = { kind: "exact" } as const;
    for (const [options, side] of [
      [{ key: "value", columns: { n: exact } }, "ours"],
      [{ key: "k", columns: { value: exact } }, "ours"],
      [{ key: "k", columns: { n: exact }, also: { theirs: ["value"] } }, "theirs"],
    ] as const)
      await expect(reconciled(client, { ...sides, ...options })).rejects.toThrow(
        `${side}: column value has moments inside, which are written in the session's time zone`,
      );
  },
);

test.each(REFUSED)("%s: %j against %j is refused", async (kind, ours, theirs, message) => {
  await expect(compared({ kind } as Rule, ours, theirs)).rejects.toThrow(message);
});

test("a key of another type on the other side is the same key where its values are, also where it is there twice", async () => {
  const columns = (type: string) =>
    [
      ["k", type],
      ["a", "int"],
    ] as const;
  await fill(client, sides.ours, columns("int"), [
    ["1", "1"],
    ["2", "1"],
    ["3", "1"],
  ]);
  await fill(client, sides.theirs, columns("numeric"), [
    ["1.00", "1"],
    ["2", "1"],
    ["2.0", "2"],
    ["3", "2"],
  ]);
  await reconciled(client, { ...sides, key: "k", columns: { a: { kind: "exact" } } });
  expect(await cells(client, "select trim_scale(k), status, n_ours, n_theirs from made_rows order by k")).toEqual([
    ["1", "matched", "1", "1"],
    ["2", "duplicate", "1", "2"],
    ["3", "mismatched", "1", "1"],
  ]);
  expect(await cells(client, "select n_ours, n_theirs, n_equal from made_duplicates order by n_equal")).toEqual([
    ["0", "1", "0"],
    ["1", "1", "1"],
  ]);
  await fill(client, sides.theirs, columns("double precision"), [["1", "1"]]);
  await expect(reconciled(client, { ...sides, key: "k", columns: { a: { kind: "exact" } } })).rejects.toThrow(
    "column k: both sides have to be of one type, ours is integer",
  );
});

test("contents of a repeated key are told apart by their values, also where the server's hash of them is one", async () => {
  const columns = [
    ["k", "int"],
    ["a", "bigint"],
  ] as const;
  await fill(client, sides.ours, columns, [
    ["1", "1"],
    ["1", "4294967296"],
  ]);
  await fill(client, sides.theirs, columns, [["1", "1"]]);
  await reconciled(client, { ...sides, key: "k", columns: { a: { kind: "exact" } } });
  expect(await cells(client, "select n_ours, n_theirs, n_equal, ours from made_duplicates order by n_equal")).toEqual([
    ["1", "0", "0", '[{"a": 4294967296, "k": 1}]'],
    ["1", "1", "1", '[{"a": 1, "k": 1}]'],
  ]);
});

test("a time without a zone is shown as it is, whatever the clocks of the session do", async () => {
  await compared(
    { kind: "timestamp", tolerance: "1 hour" },
    { type: "timestamp", values: ["2026-03-29 01:30", "2026-03-29 01:30"] },
    { type: "timestamp", values: ["2026-03-29 02:30", "2026-03-29 03:30"] },
  );
  expect(await cells(client, "select status, ours ->> 'value', theirs ->> 'value' from made_rows order by k")).toEqual([
    ["matched_within_tolerance", "2026-03-29T01:30:00", "2026-03-29T02:30:00"],
    ["mismatched", "2026-03-29T01:30:00", "2026-03-29T03:30:00"],
  ]);
});

test.each([
  [{ kind: "number", absTol: 0.1 }, "0.1", "0.10000000000000001"],
  [{ kind: "number", absTol: 1e-7 }, "0.0000001", "0.00000011"],
  [{ kind: "number", absTol: "0.00000000000000000001" }, "0.00000000000000000001", "0.00000000000000000002"],
  [{ kind: "number", absTol: "12345678901234567890.5" }, "12345678901234567890.5", "12345678901234567890.6"],
  [{ kind: "number", relTol: 1 }, "-1", "0"],
  [{ kind: "date", days: 2 }, "2", "3"],
  [{ kind: "timestamp", tolerance: "PT2M" }, "120", "120.000001"],
] as const)("the tolerance of %j is exact, and counts in", async (rule, within, over) => {
  await client.script(
    script(
      `drop table if exists base; create table base as select 1 as k, v from (values (${within}), (${over})) as given (v)`,
    ),
  );
  const value = (side: string, difference: string) => {
    if (rule.kind === "date") return `date '2026-01-01' + ${difference}::int`;
    if (rule.kind === "timestamp") return `timestamptz '2026-01-01Z' + ${difference} * interval '1 second'`;
    return "relTol" in rule && side === "ours" ? "2 * v" : `${difference}::numeric`;
  };
  const select = (side: string, difference: string) => `(select v as k, ${value(side, difference)} as value from base)`;
  await reconciled(client, {
    ours: select("ours", "0 * v"),
    theirs: select("theirs", "v"),
    key: "k",
    columns: { value: rule },
  });
  const statuses = await cells(client, "select status from made_rows order by abs(k)");
  expect(statuses.map(([status]) => status)).toEqual(
    "relTol" in rule ? ["matched", "matched_within_tolerance"] : ["matched_within_tolerance", "mismatched"],
  );
});

test.each([
  [
    { kind: "number", absTol: 5, relTol: 0.5 },
    "numeric",
    ["1", "Infinity", "NaN", "5", "Infinity", "4"],
    ["Infinity", "1", "5", "NaN", "Infinity", "5"],
  ],
  [
    { kind: "number", relTol: 0.5 },
    "float8",
    ["1", "Infinity", "NaN", "5", "NaN", "4"],
    ["-Infinity", "-Infinity", "5", "NaN", "NaN", "5"],
  ],
  [
    { kind: "date", days: 3 },
    "date",
    ["2026-01-01", "infinity", "-infinity", "infinity", "infinity", "2026-01-01"],
    ["infinity", "2026-01-01", "infinity", "-infinity", "infinity", "2026-01-04"],
  ],
  [
    { kind: "timestamp", tolerance: "1 day" },
    "timestamptz",
    ["2026-01-01Z", "infinity", "-infinity", "infinity", "infinity", "2026-01-01Z"],
    ["infinity", "2026-01-01Z", "infinity", "-infinity", "infinity", "2026-01-02Z"],
  ],
] as const)(
  "by %j of %s nothing else is near to infinity, or to what is no number",
  async (rule, type, ours, theirs) => {
    expect(await compared(rule, { type, values: ours }, { type, values: theirs })).toEqual([
      ...Array(4).fill("mismatched"),
      "matched",
      "matched_within_tolerance",
    ]);
  },
);

test.each([
  [{ kind: "number", absTol: "1; drop" }, "absTol is a number that is not negative"],
  [{ kind: "number", absTol: 2 ** 60 }, "absTol is a text where it has more digits than a number of JavaScript"],
  [{ kind: "number", relTol: Number.NaN }, "relTol is a number that is not negative"],
  [{ kind: "date", days: 1.5 }, "days is a whole number"],
  [{ kind: "timestamp", tolerance: "-1 hour" }, "tolerance is an interval that is not negative"],
  [{ kind: "timestamp", tolerance: 5 }, "tolerance is an interval that is not negative"],
  [{ kind: "text", blocking: "no" }, "blocking is true or false"],
  [{ kind: "toString" }, "needs a kind, one of money, number, date, timestamp, text, exact"],
  [{ kind: "text", normalize: ["constructor"] }, 'unknown step "constructor"'],
] as const)("the rule %j is refused", (rule, message) => {
  expect(() => between({ ...sides, key: "k", columns: { a: rule as never } })).toThrow(message);
});

test("an interval that the server does not know ends the query, and is nothing else", async () => {
  const side = { type: "timestamptz", values: ["2026-01-01Z"] };
  await expect(compared({ kind: "timestamp", tolerance: "1 hour'; drop table base; --" }, side, side)).rejects.toThrow(
    'invalid input syntax for type interval: "1 hour\'; drop table base; --"',
  );
});

test("a proposal about moments has one id, and says the same, whatever the time zone of the session", async () => {
  await client.script(script("drop domain if exists instant; create domain instant as timestamptz"));
  const columns: Columns = [
    ["k", "timestamptz"],
    ["d", "instant"],
    ["n", "numeric"],
    ["exact", "timestamptz"],
    ["domain", "instant"],
    ["at", "timestamptz"],
    ["zoneless", "timestamp"],
    ["day", "date"],
    ["text", "text"],
    ["noted", "timestamptz"],
  ];
  const winter = ["2026-01-02 23:30:00.5+00", "2026-01-02 23:30+00", "1.50"];
  const summer = ["infinity", "0044-03-15 12:00+00 BC", "2"];
  const values = (at: string, n: string) => [at, at, at, "2026-03-29 02:30", `2026-01-0${n}`, n, at];
  await fill(client, sides.ours, columns, [
    [...winter, ...values("2026-07-01 22:30+00", "1")],
    [...summer, ...values("-infinity", "1")],
    ["2026-01-03 00:00+00", ...winter.slice(1), ...values("0044-03-15 12:00+00 BC", "1")],
  ]);
  await fill(client, sides.theirs, columns, [
    [...winter, ...values("2026-07-01 23:30+00", "2")],
    [...summer, ...values("infinity", "2")],
    ["2026-01-04 00:00+00", ...winter.slice(1), ...values("2026-01-01 00:00:00.123456+00", "1")],
  ]);
  const exact = { kind: "exact" } as const;
  const proposed = async (zone: string) => {
    await client.script(script(`set timezone = '${zone}'`));
    await reconciled(client, {
      ...sides,
      key: ["k", "d", "n"],
      columns: {
        exact,
        domain: exact,
        at: { kind: "timestamp" },
        zoneless: { kind: "timestamp" },
        day: { kind: "date" },
        text: { kind: "text" },
      },
      also: { ours: ["noted"], theirs: ["noted"] },
    });
    const said = "column_name, our_value, their_value, proposed_action";
    // of a whole row not what is only shown
    const compared = (value: string) =>
      `case when column_name is null then (${value}::jsonb - 'noted')::text else ${value} end`;
    return cells(
      client,
      `select proposal_id, ${said}, proposal_id = md5(jsonb_build_array(k, d, n, column_name, ${compared("our_value")}, ${compared("their_value")}, proposed_action)::text) from made_proposals order by proposal_id`,
    );
  };
  const inUtc = await proposed("UTC");
  expect(inUtc).toHaveLength(12);
  // what PostgreSQL writes of them in UTC, so that ids are what they were
  expect(inUtc.map((row) => row.at(-1))).toEqual(Array(12).fill("t"));
  const saidOf = (column: string) =>
    inUtc.filter(([, name]) => name === column).map(([, , ours, theirs]) => [ours, theirs]);
  for (const column of ["exact", "domain", "at"])
    expect(saidOf(column).sort()).toEqual([
      ["-infinity", "infinity"],
      ["2026-07-01T22:30:00+00:00", "2026-07-01T23:30:00+00:00"],
    ]);
  const row = inUtc.find(([, , , , action]) => action === "investigate");
  expect(JSON.parse(row![2]!)).toEqual({
    k: "2026-01-03T00:00:00+00:00",
    d: "2026-01-02T23:30:00+00:00",
    n: 1.5,
    exact: "0044-03-15T12:00:00+00:00 BC",
    domain: "0044-03-15T12:00:00+00:00 BC",
    at: "0044-03-15T12:00:00+00:00 BC",
    zoneless: "2026-03-29T02:30:00",
    day: "2026-01-01",
    text: "1",
    noted: "0044-03-15 12:00:00+00 BC",
  });
  for (const zone of ["Europe/Paris", "Asia/Kolkata", "America/St_Johns"])
    expect(await proposed(zone)).toEqual(inUtc.map((row) => [...row.slice(0, -1), "f"]));
});

test("a floating point number is compared to its last digit, whatever digits the database writes", async () => {
  const house = await warehouse({
    "includes/reconcile.js": 'module.exports = require("dataform-postgres/includes/reconcile");',
    "definitions/ours.js": 'declare({ schema: "raw", name: "ours" }); declare({ schema: "raw", name: "theirs" });',
    "definitions/r.js": `reconcile.publish("r", { ours: ["raw", "ours"], theirs: ["raw", "theirs"], key: "k",
      columns: { figure: { kind: "number" }, value: { kind: "exact" } } });`,
  });
  await house.sql(`alter database ${house.database.settings.database} set extra_float_digits = 0; create schema raw;
    create table raw.ours as select 1 as k, 0.3::float8 as figure, 0.3::float8 as value;
    create table raw.theirs as select 1 as k, 0.30000000000000004::float8 as figure, 0.30000000000000004::float8 as value`);
  expect((await house.run()).status).toBe("success");
  expect(await house.rows("select status, array_to_string(diff_columns, ',') from marts.r_rows")).toEqual([
    "mismatched|figure,value",
  ]);
  expect(await house.rows("select our_value, their_value from marts.r_proposals")).toEqual(
    Array(2).fill("0.3|0.30000000000000004"),
  );
});

test.each([
  ["number", "12,5", "numeric"],
  ["date", "soon", "date"],
  ["timestamp", "soon", "timestamptz"],
])("a %s of a text that is none is refused with its side and column", async (kind, value, type) => {
  const house = await warehouse({
    "includes/reconcile.js": 'module.exports = require("dataform-postgres/includes/reconcile");',
    "definitions/ours.js": 'declare({ schema: "raw", name: "ours" }); declare({ schema: "raw", name: "theirs" });',
    "definitions/r.js": `reconcile.publish("r", { ours: ["raw", "ours"], theirs: ["raw", "theirs"], key: "k",
      columns: { other: { kind: "${kind}" }, value: { kind: "${kind}" } } });`,
  });
  await house.sql(`create schema raw; create table raw.ours (k int, other text, value text);
    create table raw.theirs (like raw.ours); insert into raw.theirs values (1, null, '${value}')`);
  const { steps } = await house.run();
  const messages = steps.flatMap(({ error }) => (error ? [error.message] : []));
  expect(messages).toEqual([`theirs: column value: not a value of ${type}: ${value}`]);
});
