import { expect, test } from "vitest";
import { type PublishOptions, publish, sessions } from "../../src/library/live.ts";
import { land, liveByHand, liveFiles, makeEvents } from "../support/live.ts";
import { statuses, stepOf, type Warehouse, warehouse } from "../support/warehouse.ts";

// What the rules of docs/live.md say: each look compares the mart with what raw has of loads that count.

const counted: PublishOptions = {
  from: ["raw", "viewed"],
  by: ["path"],
  time: "_event_at",
  every: "minute",
  measures: { views: "count(*)", revenue: "sum(amount) filter (where amount > 0)", last_at: "max(_event_at)" },
  distinct: { visitors: "visitor" },
};

const truth = `
  select path, date_trunc('minute', _event_at, 'UTC'), count(*), sum(amount) filter (where amount > 0), max(_event_at), count(distinct visitor)
  from raw.viewed where _load_id in (select load_id from raw._load where status in ('loading', 'loaded')) group by 1, 2 order by 1, 2`;

async function counting(options: Partial<PublishOptions> = {}) {
  const house = await warehouse({
    ...liveFiles,
    "definitions/pages.js": `live.publish("pages", ${JSON.stringify({ ...counted, ...options })});`,
  });
  await house.sql(makeEvents);
  return house;
}

const wrong = (report: Awaited<ReturnType<Warehouse["run"]>>) => [
  ...(report.errors ?? []).map(({ message }) => message),
  ...report.steps.flatMap(({ target, status, error }) =>
    status === "ok" ? [] : [`${target.name}: ${error?.message ?? status}`],
  ),
];
const shown = ({ rows }: Warehouse) => rows("select * from marts.pages order by 1, 2");

test("an event is in the mart as soon as it is committed, with its open load, and a run changes no figure", async () => {
  const house = await counting();
  await land(house, ["'2026-01-01 10:00Z', '/a', 'x', 1.5", "'2026-01-01 10:00:30Z', '/a', 'y', null"]);
  expect(wrong(await house.run())).toEqual([]);
  const open = await land(house, ["'2026-01-01 10:00:45Z', '/a', 'x', 2"], { status: "loading", said: 0 });
  await land(house, ["'2026-01-01 10:01Z', '/b', 'z', -1"]);
  const expected = [
    "/a|2026-01-01 10:00:00+00|3|3.5|2026-01-01 10:00:45+00|2",
    "/b|2026-01-01 10:01:00+00|1|∅|2026-01-01 10:01:00+00|1",
  ];
  expect(await shown(house)).toEqual(expected);
  expect(await house.rows(truth)).toEqual(expected);
  expect(wrong(await house.run())).toEqual([]);
  expect(await shown(house)).toEqual(expected);
  // The open load stays outside, the closed one behind it does not.
  const stream = () =>
    house.rows(
      "select _dataform_rolled_to, _dataform_rolled_beyond from marts.pages_store where _dataform_row_kind = 'stream'",
    );
  expect(await stream()).toEqual([`${open - 1}|{${open + 1}}`]);
  await house.sql(`insert into raw.viewed values (${open}, '2026-01-01 10:00:50Z', '/a', 'new', 1)`);
  await house.sql(`update raw._load set status = 'loaded', rows = 2 where load_id = ${open}`);
  expect(wrong(await house.run())).toEqual([]);
  expect(await stream()).toEqual([`${open + 1}|{}`]);
  expect(await shown(house)).toEqual(await house.rows(truth));
  expect(wrong(await house.run({ fullRefresh: true }))).toEqual([]);
  expect(await shown(house)).toEqual(await house.rows(truth));
});

