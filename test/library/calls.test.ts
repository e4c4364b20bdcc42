import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { expect, test } from "vitest";
import * as arrivals from "../../src/library/arrivals.ts";
import * as camt from "../../src/library/camt.ts";
import * as counters from "../../src/library/counters.ts";
import * as live from "../../src/library/live.ts";
import * as monitoring from "../../src/library/monitoring.ts";
import * as partitions from "../../src/library/partitions.ts";
import * as ratios from "../../src/library/ratios.ts";
import * as reconcile from "../../src/library/reconcile.ts";
import * as scd2 from "../../src/library/scd2.ts";
import * as slices from "../../src/library/slices.ts";
import * as totals from "../../src/library/totals.ts";
import * as unions from "../../src/library/unions.ts";
import * as vars from "../../src/library/vars.ts";

// JavaScript calls these functions, and no compiler looks at what they are given.

type Call = (...given: readonly unknown[]) => unknown;

const modules = {
  arrivals,
  camt,
  counters,
  live,
  monitoring,
  partitions,
  ratios,
  reconcile,
  scd2,
  slices,
  totals,
  unions,
  vars,
};
/** `f("h")` that means something: what comes after it can be left out. */
const enough = ["arrivals.toReprocess", "ratios.rank", "vars.wholeNumber"];

const functions = Object.entries(modules).flatMap(([module, exported]) =>
  Object.entries(exported)
    .map(([name, value]) => [`${module}.${name}`, value as unknown as Call] as const)
    .filter(([, { length }]) => length > 0),
);

/** What gives a value, and no SQL around it: the tests of vars and ratios have them. */
const valuesOnly = [
  "monitoring.columns",
  "monitoring.declareRecord",
  "ratios.minimum",
  "vars.list",
  "vars.text",
  "vars.texts",
  "vars.wholeNumber",
];

test("each function that writes SQL has a golden, and each golden is of a function, and looked at", () => {
  const functionsOf = (module: string, exported: object) =>
    Object.keys(exported)
      .filter((name) => !valuesOnly.includes(`${module}.${name}`))
      .map((name) => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`));
  // It writes nothing itself: what it gives does.
  const { between, ...others } = reconcile;
  const both = between({ ours: "a", theirs: "b", key: "id", columns: { n: { kind: "exact" } } });
  const tests = readdirSync(import.meta.dirname).filter((file) => file.endsWith(".test.ts"));
  const written = tests.map((file) => readFileSync(join(import.meta.dirname, file), "utf8")).join("\n");
  for (const [module, exported] of Object.entries({ ...modules, reconcile: { ...others, ...both } })) {
    const folder = join(import.meta.dirname, module);
    const goldens = existsSync(folder) ? readdirSync(folder).map((file) => basename(file, ".sql")) : [];
    const names = functionsOf(module, exported);
    const isOf = (golden: string, name: string) => golden === name || golden.startsWith(`${name}-`);
    const without = names.filter((name) => !goldens.some((golden) => isOf(golden, name)));
    const ofNone = goldens.filter((golden) => !names.some((name) => isOf(golden, name)));
    const unread = goldens.filter(
      (golden) => ![`"${golden}"`, `/${golden}.sql"`].some((text) => written.includes(text)),
    );
    expect({ module, without, ofNone, unread }).toEqual({ module, without: [], ofNone: [], unread: [] });
  }
});

