import { expect, test } from "vitest";
import type { CounterOptions } from "../../src/library/counters.ts";
import type { RunReport } from "../../src/model/report.ts";
import { script } from "../../src/sql/authored.ts";
import { id, suffixed } from "../../src/sql/identifiers.ts";
import { literal } from "../../src/sql/literals.ts";
import { makeLedger } from "../support/history.ts";
import { keywords } from "../support/names.ts";
import { warehouse } from "../support/warehouse.ts";

// Whatever a column is called, it is that column: words of SQL, names that our own SQL uses, names that JavaScript has.

const odd = [
  "Mixed Case",
  'a "quote"',
  "it's",
  "ä€😀",
  "x".repeat(63),
  "y".repeat(60),
  "1st",
  "$1",
  "a.b",
  "a;b",
  "--",
  "/*",
  "%I",
  "\\",
];
const ofObjects = ["constructor", "toString", "valueOf", "hasOwnProperty", "__proto__"];
const inside = `
  store loads worked_in new_loads gone_loads scope loads_to_read known reports told held new_readings births feed touched
  changes states outdated later last in_order paired judged measured summed recomputed this_run written calendar
  calendar_before changed new_snapshots snapshots has_another_snapshot whole_before taken_at load_no load_id loaded_at is_whole
  as_of finished_at ledger records fault winners readings_ first_day_ groups place everything looked runs series
  reports_of_it from_at counted_from is_counted is_everything is_all followed period latest firsts totals stretch counted
  counted_up expected actual row_kind run_at built_at previous_at first_reported_at born_day is_born first_unit rejected`;

const taken = [
  "days_covered",
  "is_first",
  "is_baseline",
  "is_reset",
  "is_restated",
  "day",
  "month",
  "readings",
  "differences",
];

/** Words of PostgreSQL beside the others. */
async function names(): Promise<string[]> {
  const { client } = await warehouse({});
  const words = await keywords(client);
  const all = new Set([...inside.trim().split(/\s+/), ...words, ...odd, ...ofObjects]);
  return [...all].filter((name) => !taken.includes(name));
}

interface Case {
  readonly takenAt: string;
  readonly at: string;
  readonly series: readonly string[];
  readonly counters: readonly string[];
  readonly keep: readonly string[];
}

const SIZE = 20;

/** What stands beside the moment of a snapshot. */
const ofLoads = ["load_id", "loaded_at", "is_whole", "whole_before"];

/** Each name as series, as counter and as kept column; some as moments. */
function cases(all: readonly string[]): Case[] {
  return Array.from({ length: Math.ceil(all.length / SIZE) }, (_, index) => {
    const some = (shift: number, count = SIZE) =>
      Array.from({ length: count }, (_, at) => all[((index + shift) * SIZE + at) % all.length]!);
    const [takenAt, at] = some(3).filter((name) => !ofLoads.includes(name)) as [string, string];
    return { takenAt, at, series: some(0), counters: some(1), keep: some(2) };
  });
}

const typed = (names: readonly string[], type: string) => names.map((name) => [name, type] as const);

function call({ takenAt, at, series, counters, keep }: Case, index: number, kind: "log" | "full"): string {
  const by = [series[0]!, keep[0]!];
  const options: CounterOptions = {
    from: ["raw", `readings${index}`],
    kind,
    series: typed(series, "text"),
    takenAt: typed([takenAt], kind === "log" ? "timestamptz" : "date"),
    counters: typed(counters, "bigint"),
    leading: counters[0]!,
    keep: typed(keep, "text"),
    nonNull: keep[0]!,
    unit: keep[0]!,
    rollups: {
      [`days${index}`]: { by, every: "day" },
      [`weeks${index}`]: { by, every: "week" },
      [`months${index}`]: { by, every: "month" },
      [`moments${index}`]: {
        by,
        every: "reading",
        measures: { [at]: `max(${id(suffixed(counters[0]!, "_delta"))})` },
      },
    },
    totals: true,
    ...(kind === "log"
      ? {
          reportedAt: typed([at], "timestamptz"),
          births: { from: ["raw", `births${index}`], key: series[0]!, at: typed([at], "timestamptz") },
          rollups: { [`days${index}`]: { by, every: "day" }, [`moments${index}`]: { every: "reading" } },
        }
      : {}),
  };
  return `counters.publish("odd${index}", ${JSON.stringify(options)});`;
}