test("a load of a stream that was never seen, with a lower number than what is stored, is in the mart", async () => {
  const house = await counting();
  const late = await land(house, [], { source: "app", status: "loaded", said: 1 });
  await house.sql(`update raw._load set source = 'web' where load_id = ${late}`);
  await land(house, ["'2026-01-01 10:00Z', '/a', 'x', 1"]);
  await house.sql(`delete from raw._load where load_id = ${late}`);
  expect(wrong(await house.run())).toEqual([]);
  await house.sql(`insert into raw._load (load_id, source, stream, table_name, status, rows) overriding system value
    values (${late}, 'app', 'viewed', 'viewed', 'loaded', 1); insert into raw.viewed values (${late}, '2026-01-01 10:00Z', '/a', 'y', 2)`);
  const expected = ["/a|2026-01-01 10:00:00+00|2|3|2026-01-01 10:00:00+00|2"];
  expect(await shown(house)).toEqual(expected);
  expect(wrong(await house.run())).toEqual([]);
  expect(await shown(house)).toEqual(expected);
});

test("a load that is struck leaves its groups, which are made anew, and comes back when it counts again", async () => {
  const house = await counting();
  await land(house, ["'2026-01-01 10:00Z', '/a', 'x', 1", "'2026-01-01 10:05Z', '/c', 'x', 1"]);
  const struck = await land(house, ["'2026-01-01 10:00:59Z', '/a', 'y', 7", "'2026-01-01 10:01Z', '/b', 'y', 7"]);
  expect(wrong(await house.run())).toEqual([]);
  await house.sql(`update raw._load set status = 'struck' where load_id = ${struck}`);
  await land(house, ["'2026-01-01 10:00:10Z', '/a', 'x', 2"]);
  expect(wrong(await house.run())).toEqual([]);
  const without = [
    "/a|2026-01-01 10:00:00+00|2|3|2026-01-01 10:00:10+00|1",
    "/c|2026-01-01 10:05:00+00|1|1|2026-01-01 10:05:00+00|1",
  ];
  expect(await shown(house)).toEqual(without);
  expect(await house.rows(truth)).toEqual(without);
  await house.sql(`update raw._load set status = 'loaded' where load_id = ${struck}`);
  const all = await house.rows(truth);
  expect(await shown(house)).toEqual(all);
  expect(wrong(await house.run())).toEqual([]);
  expect(await shown(house)).toEqual(all);
  expect(all).toHaveLength(3);
});

test("figures stay when raw is trimmed; a full refresh is held then, and a strike that would need the rows is refused", async () => {
  const house = await counting();
  const first = await land(house, ["'2026-01-01 10:00Z', '/a', 'x', 1"]);
  const second = await land(house, ["'2026-01-01 10:00:01Z', '/a', 'y', 1", "'2026-01-02 10:00Z', '/b', 'y', 1"]);
  expect(wrong(await house.run())).toEqual([]);
  await house.sql(`delete from raw.viewed where _load_id = ${first}`);
  await land(house, ["'2026-01-01 10:00:02Z', '/a', 'z', 1"]);
  expect(wrong(await house.run())).toEqual([]);
  const figures = [
    "/a|2026-01-01 10:00:00+00|3|3|2026-01-01 10:00:02+00|3",
    "/b|2026-01-02 10:00:00+00|1|1|2026-01-02 10:00:00+00|1",
  ];
  expect(await shown(house)).toEqual(figures);
  const held = await house.run({ fullRefresh: true });
  expect(stepOf(held, "assertions.marts_pages_store_guard_keep").status).toBe("failed");
  expect(await shown(house)).toEqual(figures);
  await house.sql(`update raw._load set status = 'struck' where load_id = ${second}`);
  expect(stepOf(await house.run(), "marts.pages_store").error?.message).toContain(
    `Gone: some that the rows of load ${second} were counted with`,
  );
  expect(await shown(house)).toEqual(figures);
});

