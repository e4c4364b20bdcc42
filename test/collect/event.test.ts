import fc from "fast-check";
import { expect, test } from "vitest";
import { bodyHash, EventRecord, happenedAt, readEnvelope } from "../../src/collect/event.ts";
import { readRequest } from "../../src/collect/request.ts";
import { parseJson } from "../../src/sources/json/document.ts";

const read = (text: string, sentAt?: unknown) => readEnvelope(parseJson(text), sentAt);
const event = (fields: object) => read(JSON.stringify({ id: "1", type: "t", ...fields }));
const reasons = (fields: object) => (event(fields) as { reasons?: readonly string[] }).reasons;
const T = Date.parse("2026-11-30T12:00:00Z");
const at = (ms: number) => new Date(T + ms).toISOString();

test("an event needs an id and a type, and says nothing else than what there is", () => {
  expect(read("{}")).toEqual({ reasons: ["id: is missing", "type: is missing"] });
  expect(reasons({})).toBeUndefined();
  expect(reasons({ data: { anything: [1] }, version: 2, time: at(0), sent_at: at(1) })).toBeUndefined();
  expect(reasons({ user: 1 })).toEqual([
    "user: an event has id, type, version, time, sent_at, data; what it is about stands in data",
  ]);
});

test("what a request says of all its events is asked of those that do not say it themselves", () => {
  const wrong = { reasons: ["sent_at of its request: must be a time with a zone: 2026-11-30T09:00:00.123Z"] };
  for (const said of ["soon", 5, null, {}]) expect(read(JSON.stringify({ id: "1", type: "t" }), said)).toEqual(wrong);
  expect(read(JSON.stringify({ id: "1", type: "t", sent_at: at(1) }), "soon")).toMatchObject({ sentAt: at(1) });
});

test.each([
  ["id", "", "id: must be a text of 1 to 200 characters"],
  ["id", 7, "id: must be a text of 1 to 200 characters"],
  ["id", "x".repeat(201), "id: must be a text of 1 to 200 characters"],
  ["id", "a\0b", "id: must be a text of 1 to 200 characters"],
  ["id", "\ud800", "id: must be a text of 1 to 200 characters"],
  ["type", null, "type: must be a text of 1 to 200 characters"],
  ["version", "1", "version: must be a whole number from 1"],
  ["version", 1.5, "version: must be a whole number from 1"],
  ["time", "yesterday", "time: must be a time with a zone: 2026-11-30T09:00:00.123Z"],
  ["time", "2026-11-30T09:00:00", "time: must be a time with a zone: 2026-11-30T09:00:00.123Z"],
  ["sent_at", 1_700_000_000, "sent_at: must be a time with a zone: 2026-11-30T09:00:00.123Z"],
  ["data", [], "data: must be an object"],
  ["data", { _event_at: 1 }, "data: must be without _event_at, which the collector says of each event"],
])("%s: %j is told as what it is", (name, value, reason) => {
  expect(reasons({ [name]: value })).toEqual([reason]);
});

test("the sender's time stands while their clock is about right, whatever the way takes", () => {
  const allowed = 300_000;
  for (const way of [0, 40, 9_000, 299_000]) {
    expect(happenedAt({ time: at(-way - 10), sentAt: at(-way) }, T, allowed)).toBe(at(-way - 10));
  }
});

test("of a sender whose clock is about right no event overtakes another, however long each took to come", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: -299_000, max: 299_000 }),
      fc.array(fc.record({ gap: fc.nat(60_000), waits: fc.nat(200), way: fc.nat(200) }), {
        minLength: 2,
        maxLength: 8,
      }),
      (off, sent) => {
        let clock = T;
        const happened = sent.map(({ gap, waits, way }) => {
          clock += gap + 1_000;
          const [time, sentAt] = [clock + off, clock + waits + off].map((ms) => new Date(ms).toISOString());
          return Date.parse(happenedAt({ time, sentAt }, clock + waits + way, 300_000));
        });
        expect(happened).toEqual(happened.toSorted((a, b) => a - b));
      },
    ),
  );
});

