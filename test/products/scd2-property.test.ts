import fc from "fast-check";
import { expect, test } from "vitest";
import { type FeedLoad, historyFiles, landing, makeFeed, makeLedger, scd2Files } from "../support/history.ts";
import { isWhole, rounds } from "../support/proof.ts";
import { type Warehouse, warehouse } from "../support/warehouse.ts";

// Days of January 2024. Few of them, few keys and few values: then they often meet.
interface Entry {
  readonly k: string | null;
  readonly v: string;
  readonly region: string;
  readonly src: number | null;
  readonly gone: boolean;
}

interface Load {
  readonly kind: FeedLoad["kind"];
  readonly asOf: number | null;
  readonly loaded: number;
  readonly rejected: number;
  readonly records: readonly Entry[];
}

const KEYS = ["a", "b", "c", "d", "e", "f"];
const day = fc.integer({ min: 1, max: 7 });
const record: fc.Arbitrary<Entry> = fc.record({
  k: fc.oneof({ weight: 12, arbitrary: fc.constantFrom(...KEYS) }, fc.constant(null)),
  v: fc.constantFrom("x", "y"),
  region: fc.constantFrom("n", "n", "n", "s"),
  src: fc.option(day, { freq: 3 }),
  gone: fc.constantFrom(false, false, false, false, true),
});
const load = (kinds: readonly FeedLoad["kind"][]): fc.Arbitrary<Load> =>
  fc.record({
    kind: fc.constantFrom(...kinds),
    asOf: fc.option(day, { freq: 8 }),
    loaded: fc.integer({ min: 1, max: 9 }),
    rejected: fc.constantFrom(0, 0, 0, 0, 1),
    records: fc.array(record, { maxLength: 9 }),
  });
const LOADS = 5;
const inAnyOrder = (kinds: readonly FeedLoad["kind"][]) =>
  fc.array(load(kinds), { minLength: LOADS, maxLength: LOADS });
/** One a day, in order: only then are most keys left alone. */
const daily = (kinds: readonly FeedLoad["kind"][]) =>
  inAnyOrder(kinds).map((all) => all.map((one, index) => ({ ...one, asOf: index + 1, loaded: index + 1 })));
const scenario = (kinds: readonly FeedLoad["kind"][]) =>
  fc.oneof(
    inAnyOrder(kinds),
    daily(kinds),
    // Keys that go on from their current version.
    { weight: 3, arbitrary: daily(["full", "partial", "partial"]) },
    inAnyOrder(["log", "log", "partial"]),
  );

interface Version {
  readonly from: number;
  readonly value: string;
  readonly place: string;
  to: number | null;
  how: string;
}

/** The rules of docs/history.md once more, as a walk along the records of each key. `known`: loaded until that day. */
function naive(all: readonly Load[], bySlice: boolean, known = Number.POSITIVE_INFINITY): string[] {
  const placed = all.map((one, index) => ({ ...one, id: index + 1 }));
  const counted = placed
    .map((one) => ({
      ...one,
      asOf: one.asOf ?? one.loaded + 1 / 24,
      kind: (one.kind === "full" || one.kind === "slice") && one.rejected > 0 ? ("partial" as const) : one.kind,
    }))
    .filter((one) => one.loaded + 1 / 24 <= known)
    .sort((a, b) => a.loaded - b.loaded || a.id - b.id);
  const lists = (one: (typeof counted)[number], region: string) =>
    one.kind === "full" || (bySlice && one.kind === "slice" && one.records.some((other) => other.region === region));
  const versions: string[] = [];
  for (const key of KEYS) {
    const byMoment = new Map<number, Entry & { moment: number; place: string }>();
    for (const [order, one] of counted.entries()) {
      for (const [row, entry] of one.records.entries()) {
        if (entry.k !== key) continue;
        const isListed = one.kind === "full" || one.kind === "slice";
        const later = counted.slice(order + 1);
        if (isListed && later.some((other) => other.asOf === one.asOf && lists(other, entry.region))) continue;
        const moment = one.kind === "log" ? (entry.src ?? one.asOf) : one.asOf;
        byMoment.set(moment, { ...entry, moment, place: `${one.id}.${row + 1}` });
      }
    }
    versions.push(
      ...walk(
        key,
        [...byMoment.values()].sort((a, b) => a.moment - b.moment),
        (region, from, to) => {
          const found = counted.filter((one) => lists(one, region) && one.asOf > from && one.asOf < to);
          return found.length ? Math.min(...found.map((one) => one.asOf)) : null;
        },
      ),
    );
  }
  return versions;
}

