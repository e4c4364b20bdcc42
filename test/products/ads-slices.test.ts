import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isWhole, rounds } from "../support/proof.ts";
import { type Warehouse, warehouse } from "../support/warehouse.ts";

// includes/slices.js alone, as a stranger uses it, against a plain re-telling of its rules.
const include = (name: string) => readFileSync(resolve(import.meta.dirname, `../../includes/${name}`), "utf8");
const model = (options = "") => `
  slices.publish("stats", {
    from: ["raw", "stats_feed"], loads: { tables: ["stats_feed"] }, key: ["day", "id"], day: "day", values: { n: "numeric(9, 2)" },
    ${options}
  });`;
const files = {
  "includes/slices.js": include("slices.js"),
  "definitions/stats_feed.sqlx": `config { type: "declaration", schema: "raw", name: "stats_feed" }`,
  "definitions/stats.js": model(),
};
const tables = `
  create schema raw;
  create table raw._load (load_id bigint primary key, source text, stream text, table_name text, status text, finished_at timestamptz,
    rejected bigint, batch text, details jsonb, replay_of bigint);
  create table raw.stats_feed (day date, id text, n numeric, _load_id bigint, _row_no bigint);`;

interface StatsLoad {
  readonly id: number;
  readonly stream?: string;
  /** Days of January that were asked for; none: those of the rows. */
  readonly days?: readonly [number, number];
  readonly rows: readonly (readonly [day: number, id: string, n: number | null])[];
  readonly rejected?: number;
  readonly at?: number;
  /** The load whose rejects it landed. */
  readonly replayOf?: number;
}

const date = (day: number) => `2026-01-${String(day).padStart(2, "0")}`;

function landed({ id, stream = "s", days, rows, rejected = 0, at = id, replayOf }: StatsLoad): string {
  const details = days ? `{"days": {"start": "${date(days[0])}", "end": "${date(days[1])}"}}` : "{}";
  const values = rows.map(([day, key, n], index) => `('${date(day)}', '${key}', ${n ?? "null"}, ${id}, ${index + 1})`);
  return `
    insert into raw._load values (${id}, 'src', '${stream}', 'stats_feed', 'loaded', '2026-02-01'::timestamptz + ${at} * interval '1 hour',
      ${rejected}, '${replayOf ? "log" : "slice"}', '${details}', ${replayOf ?? "null"});
    ${values.length > 0 ? `insert into raw.stats_feed values ${values.join(", ")};` : ""}`;
}

const versions = `select extract(day from day)::int, id, n, load_id,
    extract(epoch from known_to - '2026-02-01')::int / 3600, ended_by
  from marts.stats order by day, id, known_from, load_id`;

async function run(house: Warehouse, ...loads: StatsLoad[]): Promise<string[]> {
  await house.sql(loads.map(landed).join(""));
  const report = await house.run();
  expect(report.steps.filter(({ status }) => status !== "ok")).toEqual([]);
  return house.rows(versions);
}

async function stats(): Promise<Warehouse> {
  const house = await warehouse(files);
  await house.sql(tables);
  return house;
}

