import { describe, expect, test } from "vitest";
import { follow, stay } from "../../src/land/load/follower.ts";
import type { LoadCursor } from "../../src/model/load-report.ts";
import { JsonRecord, parseJson } from "../../src/sources/json/document.ts";
import { stream } from "../support/ingest-declaration.ts";

const cursorAt = (value: string): LoadCursor => ({ value, seen: [], unplaced: [] });
const day = (n: number) => `2026-01-${String(n).padStart(2, "0")}`;
const time = (n: number) => `${day(n)}T00:00:00Z`;
const record = (n: number) => {
  const document = parseJson(JSON.stringify({ id: `item-${n}`, updated_at: time(n) }));
  return new JsonRecord(document, document.value, document.source);
};
const byTime = stream({ cursor: { field: "updated_at", param: "since" } });
const byDay = stream({
  cursor: undefined,
  batch: { kind: "slice", maxShrink: 0.5 },
  window: { start: day(1), days: 10, lookbackDays: 0 },
});

/** Where the next load begins after these records, and which of them were new. */
function following(days: readonly number[], before: LoadCursor | null, since?: string) {
  const follower = follow(byTime, before, since);
  const taken = days.filter((n) => follower.admit!(record(n), record(n).text()));
  return { taken, next: follower.end({ admitted: taken.length, days: undefined })?.value ?? null };
}

describe("a load with a cursor", () => {
  test.each<[string, number[], LoadCursor | null, string | undefined, number[], string | null]>([
    ["takes all where nothing landed before", [1, 2], null, undefined, [1, 2], time(2)],
    ["takes what is not before the cursor", [1, 2, 3], cursorAt(time(2)), undefined, [2, 3], time(3)],
    ["takes each record once", [3, 3], null, undefined, [3], time(3)],
    ["stays where it was without a new record", [1], cursorAt(time(2)), undefined, [], time(2)],
    ["begins where it is told to", [1, 2, 3], null, time(2), [2, 3], time(3)],
    ["does not move back when it is told to begin earlier", [2, 3], cursorAt(time(5)), time(2), [2, 3], time(5)],
    ["does not take what it was told for a place reached", [], cursorAt(time(2)), time(9), [], time(2)],
  ])("%s", (_, days, before, since, taken, next) => {
    expect(following(days, before, since)).toEqual({ taken, next });
  });

  test("is refused a --since that is no value of the cursor", () => {
    expect(() => follow(byTime, null, "yesterday")).toThrow("--since yesterday is no value of the cursor field");
  });
});

describe("a load of days", () => {
  const days = { start: day(3), end: day(5) };

  test("sends the next one to the last day asked for, also where no record came", () => {
    expect(follow(byDay, cursorAt(day(3)), undefined).end({ admitted: 0, days })).toEqual(cursorAt(day(5)));
  });

  test("that asked for none leaves the cursor, also where it was told to begin elsewhere", () => {
    const follower = follow(byDay, cursorAt(day(3)), day(1));
    expect(follower.start).toEqual(cursorAt(day(1)));
    expect(follower.end({ admitted: 0, days: undefined })).toEqual(cursorAt(day(3)));
  });
});

test("a load without a cursor takes every record, and leaves none", () => {
  const follower = follow(stream({ cursor: undefined }), null, undefined);
  expect([follower.admit, follower.start, follower.end({ admitted: 3, days: undefined })]).toEqual([
    undefined,
    null,
    null,
  ]);
});

test("a load of rejects leaves the cursor where it is", () => {
  expect(stay(cursorAt(time(2))).end({ admitted: 3, days: undefined })).toEqual(cursorAt(time(2)));
});
