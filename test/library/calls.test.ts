import { expect, test } from "vitest";
import * as arrivals from "../../src/library/arrivals.ts";
import * as camt from "../../src/library/camt.ts";
import * as counters from "../../src/library/counters.ts";
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

const modules = { arrivals, camt, counters, partitions, ratios, reconcile, scd2, slices, totals, unions, vars };
/** What modules of the library have of each other. */
const ours = ["totals.sums", "totals.differences"];
/** `f("h")` that means something: what comes after it can be left out. */
const enough = ["arrivals.toReprocess", "ratios.rank", "vars.wholeNumber"];

const functions = Object.entries(modules).flatMap(([module, exported]) =>
  Object.entries(exported)
    .map(([name, value]) => [`${module}.${name}`, value as unknown as Call] as const)
    .filter(([name]) => !ours.includes(name)),
);

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
  for (const call of [corrections, corrected, rows] as unknown as Call[])
    for (const given of [undefined, null, 5, []])
      expect(() => call(given)).toThrow(/^reconcile\.between: (?!.*Cannot)/);
});