function tables({ takenAt, at, series, counters, keep }: Case, index: number): string {
  const columns = (names: readonly string[], type: string) => names.map((name) => `${id(name)} ${type}`);
  const all = [
    ...columns(series, "text"),
    ...columns([takenAt, at], "timestamptz"),
    ...columns(counters, "bigint"),
    ...columns(keep, "text"),
  ];
  return `create table raw.readings${index} (${all.join(", ")}, _load_id bigint, _row_no bigint);
    create table raw.births${index} (${[...columns([series[0]!], "text"), ...columns([at], "timestamptz")].join(", ")});`;
}

/** One reading of one series: each counter is its place and `step` times ten. */
function landing({ takenAt, at, series, counters, keep }: Case, index: number, step: number): string {
  const load = step * 1000 + index;
  const cells = [
    ...series.map((name) => [name, literal(name)]),
    ...[takenAt, at].map((name) => [name, `timestamptz '2026-01-0${step + 1}Z'`]),
    ...counters.map((name, place) => [name, String(place + 10 * step)]),
    ...keep.map((name) => [name, literal(name)]),
    ["_load_id", String(load)],
    ["_row_no", "1"],
  ] as [string, string][];
  return `insert into raw.readings${index} (${cells.map(([name]) => id(name)).join(", ")}) values (${cells.map(([, value]) => value).join(", ")});
    insert into raw._load values (${load}, 'readings${index}', 'loaded', '2026-02-0${step}', 1, 0, 'full', '2026-01-0${step}', null);`;
}

const wrong = ({ errors, steps }: RunReport) => [
  ...(errors ?? []).map(({ message }) => message),
  ...steps.flatMap(({ target, status, error }) =>
    status === "ok" ? [] : [`${target.name}: ${error?.message ?? status}`],
  ),
];

test.each(["log", "full"] as const)(
  "every name is that of a series, of a counter and of a column that is kept, in counters of kind %s",
  async (kind) => {
    const all = cases(await names());
    const house = await warehouse({
      "includes/counters.js": 'module.exports = require("dataform-postgres/includes/counters");',
      "definitions/feeds.js": all
        .map(
          (_, index) =>
            `declare({ schema: "raw", name: "readings${index}" }); declare({ schema: "raw", name: "births${index}" });`,
        )
        .join("\n"),
      "definitions/counters.js": all.map((one, index) => call(one, index, kind)).join("\n"),
    });
    await house.sql(`${makeLedger}; ${all.map(tables).join("\n")}`);
    for (const step of [1, 2]) {
      await house.sql(all.map((one, index) => landing(one, index, step)).join("\n"));
      expect(wrong(await house.run())).toEqual([]);
    }
    for (const [index, { takenAt, series, counters, keep }] of all.entries()) {
      const { columns, rows } = await house.client.table(
        script(`select * from marts.odd${index}_deltas order by ${id(takenAt)}`),
      );
      const cell = (row: number, name: string) => rows[row]![columns.indexOf(name)];
      expect(rows.length).toBe(2);
      expect([...series, ...keep].map((name) => cell(1, name))).toEqual([...series, ...keep]);
      expect(counters.map((name) => cell(1, name))).toEqual(counters.map((_, place) => String(place + 20)));
      expect(counters.map((name) => cell(1, suffixed(name, "_delta")))).toEqual(counters.map(() => "10"));
      expect(counters.map((name) => cell(1, suffixed(name, "_to_date")))).toEqual(
        counters.map((_, place) => String(place + 20)),
      );
    }
  },
  240_000,
);
