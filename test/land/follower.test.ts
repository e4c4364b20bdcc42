import { describe, expect, test } from "vitest";
import { follow, stay } from "../../src/land/load/follower.ts";
import type { LoadCursor } from "../../src/model/load-report.ts";
import { JsonRecord, parseJson } from "../../src/sources/json/document.ts";
import { stream, withColumn } from "../support/ingest-declaration.ts";

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
  const records = follower.records!;
  const taken = days.filter((n, at) => records.admit(record(n), record(n).text(), at + 1));
  records.land(days.length);
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

/** Where the next load begins after records with these values, each in a record of its own, of which some are refused. */
function reached(values: readonly unknown[], refused: readonly unknown[], changes: Parameters<typeof stream>[0] = {}) {
  const { end, records } = follow(stream({ cursor: { field: "updated_at" }, ...changes }), null, undefined);
  for (const [at, value] of values.entries()) {
    const document = parseJson(JSON.stringify({ id: at, updated_at: value }));
    const one = new JsonRecord(document, document.value, document.source);
    records!.admit(one, one.text(), at + 1);
    if (refused.includes(value)) records!.refuse(at + 1);
  }
  records!.land(values.length);
  return end({ admitted: values.length, days: undefined })!;
}

describe("a record that is refused", () => {
  test("moves no cursor, and is known when it comes again", () => {
    const { value, seen, unplaced } = reached([time(1), time(9), time(2)], [time(9)]);
    expect([value, seen.length, unplaced.length]).toEqual([time(2), 1, 1]);
  });

  test("is not remembered where the source does not send it again", () => {
    expect(reached([time(1), time(2)], [time(1)])).toMatchObject({ value: time(2), unplaced: [] });
  });

  test("is told from those that land with it, in whatever parts they are written", () => {
    const { end, records } = follow(byTime, null, undefined);
    for (const [at, n] of [1, 2, 3, 4].entries()) records!.admit(record(n), record(n).text(), at + 1);
    records!.land(2);
    records!.refuse(4);
    records!.land(4);
    expect(end({ admitted: 4, days: undefined })).toMatchObject({ value: time(3) });
  });
});

describe("a cursor beside a window", () => {
  const window = { start: day(1), days: 400, lookbackDays: 3 };
  const from = (value: string, type = "timestamp with time zone") => {
    const column = { name: "updated_at", type };
    const recordSchema = withColumn(column, { type: ["string", "integer"] });
    const { records } = follow(
      stream({ cursor: { field: "updated_at" }, window, recordSchema }),
      cursorAt(value),
      undefined,
    );
    return (one: unknown) => {
      const document = parseJson(JSON.stringify({ updated_at: one }));
      const found = new JsonRecord(document, document.value, document.source);
      return records!.admit(found, found.text(), 1);
    };
  };
  const seconds = (text: string) => Date.parse(text) / 1000;

  test.each<[string, string, string | undefined, unknown, unknown]>([
    [
      "a time without a zone, wherever it is read",
      "2026-01-20 20:00:00",
      undefined,
      "2026-01-17 12:00:00",
      "2026-01-16 12:00:00",
    ],
    ["seconds since 1970", String(seconds(time(20))), "bigint", seconds(time(17)), seconds(time(16))],
    [
      "milliseconds since 1970",
      String(seconds(time(20)) * 1000),
      "bigint",
      seconds(time(17)) * 1000,
      seconds(time(16)) * 1000,
    ],
  ])("looks back from %s", (_, value, type, again, before) => {
    const admits = from(value, type);
    expect([admits(again), admits(before)]).toEqual([true, false]);
  });

  test("that was moved into the future takes what is asked for from today on", () => {
    const admits = from("2999-01-01T00:00:00Z");
    expect(admits(new Date().toISOString())).toBe(true);
  });

  test("is not moved into the future", () => {
    expect(reached([time(1), "2999-01-01T00:00:00Z"], [], { window })).toMatchObject({ value: time(1) });
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
  expect([follower.records, follower.start, follower.end({ admitted: 3, days: undefined })]).toEqual([
    undefined,
    null,
    null,
  ]);
});

test("a load of rejects leaves the cursor where it is", () => {
  expect(stay(cursorAt(time(2))).end({ admitted: 3, days: undefined })).toEqual(cursorAt(time(2)));
});