describe("slices.publish", () => {
  test("§2.1 a later load replaces the days it was asked for as a whole, and no others", async () => {
    const house = await stats();
    await run(house, {
      id: 1,
      days: [1, 3],
      rows: [
        [1, "a", 1],
        [2, "a", 2],
        [2, "b", 3],
        [3, "a", 4],
      ],
    });
    expect(await run(house, { id: 2, days: [2, 3], rows: [[2, "a", 20]] })).toEqual([
      "1|a|1.00|1|∅|∅",
      "2|a|2.00|1|2|restated",
      "2|a|20.00|2|∅|∅",
      "2|b|3.00|1|2|vanished",
      "3|a|4.00|1|2|vanished",
    ]);
  });

  test("§2.1 a load without a single row ends all of its days", async () => {
    const house = await stats();
    await run(house, {
      id: 1,
      days: [1, 2],
      rows: [
        [1, "a", 1],
        [2, "a", 2],
      ],
    });
    expect(await run(house, { id: 2, days: [1, 1], rows: [] })).toEqual(["1|a|1.00|1|2|vanished", "2|a|2.00|1|∅|∅"]);
  });

  test("a load that is no slice, and rows that no load of the named tables brought, are refused, and told what to do", async () => {
    const house = await stats();
    const error = async () =>
      (await house.run()).steps.flatMap((step) => ("error" in step && step.error?.message) || []);
    await house.sql(`${landed({ id: 1, rows: [[1, "a", 1]] })} update raw._load set table_name = 'stats'`);
    expect(await error()).toEqual([
      expect.stringMatching(/^loads: the ledger has none of the tables .* found rows of load 1$/),
    ]);
    await house.sql("update raw._load set table_name = 'stats_feed', batch = 'log'");
    expect(await error()).toEqual([
      expect.stringMatching(/^loads: one is no slice, .*ingest strike\), .* found load 1 of src\.s, a log$/),
    ]);
    await house.sql("update raw._load set status = 'struck'");
    expect(await run(house, { id: 2, rows: [[1, "a", 2]] })).toEqual(["1|a|2.00|2|∅|∅"]);
  });

  test("without days that were asked for, a load replaces those of its rows", async () => {
    const house = await stats();
    await run(house, {
      id: 1,
      rows: [
        [1, "a", 1],
        [2, "a", 2],
      ],
    });
    expect(await run(house, { id: 2, rows: [[1, "b", 1]] })).toEqual([
      "1|a|1.00|1|2|vanished",
      "1|b|1.00|2|∅|∅",
      "2|a|2.00|1|∅|∅",
    ]);
  });

  test("a row that comes back has a gap, one that is told again as it was has one version", async () => {
    const house = await stats();
    await run(house, {
      id: 1,
      days: [1, 1],
      rows: [
        [1, "a", 1],
        [1, "b", 1],
      ],
    });
    await run(house, { id: 2, days: [1, 1], rows: [[1, "b", 1]] });
    expect(
      await run(house, {
        id: 3,
        days: [1, 1],
        rows: [
          [1, "a", 1],
          [1, "b", 1],
        ],
      }),
    ).toEqual(["1|a|1.00|1|2|vanished", "1|a|1.00|3|∅|∅", "1|b|1.00|1|∅|∅"]);
  });

  test("a load with rejected records ends nothing by lack, for its rejects may hold it", async () => {
    const house = await stats();
    await run(house, {
      id: 1,
      days: [1, 1],
      rows: [
        [1, "a", 1],
        [1, "b", 1],
      ],
    });
    expect(await run(house, { id: 2, days: [1, 1], rows: [[1, "a", 2]], rejected: 1 })).toEqual([
      "1|a|1.00|1|2|restated",
      "1|a|2.00|2|∅|∅",
      "1|b|1.00|1|∅|∅",
    ]);
  });

  test("a replay of rejects is more of what its load said, where nothing has told the day anew since", async () => {
    const house = await stats();
    await run(
      house,
      {
        id: 1,
        days: [1, 3],
        rejected: 3,
        rows: [
          [1, "a", 1],
          [2, "a", 1],
          [3, "a", 1],
        ],
      },
      { id: 2, days: [2, 2], rows: [[2, "b", 2]] },
      { id: 3, rows: [[3, "b", 3]] },
    );
    const replayed: StatsLoad = {
      id: 4,
      replayOf: 1,
      rows: [
        [1, "c", 4],
        [2, "c", 4],
        [3, "c", 4],
        [4, "outside", 4],
      ],
    };
    const all = [
      "1|a|1.00|1|∅|∅",
      "1|c|4.00|4|∅|∅",
      "2|a|1.00|1|2|vanished",
      "2|b|2.00|2|∅|∅",
      "3|a|1.00|1|3|vanished",
      "3|b|3.00|3|∅|∅",
    ];
    expect(await run(house, replayed)).toEqual(all);
    expect(await house.rows("select load_id, is_whole, replay_of from marts.stats_loads where load_id = 4")).toEqual([
      "4|f|1",
    ]);
    await house.run({ fullRefresh: true });
    expect(await house.rows(versions)).toEqual(all);
    expect(await run(house, { id: 5, days: [1, 1], rows: [[1, "a", 1]] })).toContain("1|c|4.00|4|5|vanished");
    // One of a load that was no slice is told as that.
    await house.sql(landed({ id: 6, replayOf: 99, rows: [[1, "z", 1]] }));
    const failed = (await house.run()).steps.flatMap((step) => ("error" in step && step.error?.message) || []);
    expect(failed).toEqual([expect.stringMatching(/found load 6 of src\.s, a log$/)]);
  });

  test("a stream ends nothing of another one's", async () => {
    const house = await stats();
    await run(house, { id: 1, days: [1, 1], rows: [[1, "a", 1]] });
    expect(await run(house, { id: 2, stream: "other", days: [1, 1], rows: [[1, "b", 1]] })).toEqual([
      "1|a|1.00|1|∅|∅",
      "1|b|1.00|2|∅|∅",
    ]);
  });

  test("a row that two streams tell is kept out of the release: it would count twice", async () => {
    const house = await stats();
    await house.sql(landed({ id: 1, rows: [[1, "a", 1]] }) + landed({ id: 2, stream: "other", rows: [[1, "a", 1]] }));
    const report = await house.run();
    expect(report.steps.some(({ target, status }) => target.name === "stats_is_sound" && status === "failed")).toBe(
      true,
    );
  });

  test("a load that no longer counts is as if it had never been", async () => {
    const house = await stats();
    const first = await run(house, {
      id: 1,
      days: [1, 1],
      rows: [
        [1, "a", 1],
        [1, "b", 1],
      ],
    });
    await run(house, {
      id: 2,
      days: [1, 1],
      rows: [
        [1, "a", 9],
        [1, "c", 1],
      ],
    });
    await house.sql("update raw._load set status = 'refused' where load_id = 2");
    expect(await run(house)).toEqual(first);
  });

  test("loads that vanish from raw end nothing, one that lost its rows before it was worked in waits, and what needs them all is held", async () => {
    const house = await stats();
    await house.sql("alter table raw._load add rows bigint");
    const [one, two]: StatsLoad[] = [
      {
        id: 1,
        days: [1, 2],
        rows: [
          [1, "a", 1],
          [2, "a", 2],
        ],
      },
      { id: 2, days: [2, 2], rows: [[2, "a", 20]] },
    ];
    const land = (load: StatsLoad) =>
      house.sql(
        landed(load).replace(
          "insert into raw._load values (",
          "insert into raw._load (load_id, source, stream, table_name, status, finished_at, rejected, batch, details, replay_of) values (",
        ),
      );
    await land(one!);
    await land(two!);
    const before = await run(house);
    await house.sql("delete from raw.stats_feed where _load_id = 1; delete from raw._load where load_id = 1");
    expect(await run(house)).toEqual(before);
    // its rows went before a run saw them: that is no empty report
    await land({ id: 3, days: [1, 2], rows: [] });
    await house.sql("update raw._load set rows = 2 where load_id = 3");
    expect(await run(house)).toEqual(before);
    await house.sql("truncate raw.stats_feed");
    expect((await house.run({ fullRefresh: true })).steps.find(({ status }) => status === "held")?.target.name).toBe(
      "stats_store",
    );
    await house.sql("update raw._load set status = 'refused' where load_id = 2");
    expect((await house.run()).steps.find(({ status }) => status === "failed")?.error?.message).toMatch(
      /^loads: .* Gone: 1$/,
    );
    expect(await house.rows(versions)).toEqual(before);
    const all = await house.run({ fullRefresh: true, allowLoss: ["stats_store"] });
    expect(all.status).toBe("success");
    expect(await house.rows(versions)).toEqual([]);
  });

  test("a load that says what another had said owns no row, and is missed all the same when its rows are gone", async () => {
    const house = await stats();
    const rows: StatsLoad["rows"] = [
      [1, "a", 5],
      [1, "b", 6],
    ];
    for (const loads of [
      [{ id: 1, rows }],
      [{ id: 2, rows }],
      [{ id: 3, rows: [[1, "a", 7]] }],
    ] satisfies StatsLoad[][])
      await run(house, ...loads);
    // one that said of its day that there is nothing has no rows to lose
    const before = await run(house, { id: 4, days: [2, 2], rows: [] });
    await house.sql(`alter table raw._load add rows bigint;
      update raw._load set rows = (select count(*) from raw.stats_feed where stats_feed._load_id = _load.load_id);
      delete from raw.stats_feed where _load_id = 2;
      update raw._load set status = 'failed' where load_id = 3`);
    const message = async () => (await house.run()).steps.find(({ status }) => status === "failed")?.error?.message;
    expect(await message()).toMatch(/^loads: .* Gone: 2$/);
    await house.sql("delete from raw._load where load_id = 2");
    expect(await message()).toMatch(/^loads: .* Gone: 2$/);
    expect(await house.rows(versions)).toEqual(before);
    await house.sql("update raw._load set status = 'loaded' where load_id = 3");
    expect(await run(house)).toEqual(before);
  });

  test("a run without a new load changes nothing", async () => {
    const house = await stats();
    const before = await run(house, { id: 1, days: [1, 2], rows: [[1, "a", 1]] });
    expect(await run(house)).toEqual(before);
  });

  test("a wrong option is told by its name", async () => {
    for (const [options, message] of [
      ['kee: ["a"],', 'unknown option "kee"'],
      ['day: "month",', "day is one of the key's columns (day, id)"],
      ["values: {},", "needs values"],
      ['values: { feed: "text" },', "the column name feed is taken"],
      ["loads: {},", "needs tables"],
    ] as const) {
      const house = await warehouse({ ...files, "definitions/stats.js": model(options) });
      await expect(house.run()).rejects.toThrow(message);
    }
  });

  test("tells, for any loads in any number of runs, what a plain re-telling of the rules tells", async () => {
    const row = fc.tuple(fc.integer({ min: 1, max: 3 }), fc.constantFrom("a", "b"), fc.integer({ min: 0, max: 1 }));
    const load = fc.record({
      stream: fc.constantFrom("s", "s", "t"),
      days: fc.constantFrom([1, 3] as const, [2, 3] as const, [2, 2] as const, undefined),
      rows: fc.array(row, { maxLength: 5 }),
      rejected: fc.constantFrom(0, 0, 0, 1),
      replays: fc.constantFrom(false, false, true),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(load, { maxLength: 3 }), { minLength: 2, maxLength: 4 }), async (batches) => {
        const house = await stats();
        const all: StatsLoad[] = [];
        let told: string[] = [];
        for (const batch of batches) {
          // each stream has ids of its own, so that no row is told by two
          const loads: StatsLoad[] = batch.map(({ days, replays, ...one }, index) => {
            const id = all.length + index + 1;
            const rows = one.rows.map(([day, name, n]) => [day, one.stream + name, n] as const);
            const of = all.findLast(({ stream, rejected, replayOf }) => stream === one.stream && rejected && !replayOf);
            if (replays && of) return { stream: one.stream, rows, id, replayOf: of.id };
            return { ...one, ...(days ? { days } : {}), id, rows };
          });
          all.push(...loads);
          told = await run(house, ...loads);
        }
        expect(told).toEqual(retold(all));
        await house.run({ fullRefresh: true });
        expect(await house.rows(versions)).toEqual(told);
      }),
      { numRuns: rounds(3, 100), ...(isWhole ? {} : { seed: 7 }) },
    );
  });
});