test.each(functions)("%s says what it expected, whatever it is given", (name, call) => {
  const first = [[], [undefined], [5], [null], [[]], [true]];
  const second = [["h"], ["h", 5], ["h", null], ["h", []]].filter(
    (given) => !(name === "arrivals.toReprocess" || (given.length === 1 && enough.includes(name))),
  );
  for (const given of [...first, ...second]) {
    let said = "no error";
    try {
      call(...given);
    } catch (error) {
      said = (error as Error).message;
    }
    const what = `${name}(${given.map((one) => JSON.stringify(one)).join(", ")}): ${said}`;
    expect(said.startsWith(`${name}: `), what).toBe(true);
    expect(said, what).not.toMatch(/destructure|is not a function|not iterable|Cannot|\[object/);
  }
});

const counted = { kind: "log", series: { s: "text" }, takenAt: { at: "date" }, counters: { n: "int" } };
const tracked = { from: "f", key: "k", attributes: { a: "text" } };
const reported = { from: "f", loads: { tables: ["t"] }, key: "day", day: "day", values: { n: "int" } };
const compared = { key: "id", columns: { a: { kind: "text" } } };

test.each<[name: string, given: readonly unknown[], message: string]>([
  ["unions.all", [{ columns: "a", from: [5] }], "unions.all: from is not a relation"],
  ["ratios.rank", ["a", { per: "b" }], 'ratios.rank: per: expected a list of expressions, found "b"'],
  ["camt.text", ["a"], "camt.text: expected the elements below TxDtls"],
  ["camt.text", ["a", null], "camt.text: expected the name of an element, found null"],
  ["scd2.publish", ["h"], "scd2.publish: h: expected options, { name: value, … }, found nothing"],
  ["scd2.publish", [5], "scd2.publish: expected the name of what it makes, found 5"],
  ["scd2.publish", ["h", { from: 5 }], "scd2.publish: h: needs from, the name of the feed: a name, [schema, name]"],
  ["scd2.publish", ["h", { from: "f", batches: 5 }], "scd2.publish: h: expected options of batches, "],
  [
    "scd2.publish",
    ["h", { from: "f", key: "k", attributes: { a: "text" }, since: 5 }],
    "scd2.publish: h: since: expected { name: … }, found 5",
  ],
  ["scd2.asOf", [["t"], "now()"], "scd2.asOf: table is not a relation"],
  ["scd2.asOf", [{ schema: 5, name: "t" }, "now()"], "scd2.asOf: table is not a relation"],
  ["slices.publish", ["r", { from: [5] }], "slices.publish: r: needs from, the name of the rows: a name"],
  ["slices.loads", [{ tables: "a" }], 'slices.loads: needs tables: [name, …], found "a"'],
  [
    "counters.publish",
    ["c", { ...counted, from: 5 }],
    "counters.publish: c: needs from, the relation of the readings: a name",
  ],
  ["counters.publish", ["c", { ...counted, from: "r", rollups: 5 }], "counters.publish: c: rollups: expected {"],
  ["counters.publish", ["c", { ...counted, from: "r", rollups: { d: 5 } }], "expected options of rollups: d, {"],
  ["counters.publish", ["c", { ...counted, from: "r", rowConditions: 5 }], "rowConditions: expected a list, found 5"],
  ["reconcile.publish", ["r", { ...compared, ours: 5, theirs: "b" }], "reconcile.publish: r: needs ours: a name"],
  [
    "totals.agree",
    ["a", { expected: 5, actual: "b", measures: ["n"] }],
    "totals.agree: a: needs expected, a relation or {",
  ],
  [
    "totals.agree",
    ["a", { expected: { from: 5 }, actual: "b", measures: ["n"] }],
    "totals.agree: a: expected: needs from",
  ],
  ["ratios.minimum", [{}, "a", "1"], "ratios.minimum: a: expected what it is unless set, a whole number from 1 on, fo"],
  ["vars.texts", ["a", { known: ["a"] }], "vars.texts: a: needs default, a text, found nothing"],
  ["scd2.publish", ["h", { from: ["a", "b", "c"] }], 'a name, [schema, name] or { schema, name }, found ["a","b","c"]'],
  ["scd2.publish", ["h", { from: { name: "a", database: "b" } }], "scd2.publish: h: needs from, the name of the feed"],
  ["scd2.publish", ["h", { ...tracked, tags: "x" }], 'scd2.publish: h: tags: expected a list of texts, found "x"'],
  ["scd2.publish", ["h", { ...tracked, schema: "" }], "scd2.publish: h: schema: expected the name of a schema"],
  ["scd2.publish", ["h", { ...tracked, description: 5 }], "scd2.publish: h: description: expected a text, found 5"],
  ["scd2.publish", ["h", { ...tracked, batches: null }], "scd2.publish: h: expected options of batches, "],
  [
    "scd2.publish",
    ["h", { ...tracked, batches: { ledger: ["a", "b", "c"] } }],
    "scd2.publish: h: batches: ledger is not a relation",
  ],
  [
    "scd2.publish",
    ["h", { ...tracked, loadOrder: ["a"] }],
    "loadOrder: expected two columns, the load's and the row's",
  ],
  ["scd2.publish", ["h", { ...tracked, by: null }], "scd2.publish: h: by: expected the name of a column, found null"],
  ["scd2.publish", ["h", { ...tracked, since: null }], "scd2.publish: h: since: expected { name: … }, found null"],
  ["scd2.asOf", [["a", "b", "c"], "now()"], "scd2.asOf: table is not a relation"],
  ["scd2.asOf", [{ schema: "a", name: "b", as: "c" }, "now()"], "scd2.asOf: table is not a relation"],
  ["slices.publish", ["r", { ...reported, loadOrder: ["a", "b", "c"] }], "r: loadOrder: expected two columns"],
  ["slices.publish", ["r", { ...reported, loadOrder: ["a", "a"] }], "r: loadOrder: a is named twice"],
  ["slices.publish", ["r", { ...reported, versions: ["v"] }], "r: versions: expected the name of a view, found"],
  [
    "slices.publish",
    ["r", { ...reported, loads: { tables: ["t"], ledger: ["a", "b", "c"] } }],
    "slices.publish: r: loads: ledger is not a relation",
  ],
  [
    "slices.publish",
    ["r", { ...reported, columns: { n: 5 } }],
    "r: columns: n: expected its description, a text, found 5",
  ],
  ["slices.publish", ["r", { ...reported, columns: [["n", "x"]] }], "r: columns: expected { name: description }"],
  ["counters.publish", ["c", { ...counted, from: "r", loads: ["a", "b", "c"] }], "counters.publish: c: needs loads"],
  ["counters.publish", ["c", { ...counted, from: "r", births: null }], "expected options of births"],
  ["counters.publish", ["c", { ...counted, from: "r", reportedAt: false }], "reportedAt: expected {"],
  ["counters.publish", ["c", { ...counted, from: "r", timeZone: 5 }], "timeZone: expected the name of a time zone"],
  ["counters.publish", ["c", { ...counted, from: "r", loadOrder: ["a"] }], "loadOrder: expected two columns"],
  [
    "counters.publish",
    ["c", { ...counted, from: "r", rollups: { d: { every: "day", by: "" } } }],
    'rollups: d: by: expected the name of a column, found ""',
  ],
  [
    "counters.publish",
    ["c", { ...counted, from: "r", rollups: { d: { every: "day", measures: "ab" } } }],
    'rollups: d: measures: expected { name: … }, found "ab"',
  ],
  ["counters.publish", ["c", { ...counted, from: "r", totals: { indexes: {} } }], "totals: indexes: expected a list"],
  [
    "counters.fromTotals",
    [
      {
        readings: "r",
        series: "s",
        takenAt: "t",
        day: "d",
        counters: { n: "int" },
        isBorn: "true",
        bornDay: "d",
        keep: 5,
      },
    ],
    "counters.fromTotals: keep: expected the name of a column, found 5",
  ],
  [
    "reconcile.between",
    [{ ...compared, ours: ["a", "b", "c"], theirs: "b" }],
    "reconcile.between: ours is not a relation",
  ],
  [
    "reconcile.between",
    [{ ...compared, ours: "a", theirs: "b", key: [["id", ["trim"], "x"]] }],
    'key: expected a column or [column, [steps]], found ["id",["trim"],"x"]',
  ],
  ["reconcile.between", [{ ...compared, ours: "a", theirs: "b", also: null }], "expected sides of also, {"],
  [
    "reconcile.between",
    [{ ...compared, ours: "a", theirs: "b", also: { ours: "x" } }],
    "also: ours is a list of columns",
  ],
  [
    "reconcile.publish",
    ["r", { ...compared, ours: "a", theirs: ["b", "c", "d"] }],
    "reconcile.publish: r: needs theirs",
  ],
  [
    "totals.agree",
    ["a", { expected: ["a", "b", "c"], actual: "b", measures: ["n"] }],
    "totals.agree: a: needs expected",
  ],
  [
    "totals.agree",
    ["a", { expected: { name: "a", where: "b" }, actual: "b", measures: ["n"] }],
    "totals.agree: a: needs expected, a relation or { from, … }",
  ],
  [
    "totals.agree",
    ["a", { expected: { from: "a", last: ["x", "y"] }, actual: "b", measures: ["n"] }],
    "expected: last: expected the name of a column",
  ],
  [
    "arrivals.toWorkIn",
    [{ self: "s", arrivedAt: "a", workedIn: "w" }],
    "arrivals.toWorkIn: needs incremental: true or",
  ],
  ["vars.texts", ["a", { default: "b", known: "abc" }], 'vars.texts: a: known: expected a list of texts, found "abc"'],
  ["vars.text", ["a", { default: "b", matches: "b" }], "vars.text: a: matches: expected a regular expression"],
  ["vars.wholeNumber", ["a", { default: "5" }], "vars.wholeNumber: a: default: expected a whole number from 1 on"],
])("%s refuses %j", (name, given, message) => {
  const call = new Map<string, Call>(functions).get(name)!;
  expect(() => call(...given)).toThrow(message);
});

test("what a reconciliation gives refuses other arguments, too", () => {
  const { corrections, corrected, rows } = reconcile.between({
    ours: "a",
    theirs: "b",
    key: "id",
    columns: { a: { kind: "text" } },
  });
  expect(() => corrections({ proposals: "p", decisions: "d", target: ["a", "b", "c"] as never })).toThrow(
    "corrections: needs target, a table: a name, [schema, name]",
  );
  for (const call of [corrections, corrected, rows] as unknown as Call[])
    for (const given of [undefined, null, 5, []])
      expect(() => call(given)).toThrow(/^reconcile\.between: (?!.*Cannot)/);
});