function walk(
  key: string,
  records: readonly (Entry & { moment: number; place: string })[],
  missedBetween: (region: string, from: number, to: number) => number | null,
): string[] {
  const versions: Version[] = [];
  let before: { value: string | null; at: number } | undefined;
  let latestSource: number | null = null;
  const end = (to: number, how: string) => {
    const last = versions.at(-1);
    if (last && last.to === null) Object.assign(last, { to, how });
  };
  for (const [index, { v, region, src, gone, moment, place }] of records.entries()) {
    const value = gone ? null : `${v} ${region}`;
    const previous = records[index - 1];
    const missed = previous && !previous.gone ? missedBetween(previous.region, previous.moment, moment) : null;
    if (missed !== null) end(missed, "delete");
    if (!before || missed !== null || before.value !== value) {
      const hasMovedOn = latestSource === null || (src !== null && src > latestSource);
      const said = src === null || missed !== null || !hasMovedOn ? moment : Math.min(src, moment);
      const at = before && said <= before.at ? moment : said;
      end(at, gone ? "delete" : "change");
      if (value !== null) versions.push({ from: at, value, place, to: null, how: "-" });
      before = { value, at };
    }
    latestSource = Math.max(src ?? 0, latestSource ?? 0) || null;
  }
  const last = records.at(-1);
  const missed = last && !last.gone ? missedBetween(last.region, last.moment, Number.POSITIVE_INFINITY) : null;
  if (missed !== null) end(missed, "delete");
  return versions.map(
    ({ from, value, to, how, place }, index) =>
      `${key} ${index + 1} ${value} ${hours(from)} ${to === null ? "-" : hours(to)} ${how} ${place}`,
  );
}

const hours = (days: number) => Math.round(days * 24);

/** `first`: the number before that of the feed's first load. */
function show(relation: string, first: number): string {
  const hour = (column: string) => `(extract(epoch from ${column} - '2023-12-31 00:00Z') / 3600)::integer`;
  return `select concat_ws(' ', k, version_no, v, region, ${hour("valid_from")}, coalesce(${hour("valid_to")}::text, '-'),
    coalesce(ended_by, '-'), _load_id - ${first} || '.' || _row_no) from ${relation} as versions order by k, version_no`;
}

/** Histories that one run computes. */
const SCENARIOS = isWhole ? 20 : 3;
const FORGETFUL = isWhole ? 20 : 2;
const options = 'key: "k", attributes: { v: "text", region: "text" }, effectiveAt: "src", deleted: "gone"';

/** As many histories as there are scenarios, each with its own feed; one run computes all. */
async function histories(bySlice: boolean, count = SCENARIOS): Promise<Warehouse> {
  const names = Array.from({ length: count }, (_, n) => `h${n}`);
  const known = (name: string) =>
    ` publish("${name}_known", "view").query((ctx) => history.asKnownAt(ctx, "timestamptz '2024-01-05 12:00Z'"));`;
  const made = await warehouse({
    ...scd2Files,
    ...Object.assign(
      {},
      ...names.map((name) => historyFiles(name, `${options}${bySlice ? ', by: ["region"]' : ""}`, known(name))),
    ),
  });
  await made.sql("create extension btree_gist");
  await made.sql(makeLedger);
  for (const name of names)
    await made.sql(makeFeed(name, "k text, v text, region text, src timestamptz, gone boolean"));
  return made;
}

function landingOf(name: string, id: number, one: Load): string {
  const at = (days: number) => `2024-01-${String(days).padStart(2, "0")} 00:00Z`;
  const records = one.records.map(({ src, ...more }) => ({ ...more, src: src === null ? null : at(src) }));
  const { kind, loaded, rejected } = one;
  return landing(name, id, { kind, loaded, rejected, records, ...(one.asOf === null ? {} : { asOf: one.asOf }) });
}

const mixtures: [title: string, bySlice: boolean, kinds: FeedLoad["kind"][]][] = [
  ["full, partial and log batches", false, ["full", "full", "partial", "log"]],
  ["slices among them", true, ["full", "slice", "slice", "partial", "log"]],
];

