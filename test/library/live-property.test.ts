import fc from "fast-check";
import { expect, test } from "vitest";
import { publish, sessions } from "../../src/library/live.ts";
import { liveByHand, makeEvents } from "../support/live.ts";
import { rounds, seed } from "../support/proof.ts";
import { type Warehouse, warehouse } from "../support/warehouse.ts";

// Loads open, close, are struck and count again in any order, and between them runs take in what is closed: at every instant the
// marts are what a naive walk over the events of all loads that count gives.

interface Event {
  readonly minute: number;
  readonly visitor: string;
  readonly path: string;
  readonly amount: number;
}

interface Load {
  readonly id: number;
  status: "loading" | "loaded" | "struck";
  readonly events: Event[];
}

const GAP = 30;

const event = fc.record({
  minute: fc.integer({ min: 0, max: 240 }),
  visitor: fc.constantFrom("a", "b", "c"),
  path: fc.constantFrom("/x", "/y"),
  amount: fc.integer({ min: -3, max: 9 }),
});
const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      does: fc.constant("add" as const),
      at: fc.nat(3),
      events: fc.array(event, { maxLength: 4 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ does: fc.constant("close" as const), at: fc.nat(3) }) },
  { weight: 3, arbitrary: fc.record({ does: fc.constant("roll" as const) }) },
  { weight: 1, arbitrary: fc.record({ does: fc.constant("strike" as const), at: fc.nat(9) }) },
  { weight: 1, arbitrary: fc.record({ does: fc.constant("count again" as const), at: fc.nat(9) }) },
);

test("groups and sessions are those of a naive walk at every instant, whatever loads do", {
  timeout: 600_000,
}, async () => {
  const house = await warehouse({});
  await house.sql(`${makeEvents}; create schema marts`);
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 14 }), async (steps) => walked(house, steps)),
    { numRuns: rounds(3, 200), seed },
  );
});

async function walked(
  { sql, rows }: Warehouse,
  steps: readonly (typeof step extends fc.Arbitrary<infer T> ? T : never)[],
) {
  await sql("drop schema marts cascade; create schema marts; truncate raw._load, raw.viewed restart identity");
  const { rolled, checks } = await liveByHand({ sql }, () => {
    publish("pages", {
      from: ["raw", "viewed"],
      by: ["path"],
      time: "_event_at",
      every: "hour",
      measures: {
        n: "count(*)",
        sum: "sum(amount)",
        least: "min(amount)",
        any: "bool_or(amount > 5)",
        all: "every(amount > 0)",
      },
      distinct: { visitors: "visitor" },
    });
    sessions("visits", {
      from: ["raw", "viewed"],
      visitor: "visitor",
      time: "_event_at",
      gap: `${GAP} minutes`,
      measures: { n: "count(*)", most: "max(amount)", x: "count(*) filter (where path = '/x')" },
    });
  });
  const loads: Load[] = [];
  const open = () => loads.filter(({ status }) => status === "loading");
  const set = async (load: Load | undefined, status: Load["status"]) => {
    if (!load) return;
    load.status = status;
    await sql(`update raw._load set status = '${status}', rows = ${load.events.length} where load_id = ${load.id}`);
  };
  for (const one of steps) {
    if (one.does === "add") await add({ sql }, loads, open()[one.at], one.events);
    else if (one.does === "close") await set(open()[one.at % Math.max(1, open().length)], "loaded");
    else if (one.does === "strike") await set(loads.filter(({ status }) => status === "loaded")[one.at], "struck");
    else if (one.does === "count again") await set(loads.filter(({ status }) => status === "struck")[one.at], "loaded");
    // What is struck goes with the next run.
    if (one.does === "roll" || one.does === "strike") {
      await rolled();
      for (const { name, query } of checks) expect({ name, wrong: await rows(query) }).toEqual({ name, wrong: [] });
    }
    const events = loads.filter(({ status }) => status !== "struck").flatMap((load) => load.events);
    expect(await rows(PAGES)).toEqual(pagesOf(events));
    expect(await rows(VISITS)).toEqual(visitsOf(events));
  }
}

async function add({ sql }: Pick<Warehouse, "sql">, loads: Load[], into: Load | undefined, events: readonly Event[]) {
  const load: Load = into ?? { id: loads.length + 1, status: "loading", events: [] };
  if (!into) {
    loads.push(load);
    await sql(
      "insert into raw._load (source, stream, table_name, status) values ('web', 'viewed', 'viewed', 'loading')",
    );
  }
  load.events.push(...events);
  await sql(
    events
      .map(
        ({ minute, visitor, path, amount }) =>
          `insert into raw.viewed values (${load.id}, '2026-01-01Z'::timestamptz + interval '${minute} minutes', '${path}', '${visitor}', ${amount});`,
      )
      .join("\n"),
  );
}

const minuteOf = (at: string) => `(extract(epoch from ${at} - '2026-01-01Z') / 60)::int`;
const PAGES = `select path, ${minuteOf("hour")}, n, sum, least, "any", "all", visitors from marts.pages order by 1, 2`;
const VISITS = `select visitor, ${minuteOf("started_at")}, ${minuteOf("ended_at")}, n, most, x from marts.visits order by 1, 2`;

function grouped<T>(all: readonly T[], keyOf: (one: T) => string): T[][] {
  const groups = new Map<string, T[]>();
  for (const one of all) groups.set(keyOf(one), [...(groups.get(keyOf(one)) ?? []), one]);
  return [...groups.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, group]) => group);
}

function pagesOf(events: readonly Event[]): string[] {
  const hour = ({ minute }: Event) => Math.floor(minute / 60) * 60;
  return grouped(events, (one) => `${one.path} ${String(hour(one)).padStart(4, "0")}`).map((group) => {
    const amounts = group.map(({ amount }) => amount);
    return [
      ...[
        group[0]!.path,
        hour(group[0]!),
        group.length,
        amounts.reduce((sum, one) => sum + one, 0),
        Math.min(...amounts),
      ],
      ...[amounts.some((one) => one > 5), amounts.every((one) => one > 0)].map((is) => (is ? "t" : "f")),
      new Set(group.map(({ visitor }) => visitor)).size,
    ].join("|");
  });
}

function visitsOf(events: readonly Event[]): string[] {
  return grouped(events, ({ visitor }) => visitor).flatMap((all) => {
    const visits: Event[][] = [];
    for (const one of all.sort((a, b) => a.minute - b.minute)) {
      const last = visits.at(-1)?.at(-1);
      if (last && one.minute - last.minute < GAP) visits.at(-1)!.push(one);
      else visits.push([one]);
    }
    return visits.map((visit) =>
      [
        ...[visit[0]!.visitor, visit[0]!.minute, visit.at(-1)!.minute, visit.length],
        ...[Math.max(...visit.map(({ amount }) => amount)), visit.filter(({ path }) => path === "/x").length],
      ].join("|"),
    );
  });
}