test("visits that become one by events that come late are published: fewer rows, and no event lost", async () => {
  const house = await warehouse({
    ...liveFiles,
    "definitions/visits.js": `live.sessions("visits", { from: ["raw", "viewed"], visitor: "visitor", time: "_event_at", gap: "30 minutes", measures: { events: "count(*)" } });`,
  });
  await house.sql(makeEvents);
  const visits = () => house.rows("select visitor, started_at, ended_at, events from marts.visits order by 1, 2");
  const first = await land(
    house,
    ["10:00", "10:40", "11:20", "12:00"].map((at) => `'2026-01-01 ${at}Z', '/a', 'x', 1`),
  );
  expect(wrong(await house.run())).toEqual([]);
  expect(await visits()).toHaveLength(4);
  await land(
    house,
    ["10:20", "11:00", "11:40"].map((at) => `'2026-01-01 ${at}Z', '/a', 'x', 1`),
  );
  expect(wrong(await house.run())).toEqual([]);
  const one = ["x|2026-01-01 10:00:00+00|2026-01-01 12:00:00+00|7"];
  expect(await visits()).toEqual(one);
  // What raw has lost is still held.
  await house.sql(`delete from raw.viewed where _load_id = ${first}`);
  const held = await house.run({ fullRefresh: true });
  expect(stepOf(held, "assertions.marts_visits_store_guard_keep").status).toBe("failed");
  expect(await visits()).toEqual(one);
});

test("a load that lost its rows before it was taken in is told, and holds nothing back", async () => {
  const house = await counting();
  const lost = await land(house, [], { said: 3 });
  await land(house, ["'2026-01-01 10:00Z', '/a', 'x', 1"]);
  const report = await house.run();
  expect(stepOf(report, "assertions.pages_has_every_load")).toMatchObject({
    status: "warned",
    failingRows: [expect.stringContaining(`"load_id":${lost}`)],
  });
  expect(await shown(house)).toEqual(await house.rows(truth));
  expect(await shown(house)).toHaveLength(1);
});

test("what is missing in a store, or made up, is held with the figures", async () => {
  const house = await counting();
  await land(house, ["'2026-01-01 10:00Z', '/a', 'x', 1"]);
  await house.run();
  const [table] = await house.rows(
    "select storage from (select relname as storage from pg_class where relkind = 'r' and relnamespace = '_dataform'::regnamespace and relname like '%pages_store%' and relname !~ 'undo|_u' limit 1) as t",
  );
  await house.sql(`update _dataform."${table}" set views = 9, visitors = 2 where _dataform_row_kind = 'group'`);
  await land(house, ["'2026-01-01 10:00:01Z', '/a', 'y', 1"]);
  const report = await house.run();
  expect(statuses(report)).toMatchObject({
    "assertions.pages_agrees_with_events": "failed",
    "assertions.pages_is_sound": "failed",
  });
  expect(stepOf(report, "assertions.pages_agrees_with_events").failingRows).toEqual([
    expect.stringContaining('"expected_views":2,"actual_views":10'),
  ]);
});

test("only rows of loads that are not taken in are read of raw, however the planner knows them", async () => {
  const house = await warehouse({});
  await house.sql(`${makeEvents}; create schema marts;
    insert into raw._load (source, stream, table_name, status, rows) values ('web', 'viewed', 'viewed', 'loaded', 20000);
    insert into raw.viewed select 1, '2026-01-01Z', '/' || n % 7, 'v' || n % 99, n from generate_series(1, 20000) as n;
    analyze raw.viewed, raw._load`);
  const { rolled } = await liveByHand(house, () => {
    publish("pages", counted);
    sessions("visits", {
      from: ["raw", "viewed"],
      visitor: "visitor",
      time: "_event_at",
      gap: "1 hour",
      measures: { n: "count(*)" },
    });
  });
  await house.sql("analyze marts.pages_store, marts.visits_store");
  // Statistics know the first load only: every row is of it.
  for (let load = 0; load < 3; load++) await land(house, ["'2026-01-01 10:00Z', '/1', 'x', 1.5"]);
  const plan = async (query: string) => (await house.rows(`explain ${query}`)).join("\n");
  for (const query of [
    "select * from marts.pages",
    "select * from marts.visits",
    "select * from marts.pages where minute > '2026-01-02'",
  ])
    expect(await plan(query)).not.toMatch(/Seq Scan on viewed/);
  expect(await plan("select * from marts.pages where minute > '2026-01-02'")).toMatch(/Index.*store_minute/);
  const scans = async () => {
    await house.sql("select pg_stat_force_next_flush()");
    return house.rows("select seq_scan from pg_stat_user_tables where relname = 'viewed'");
  };
  const before = await scans();
  await rolled();
  expect(await scans()).toEqual(before);
});