test.each(mixtures)(
  "%s in any order: after each run the history is that of a naive walk, and a full refresh changes nothing",
  async (_, bySlice, kinds) => {
    const { run, rows, sql } = await histories(bySlice);
    await fc.assert(
      fc.asyncProperty(fc.array(scenario(kinds), { minLength: SCENARIOS, maxLength: SCENARIOS }), async (scenarios) => {
        await sql("truncate raw._load");
        for (let n = 0; n < SCENARIOS; n++) await sql(`truncate raw.h${n}_feed`);
        // A batch that is sent again may take most of a history back, which a guard would hold.
        expect((await run({ fullRefresh: true, allowLoss: ["*"] })).status).toBe("success");
        const compare = async (count: number) => {
          for (const [n, all] of scenarios.entries()) {
            const landed = all.slice(0, count);
            expect(await rows(show(`marts.h${n}`, n * LOADS)), JSON.stringify(landed)).toEqual(naive(landed, bySlice));
            expect(await rows(show(`marts.h${n}_known`, n * LOADS)), `as known: ${JSON.stringify(landed)}`).toEqual(
              naive(landed, bySlice, 5.5),
            );
          }
        };
        for (let count = 1; count <= LOADS; count++) {
          for (const [n, all] of scenarios.entries()) await sql(landingOf(`h${n}`, n * LOADS + count, all[count - 1]!));
          const report = await run({ allowLoss: ["*"] });
          expect(report.steps.filter(({ status, kind }) => status === "failed" && kind !== "assertion")).toEqual([]);
          expect(
            report.steps.filter(({ status, target }) => status === "failed" && !target.name.endsWith("_source")),
          ).toEqual([]);
          await compare(count);
        }
        const incremental: string[][] = [];
        const all = (n: number) => rows(`select * from marts.h${n} order by k, version_no`);
        for (const n of scenarios.keys()) incremental.push(await all(n));
        await run({ fullRefresh: true, allowLoss: ["*"] });
        for (const [n, expected] of incremental.entries()) expect(await all(n)).toEqual(expected);
      }),
      { numRuns: rounds(1, 10), endOnFailure: true },
    );
  },
);

interface Losses {
  readonly loads: readonly Load[];
  /** After each load: for each load up to it, whether its rows go, or its line in the ledger, too. */
  readonly gone: readonly (readonly ("rows" | "line" | "")[])[];
}

test.each(mixtures)(
  "%s, of which loads vanish from raw: the history goes on as though they were there",
  async (_, bySlice, kinds) => {
    const { run, rows, sql } = await histories(bySlice, FORGETFUL);
    const forgetful: fc.Arbitrary<Losses> = fc.record({
      loads: daily(kinds).map((all) =>
        all.map((one) => ({ ...one, records: one.records.map((entry) => ({ ...entry, src: null })) })),
      ),
      gone: fc.array(
        fc.array(fc.constantFrom("", "", "rows" as const, "line" as const), { minLength: LOADS, maxLength: LOADS }),
        { minLength: LOADS, maxLength: LOADS },
      ),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(forgetful, { minLength: FORGETFUL, maxLength: FORGETFUL }), async (scenarios) => {
        for (let step = 0; step < LOADS; step++) {
          for (const [n, { loads }] of scenarios.entries())
            await sql(landingOf(`h${n}`, n * LOADS + step + 1, loads[step]!));
          const report = await run();
          const failed = report.steps.filter(
            ({ status, target }) => status !== "ok" && !target.name.endsWith("_source"),
          );
          expect(failed, JSON.stringify(scenarios)).toEqual([]);
          for (const [n, { loads, gone }] of scenarios.entries()) {
            expect(await rows(show(`marts.h${n}`, n * LOADS)), JSON.stringify(scenarios[n])).toEqual(
              naive(loads.slice(0, step + 1), bySlice),
            );
            for (const [at, how] of gone[step]!.slice(0, step + 1).entries()) {
              if (how) await sql(`delete from raw.h${n}_feed where _load_id = ${n * LOADS + at + 1}`);
              if (how === "line") await sql(`delete from raw._load where load_id = ${n * LOADS + at + 1}`);
            }
          }
        }
      }),
      { numRuns: 1, endOnFailure: true },
    );
  },
);
