import { describe, expect, test } from "vitest";
import { noPast } from "../../src/land/ledger/past.ts";
import { ReasonCounts } from "../../src/land/ledger/reason-counts.ts";
import { refuseAllWrong, refuseHopeless, refuseShrunk, refuseTooFew } from "../../src/land/load/guards.ts";
import { Tally } from "../../src/land/load/tally.ts";
import type { LoadTarget } from "../../src/land/load/target.ts";
import { itemSchema, stream } from "../support/ingest-declaration.ts";

const target = (changes: Parameters<typeof stream>[0] = {}): LoadTarget => ({
  stream: stream(changes),
  key: { schema: "raw", source: "shop", stream: "items", table: "items", cursorField: null },
  table: { schema: "raw", name: "items", recordSchema: itemSchema },
});

function tally(counts: { records?: number; rows?: number; rejected?: number; skipped?: number }): Tally {
  const { records = 0, rows = 0, rejected = 0, skipped = 0 } = counts;
  const made = Object.assign(new Tally(), { records, rows, skipped });
  for (let n = 1; n <= rejected; n++) made.reject({ position: `record ${n}`, reason: "id: is missing" });
  return made;
}

describe("a load whose records are all wrong", () => {
  test.each([
    ["is refused", { records: 3, rejected: 3 }, false, true],
    ["is refused although others landed before", { records: 12, rejected: 10, skipped: 2 }, true, true],
    ["may be a few records of a stream that goes on", { records: 9, rejected: 9 }, true, false],
    ["is none with one row that is right", { records: 3, rejected: 2, rows: 1 }, false, false],
    ["is none without a record", {}, false, false],
    ["is none where all landed before", { records: 3, skipped: 3 }, false, false],
  ])("%s", (_, counts, goesOn, isRefused) => {
    const act = () => refuseAllWrong(target(), tally(counts), goesOn);
    if (!isRefused) return expect(act).not.toThrow();
    expect(act).toThrow(
      expect.objectContaining({
        message: `all ${tally(counts).admitted} records of shop.items were rejected`,
        found: "record 1: id: is missing",
      }),
    );
  });

  test("ends on its way when a hundred thousand were rejected and none landed", () => {
    const wrong = tally({ records: 100_001, rejected: 99_999 });
    expect(() => refuseHopeless(target(), wrong)).not.toThrow();
    wrong.reject({ position: "record 100000", reason: "id: is missing" });
    expect(() => refuseHopeless(target(), wrong)).toThrow("records of shop.items were rejected");
    expect(() => refuseHopeless(target(), Object.assign(wrong, { rows: 1 }))).not.toThrow();
  });
});

describe("a full batch", () => {
  const full = target({ batch: { kind: "full", maxShrink: 0.5 } });
  const pastWith = (rows: number | undefined) => ({ ...noPast, batchRows: async () => rows });

  test.each([
    ["may lose half of its rows", 8, 4, undefined],
    ["is refused when it lost more", 8, 3, "the full batch of shop.items has shrunk"],
    ["is refused when it is empty", 8, 0, "the full batch of shop.items is empty"],
    ["is refused when it is empty and the first", undefined, 0, "the full batch of shop.items is empty"],
    ["may be the first and small", undefined, 1, undefined],
  ])("%s", async (_, before, rows, message) => {
    const act = refuseShrunk(full, { rows }, pastWith(before));
    if (message === undefined) await expect(act).resolves.toBeUndefined();
    else await expect(act).rejects.toThrow(message);
  });

  test("of another kind may shrink as it likes", async () => {
    await expect(refuseShrunk(target(), { rows: 0 }, pastWith(8))).resolves.toBeUndefined();
  });
});

test("a stream without files has no fewest rows", () => {
  expect(() => refuseTooFew(target(), { rows: 0 }, "a.csv")).not.toThrow();
});

const told = (reasons: readonly string[]) => {
  const counts = new ReasonCounts();
  for (const reason of reasons) counts.add(reason);
  return counts.told();
};
const many = (reason: (n: number) => string, count = 5_000) => Array.from({ length: count }, (_, n) => reason(n));
/** Words without digits, each another. */
const word = (n: number) => [...String(n)].map((digit) => "abcdefghij"[Number(digit)]).join("");

test("equal reasons of several loads add up; the ten most frequent are told, and how many are not", () => {
  const [one, other] = [new ReasonCounts(), new ReasonCounts()];
  for (let n = 0; n < 12; n++) (n % 2 ? one : other).add(`${word(n % 11)}: is missing`, n + 1);
  one.addAll(other);
  const { reasons, more, moreRejects } = one.told();
  expect([reasons.length, more, moreRejects]).toEqual([10, 1, 2]);
  expect(reasons.slice(0, 2)).toEqual([
    { reason: "a: is missing", count: 13 },
    { reason: "ba: is missing", count: 11 },
  ]);
});

test.each([
  ["values", many((n) => `id: user "${word(n)}" of ${n} is unknown`), 'id: user "…" of … is unknown'],
  [
    "values that hold what parts reasons",
    many((n) => `id: no integer: "a; b${word(n)}: c" at all; n: is "${word(n)}"`),
    'id: no integer: "…" at all; n: is "…"',
  ],
  ["values that hold a quote", many((n) => `id: user "a" b${word(n)}; c: d" is unknown`), 'id: user "…" is unknown'],
  ["values that hold two", many((n) => `id: user "a"b${word(n)}"c" is unknown`), 'id: user "…" is unknown'],
  ["values in other quotes", many((n) => `id: non valide : « a; b${word(n)}: c »`), "id: non valide : «…»"],
  ["places in a list", many((n) => `lines.${n}.qty: must be integer`), "lines.….qty: must be integer"],
  ["keys", many((n) => `prices.${word(n)}: must be number`), "prices.…: must be number"],
  ["fields", many((n) => `${word(n)}: the schema does not know this field`), "…: the schema does not know this field"],
  ["words", many((n) => `id: ${word(n)} has left us`), "id: …"],
])("reasons that differ by %s only are one", (_, reasons, one) => {
  const { reasons: all, more } = told([...reasons, "a.b: is missing"]);
  const counts = new Map(all.map(({ reason, count }) => [reason, count]));
  expect(counts.get(one)).toBeGreaterThan(4_900);
  expect(all.reduce((sum, { count }) => sum + count, 0)).toBe(5_001);
  expect(more).toBe(0);
});

test("a few reasons that differ by a value stay as they are", () => {
  const few = many((n) => `n: must be >= ${n}`, 9);
  expect(new Set(told(few).reasons.map(({ reason }) => reason))).toEqual(new Set(few));
});

test("the days of a load reach from the first one asked for to the last", () => {
  const days = new Tally();
  days.addDays({ start: "2026-01-01", end: "2026-01-03" });
  days.addDays({ start: "2026-01-04", end: "2026-01-06" });
  expect(days.days).toEqual({ start: "2026-01-01", end: "2026-01-06" });
});
