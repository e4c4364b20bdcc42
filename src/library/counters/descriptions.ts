import { groupOf, measuresOf, type Rollup } from "./rollups.ts";
import { beforeFeedOf, deltaOf, type Shape, toDateOf } from "./shape.ts";

export type Descriptions = Readonly<Record<string, string>>;

/** What the author says of the columns. Outside names are looked up in a Map: an object has names of its own. */
export type Told = ReadonlyMap<string, string>;

/** What each column of the models is, by its name. Those that the author tells win. */
export function descriptionsOf(shape: Shape, told: Told): ReadonlyMap<string, string> {
  const { series, takenAt, day, counters, reportedAt, loadOrder, optional, ofUnit } = shape;
  const till = takenAt.name;
  const mayMiss = (name: string) => [
    ...(optional.has(name) ? ["where either did not say it"] : []),
    ...(ofUnit.has(name) ? [`where they are in another ${shape.unit}`] : []),
  ];
  const nulls = (name: string) => ["NULL on a baseline", ...mayMiss(name)].join(", and ");
  const counted = [...counters.keys()].map((name) => [name, withoutStop(told.get(name) ?? name)] as const);
  return new Map<string, string>([
    ...[...series.keys()].map((name): [string, string] => [name, "Names the counter."]),
    [takenAt.name, "The moment the totals are counted up to."],
    [day, day === takenAt.name ? "The day the totals are counted up to." : "The day the reading closes."],
    ...(reportedAt ? ([[reportedAt.name, "When the report that counts was made."]] as const) : []),
    [loadOrder[0], "The load that brought the reading that counts."],
    [loadOrder[1], "Position of that reading in its load."],
    ["is_restated", "True if a report from earlier was replaced. One of the same time, or of none, replaces silently."],
    ["days_covered", "Days the delta covers: more than 1 after missing days; NULL on a baseline."],
    ["is_first", "True for the first reading of its series."],
    ["is_baseline", "True for the first reading of what is older than the feed, or may be: a total of unknown age."],
    ["is_reset", "True where counters are lower than before because they restarted: their deltas are their values."],
    ["is_correction", "True where a counter is lower than before and did not restart: its delta is below zero."],
    ...told,
    ...counted.flatMap(([name, what]): [string, string][] => [
      [name, `${what} till ${till}, as reported${optional.has(name) ? "; NULL where it is not" : ""}.`],
      [deltaOf(name), told.get(deltaOf(name)) ?? `${what} since the reading before; ${nulls(name)}.`],
      [
        toDateOf(name),
        told.get(toDateOf(name)) ??
          `${what} till ${till}: baseline plus deltas${ofUnit.has(name) ? `, from 0 on in another ${shape.unit}` : ""}.`,
      ],
    ]),
  ]);
}

/** The same for a roll-up. */
export function describeRollup(rollup: Rollup, told: Told, own: Told, store: string): Descriptions {
  const { shape, every } = rollup;
  const known = new Map<string, string>([
    ...descriptionsOf(shape, told),
    ["week", "The first day of the week, a Monday."],
    ["month", "The first day of the month."],
    ["readings", "Readings; 0 where there were some and are no more."],
    ["differences", "Readings with a difference: the others are baselines."],
    ["first_day", "First day with a difference."],
    ["last_day", "Last day with a difference."],
    ["days_covered", "Most days that one difference covers."],
    ["has_reset", "True where a counter restarted from zero."],
    ["has_correction", "True where a counter was corrected downwards: a difference is below zero."],
    ["computed_from", `The run of ${store} that this was computed from.`],
    ...(every === "day" ? ([[shape.day, "The day."]] as const) : []),
    ...[...shape.counters.keys()].flatMap((name): [string, string][] => {
      const what = withoutStop(told.get(name) ?? name);
      return [
        [name, `${what}; NULL where nothing but baselines was read.`],
        [beforeFeedOf(name), `${what} before the feed: what baselines already had; NULL without one.`],
      ];
    }),
    ...own,
  ]);
  return pick(known, [...groupOf(rollup), ...measuresOf(rollup).keys(), "computed_from"]);
}

/** The same for the totals of the series. */
export function describeTotals(shape: Shape, told: Told, store: string): Descriptions {
  const known = new Map<string, string>([
    ...descriptionsOf(shape, told),
    ["first_day", "The day of the first reading; NULL where none is left."],
    ["last_day", "The day of the last reading."],
    ["computed_from", `The run of ${store} that this was computed from.`],
    ...[...shape.counters.keys()].flatMap((name): [string, string][] => {
      const what = withoutStop(told.get(name) ?? name);
      return [
        [name, `${what} in all: baseline plus deltas; NULL where no reading is left.`],
        [beforeFeedOf(name), `${what} of the baseline: before the feed; 0 without one.`],
      ];
    }),
  ]);
  const counters = [...shape.counters.keys()];
  return pick(known, [
    ...shape.series.keys(),
    ...counters,
    ...counters.map(beforeFeedOf),
    "first_day",
    "last_day",
    "computed_from",
  ]);
}

/** Those of these columns; Dataform refuses descriptions of others only later. */
export function pick(known: ReadonlyMap<string, string>, names: Iterable<string>): Descriptions {
  return Object.fromEntries([...names].flatMap((name) => (known.has(name) ? [[name, known.get(name)!]] : [])));
}

function withoutStop(text: string): string {
  return text.replace(/\.$/, "");
}