test("about so many different values: sketches of what is stored and of the tail are one, a late event and a struck load included", async ({
  skip,
}) => {
  const house = await counting({
    every: "day",
    distinct: { visitors: "visitor", about: { of: "visitor", approximate: "hll" } },
  });
  const [isThere] = await house.rows("select count(*) from pg_available_extensions where name = 'hll'");
  if (isThere === "0") skip("this server has no extension hll (Debian: postgresql-15-hll)");
  await house.sql("create extension hll");
  /** So many visitors, the first of them the one of that number. */
  const visitors = (load: number, day: string, from: number, count: number) =>
    house.sql(`insert into raw.viewed select ${load}, '${day} 10:00Z', '/a', 'visitor ' || n, 1
      from generate_series(${from}, ${from + count - 1}) as n`);
  /** Whether all groups are there, and none is further from the exact figure than the extension says of itself: 1.6 %, four times over. */
  const isRight = () =>
    house.rows(
      "select count(*), bool_and(abs(about - visitors) <= 0.065 * visitors + 1), sum(visitors) from marts.pages",
    );
  const load = async (day: string, from: number, count: number) => {
    const number = await land(house, [], { said: count });
    await visitors(number, day, from, count);
    return number;
  };
  await load("2026-01-01", 1, 3_000);
  expect(wrong(await house.run())).toEqual([]);
  expect(await isRight()).toEqual(["1|t|3000"]);
  // In the tail: half of them were there before, and a day of its own.
  const struck = await load("2026-01-01", 1_501, 3_000);
  await load("2026-01-02", 1, 5);
  expect(await isRight()).toEqual(["2|t|4505"]);
  expect(wrong(await house.run())).toEqual([]);
  expect(await isRight()).toEqual(["2|t|4505"]);
  expect(await house.rows("select about from marts.pages where day = '2026-01-02'")).toEqual(["5"]);
  await house.sql(`update raw._load set status = 'struck' where load_id = ${struck}`);
  expect(wrong(await house.run())).toEqual([]);
  expect(await isRight()).toEqual(["2|t|3005"]);
  expect(wrong(await house.run({ fullRefresh: true }))).toEqual([]);
  expect(await isRight()).toEqual(["2|t|3005"]);
});

test("what cannot be counted is refused by its name", async () => {
  const cases: readonly (readonly [name: string, options: Partial<PublishOptions>, message: string])[] = [
    ["nameless", {}, "by: path is NULL, which names nothing; say what stands for it (coalesce)"],
    [
      "floats",
      { where: "path is not null", measures: { revenue: "sum(amount::float8)" } },
      "measures: revenue: a sum of such numbers depends on their order; cast to numeric what is summed. Found double precision",
    ],
    [
      "clocks",
      { time: "_event_at::timestamp" },
      "time: expected a timestamptz; say whose clock it is (at time zone 'UTC'). Found timestamp without time zone",
    ],
    [
      "elsewhere",
      { of: ["raw", "bought"] },
      "of: the ledger has none of these tables, and from has rows: name the raw tables that it reads; found rows of load 1",
    ],
    [
      "about",
      { distinct: { visitors: { of: "visitor", approximate: "hll" } } },
      'live.publish: about: distinct with approximate: "hll" needs the extension hll in this database',
    ],
  ];
  const house = await warehouse({
    ...liveFiles,
    "definitions/pages.js": cases
      .map(([name, options]) => `live.publish("${name}", ${JSON.stringify({ ...counted, ...options })});`)
      .join("\n"),
  });
  await house.sql(makeEvents);
  await land(house, ["'2026-01-01 10:00Z', null, 'x', 1", "'2026-01-01 10:00Z', '/a', 'x', 1"]);
  const report = await house.run();
  for (const [name, , message] of cases)
    expect(stepOf(report, `marts.${name}_store`).error?.message).toContain(message);
});