test("a clock that is off by more than is allowed is put right by what it says when it sends", () => {
  const day = 86_400_000;
  expect(happenedAt({ time: at(day - 5_000), sentAt: at(day) }, T, 300_000)).toBe(at(-5_000));
  expect(happenedAt({ time: at(-day), sentAt: at(-day + 5_000) }, T, 300_000)).toBe(at(-5_000));
  // nothing says when it was sent: what is to come cannot have happened, what was may have waited
  expect(happenedAt({ time: at(day), sentAt: undefined }, T, 300_000)).toBe(at(0));
  expect(happenedAt({ time: at(-day), sentAt: undefined }, T, 300_000)).toBe(at(-day));
  expect(happenedAt({ time: undefined, sentAt: undefined }, T, 300_000)).toBe(at(0));
});

test("two tries of one event are the same, whenever they were sent; another body is not", () => {
  const hash = (fields: object) => bodyHash(event({ data: { a: 1 }, ...fields }) as never);
  expect(hash({ sent_at: at(0) })).toBe(hash({ sent_at: at(9) }));
  for (const other of [{ type: "u" }, { version: 2 }, { time: at(0) }, { data: { a: 2 } }])
    expect(hash(other)).not.toBe(hash({}));
  expect(hash({})).toMatch(/^[0-9a-f]{32}$/);
});

test("numbers keep their digits on the way into the record", () => {
  const document = parseJson('{"id":"1","type":"t","data":{"n":12345678901234567890.10,"s":"x"}}');
  const read = readEnvelope(document, undefined);
  if ("reasons" in read) throw new Error(read.reasons.join());
  const record = new EventRecord(
    read,
    { writeKey: "web", receivedAt: T },
    { position: "event 1", clockSkew: 0, document },
  );
  expect(record.fieldText("n")).toBe("12345678901234567890.10");
  expect(record.whole()).toBe(
    `{"n":12345678901234567890.10,"s":"x","_event_id":"1","_write_key":"web","_received_at":"${at(0)}","_event_at":"${at(0)}"}`,
  );
});

test.each([
  ["one", '{"id":"1","type":"t"}', false, 1],
  ["a list", '[{"id":"1","type":"t"},{"id":"2","type":"t"}]', false, 2],
  ["an empty list", "[]", false, 0],
  ["a list with what is around it", '{"sent_at":"x","key":"k","events":[{"id":"1"},3]}', false, 2],
  ["lines", '{"id":"1"}\n\n{"id":"2"}\n', true, 2],
  ["lines as a page's beacon sends them", '{"id":"1"}\n{"id":"2"}', undefined, 2],
  ["one as a page's beacon sends it", '{"id":"1"}', undefined, 1],
])("a request has %s", (_, body, isLines, count) => {
  const { events, rejected } = readRequest(body, isLines);
  expect([events.length, rejected]).toEqual([count, []]);
});

test("what is no event is kept as it came, and takes no other along", () => {
  expect(readRequest('{"id":"1"}\nnot json\n[1]', true)).toMatchObject({
    events: [{ position: "line 1" }],
    rejected: [
      { position: "line 2", reason: "is not JSON", text: "not json" },
      { position: "line 3", reason: "is not a JSON object", text: "[1]" },
    ],
  });
  expect(readRequest("not json", false).rejected).toEqual([
    { position: "body", reason: "is not JSON", text: "not json" },
  ]);
  expect(readRequest('{"events":1}', false).rejected[0]!.reason).toBe("events: must be a list");
  expect(readRequest('{"events":[],"event":1}', false).rejected[0]!.reason).toBe(
    "event: a request has events, sent_at, key",
  );
  expect(readRequest("[".repeat(1_000), false).rejected[0]!.reason).toBe("is nested deeper than 200 levels");
});

test("an event with fields called as those around a list is one event", () => {
  const { events } = readRequest('{"id":"1","type":"t","events":[1,2]}', false);
  expect(events).toHaveLength(1);
});
