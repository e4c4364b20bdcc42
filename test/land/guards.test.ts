import { describe, expect, test } from "vitest";
import { noPast } from "../../src/land/ledger/past.ts";
import { refuseAllWrong, refuseHopeless, refuseShrunk, refuseTooFew } from "../../src/land/load/guards.ts";
import { mostFrequent, Tally } from "../../src/land/load/tally.ts";
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

test("equal reasons of several loads add up, and the ten most frequent are told", () => {
  const counts = Array.from({ length: 12 }, (_, n) => ({ reason: `r${n % 11}`, count: n }));
  const told = mostFrequent(counts);
  expect(told).toHaveLength(10);
  expect(told.slice(0, 2)).toEqual([
    { reason: "r0", count: 11 },
    { reason: "r10", count: 10 },
  ]);
});

test("the days of a load reach from the first one asked for to the last", () => {
  const days = new Tally();
  days.addDays({ start: "2026-01-01", end: "2026-01-03" });
  days.addDays({ start: "2026-01-04", end: "2026-01-06" });
  expect(days.days).toEqual({ start: "2026-01-01", end: "2026-01-06" });
});
