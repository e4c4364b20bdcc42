import { expect, test } from "vitest";
import { requestsOf, WORLD } from "../../ingest/demo-events/visitors.ts";

const world = { seed: 7, from: Date.parse("2026-11-30T09:00:00Z"), visitorsPerMinute: 60 };
const first = (count: number, options = world) => {
  const found = [];
  for (const one of requestsOf(options)) if (found.push(one) === count) return found;
  return found;
};

test("visitors are the same for the same seed, and others for another one", () => {
  expect(first(300)).toEqual(first(300));
  expect(first(50, { ...world, seed: 8 })).not.toEqual(first(50));
});

test("requests come in the order in which they are sent, and as many visitors in a minute as are asked for", () => {
  const sent = first(5_000);
  const moments = sent.map(({ at }) => at);
  expect(moments).toEqual(moments.toSorted((a, b) => a - b));
  const visitors = new Set(sent.flatMap(({ events }) => events.map(({ data }) => data.visitor_id)));
  const minutes = (moments.at(-1)! - world.from) / 60_000;
  expect(visitors.size / minutes).toBeGreaterThan(50);
  expect(visitors.size / minutes).toBeLessThan(70);
});

test("what happens in the world happens here: tries again, events twice, late ones, clocks that are off, bots, mistakes", () => {
  const sent = first(5_000);
  const all = sent.flatMap(({ at, sent_at, events }) => events.map((event) => ({ at, sent_at, event })));
  const times = new Map<string, number>();
  for (const { event } of all) times.set(event.id, (times.get(event.id) ?? 0) + 1);
  const share = (count: number) => count / all.length;
  expect(share([...times.values()].filter((count) => count > 1).length)).toBeGreaterThan(WORLD.retried / 2);
  expect(share(all.filter(({ at, sent_at }) => Math.abs(Date.parse(sent_at) - at) > 60_000).length)).toBeGreaterThan(
    WORLD.skewed / 3,
  );
  expect(
    share(all.filter(({ sent_at, event }) => Date.parse(sent_at) - Date.parse(event.time) > 60_000).length),
  ).toBeGreaterThan(0.005);
  expect(share(all.filter(({ event }) => event.data.is_bot === true).length)).toBeGreaterThan(WORLD.bots);
  expect(all.some(({ event }) => event.type === "page_viewed" && event.data.url === undefined)).toBe(true);
  expect(all.some(({ event }) => event.type === "purchased")).toBe(true);
  // one event is one body, however often it is sent
  const bodies = new Map(all.map(({ event }) => [event.id, JSON.stringify(event)]));
  expect(all.every(({ event }) => JSON.stringify(event) === bodies.get(event.id))).toBe(true);
});