interface Version {
  readonly n: number | null;
  readonly from: number;
  to?: number;
  endedBy?: string;
}

/** Load by load, day by day, row by row. */
function retold(loads: readonly StatsLoad[]): string[] {
  const known = new Map<string, { day: number; id: string; stream: string; versions: Version[] }>();
  const daysOf = ({ days, rows }: StatsLoad) =>
    days ? Array.from({ length: days[1] - days[0] + 1 }, (_, index) => days[0] + index) : rows.map(([day]) => day);
  for (const load of loads) {
    const { id: loadId, stream = "s", days, rows, rejected, replayOf } = load;
    const origin = loads.find(({ id }) => id === replayOf);
    const since = loads.filter(
      (one) => one.stream === stream && !one.replayOf && one.id > replayOf! && one.id < loadId,
    );
    const isOld = (day: number) =>
      origin !== undefined &&
      ((origin.days && !daysOf(origin).includes(day)) || since.some((one) => daysOf(one).includes(day)));
    const inside = rows.filter(([day]) => (!days || daysOf(load).includes(day)) && !isOld(day));
    const covered = daysOf(load);
    const told = new Map(inside.map(([day, id, n]) => [`${day}/${id}`, { day, id, n }]));
    for (const [key, { day, id, n }] of told) {
      const entry = known.get(key) ?? { day, id, stream, versions: [] };
      known.set(key, entry);
      const last = entry.versions.at(-1);
      if (last && last.to === undefined && last.n === n) continue;
      if (last && last.to === undefined) Object.assign(last, { to: loadId, endedBy: "restated" });
      entry.versions.push({ n, from: loadId });
    }
    for (const [key, entry] of known) {
      const last = entry.versions.at(-1)!;
      const lacks = entry.stream === stream && covered.includes(entry.day) && !told.has(key) && !rejected && !origin;
      if (lacks && last.to === undefined) Object.assign(last, { to: loadId, endedBy: "vanished" });
    }
  }
  return [...known.values()]
    .sort((a, b) => a.day - b.day || (a.id < b.id ? -1 : 1))
    .flatMap(({ day, id, versions: all }) =>
      all.map(
        ({ n, from, to, endedBy }) => `${day}|${id}|${n?.toFixed(2) ?? "∅"}|${from}|${to ?? "∅"}|${endedBy ?? "∅"}`,
      ),
    );
}
