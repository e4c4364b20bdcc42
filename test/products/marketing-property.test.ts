import fc from "fast-check";
import { test } from "vitest";
import { followsWhatLands } from "../support/following.ts";
import { rounds } from "../support/proof.ts";

// Reports in any order, repeated and restated, loads struck out, creatives described late. Few of everything: they often meet.
interface Report {
  readonly creative: number;
  readonly device: string;
  /** Of two a day: 1 and 2 close January 1. */
  readonly half: number;
  readonly reported: number | null;
  readonly campaign: string | null;
  readonly totals: readonly number[];
}

interface Arrival {
  readonly reports: readonly Report[];
  /** A creative that the feed now describes, and the day in January it was created. */
  readonly described: { readonly creative: number; readonly born: number } | null;
  /** An earlier load that is struck out together with this one's arrival. */
  readonly strikes: number | null;
}

const ARRIVALS = 5;
const count = fc.integer({ min: 0, max: 5 });
const report: fc.Arbitrary<Report> = fc.record({
  creative: fc.integer({ min: 1, max: 2 }),
  device: fc.constantFrom("mobile", "tablet"),
  half: fc.integer({ min: 1, max: 8 }),
  reported: fc.option(fc.integer({ min: 1, max: 3 }), { freq: 5 }),
  campaign: fc.constantFrom("c1", "c1", "c2", null),
  totals: fc.tuple(count, count, count, count),
});
const arrival: fc.Arbitrary<Arrival> = fc.record({
  reports: fc.array(report, { maxLength: 6 }),
  described: fc.option(fc.record({ creative: fc.integer({ min: 1, max: 2 }), born: fc.integer({ min: 1, max: 4 }) })),
  strikes: fc.option(fc.integer({ min: 1, max: ARRIVALS }), { freq: 4 }),
});

const dayOf = (half: number) => Math.ceil(half / 2);

/** The rules of docs/products/marketing.md once more, as a walk along the readings of each counter. */
function naive(arrivals: readonly Arrival[]): string[] {
  const struck = new Set(arrivals.map(({ strikes }, index) => (strikes !== null && strikes <= index ? strikes : 0)));
  const births = new Map<number, number>();
  // all of one moment: the last loaded says it
  // of several that the feed says the earliest counts: docs/counters.md
  for (const [index, { described }] of arrivals.entries())
    if (described && !struck.has(index + 1))
      births.set(described.creative, Math.min(described.born, births.get(described.creative) ?? described.born));
  const standing = arrivals
    .flatMap(({ reports }, index) => reports.map((one, place) => ({ ...one, load: index + 1, place })))
    .filter(({ load }) => !struck.has(load))
    .sort((a, b) => a.half - b.half || (a.reported ?? 0) - (b.reported ?? 0) || a.load - b.load || a.place - b.place);
  // a reading before its own creative began does not make the feed that old
  const seriesOf = ({ creative, device }: Report) => `${creative} ${device}`;
  const opening = standing.filter((one, at) => standing.findIndex((other) => seriesOf(other) === seriesOf(one)) === at);
  const hadBegun = opening.filter(({ creative, half }) => (births.get(creative) ?? Number.NaN) <= dayOf(half));
  const firstDay = Math.min(...(hadBegun.length ? hadBegun : opening).map(({ half }) => dayOf(half)));
  const lines: string[] = [];
  for (const creative of [1, 2])
    for (const device of ["mobile", "tablet"]) {
      const counter = standing.filter((one) => one.creative === creative && one.device === device);
      const readings = counter.filter(({ half }, index) => counter[index + 1]?.half !== half);
      const born = births.get(creative);
      let before: Report | undefined;
      let toDate = [0, 0, 0, 0];
      for (const reading of readings) {
        const { half, totals, campaign } = reading;
        const fell = totals.map((value, index) => before !== undefined && value < before.totals[index]!);
        const deltas = totals.map((value, index) => (!before || fell[1] ? value : value - before.totals[index]!));
        toDate = toDate.map((sum, index) => sum + deltas[index]!);
        // the creative was there without the device: all of it is new
        const without = standing.findLast((one) => one.creative === creative && one.half < half);
        const isBorn = without !== undefined || (born !== undefined && born >= firstDay);
        const bornDay = without === undefined ? (born ?? 0) : dayOf(without.half) + 1;
        const days = before ? dayOf(half) - dayOf(before.half) : Math.max(dayOf(half) - bornDay + 1, 1);
        const delta = !before && !isBorn ? "baseline" : `+${deltas.join(" +")} in ${days}`;
        const reset = fell[1] ? " reset" : fell.includes(true) ? " correction" : "";
        lines.push(`${creative} ${device} ${half} ${campaign ?? "(unknown)"}: ${delta}, ${toDate.join(" ")}${reset}`);
        before = reading;
      }
    }
  return lines;
}

const moment = (half: number) => `timestamptz '2026-01-01Z' + interval '12 hours' * ${half}`;
const text = (value: string | null) => (value === null ? "null" : `'${value}'`);

function landing(id: number, { reports, described, strikes }: Arrival): string {
  const rows = reports.map(
    ({ creative, device, half, reported, campaign, totals }, index) =>
      `('${creative}', ${text(campaign)}, '${device}', ${moment(half)},
        ${reported === null ? "null" : `timestamptz '2026-02-01Z' + interval '1 day' * ${reported}`}, 'USD',
        ${totals.join(", ")}, ${id}, ${index + 1})`,
  );
  return `
    ${rows.length ? `insert into raw.marketing_stats values ${rows.join(", ")};` : ""}
    insert into raw._load values (${id}, 'marketing_stats', 'loaded', now(), ${rows.length}, 0, 'log', null, '{}');
    ${described ? `insert into raw.marketing_creatives values ('${described.creative}', 'c1', 'name', null, null, false, '2026-01-0${described.born} 09:00Z', '2026-02-01Z', ${id}, 1);` : ""}
    ${strikes === null || strikes >= id ? "" : `update raw._load set status = 'failed' where load_id = ${strikes};`}`;
}

/** What a feed does in a year: one case after the other. */
const example: readonly Arrival[] = [
  // creative 1 is older than the feed, 2 was born in it
  {
    reports: [told(1, 2, 1, [5, 5, 3, 1]), told(2, 4, 1, [1, 1, 1, 0])],
    described: { creative: 2, born: 1 },
    strikes: null,
  },
  // clicks alone are corrected, and a day is missing; then all restarts, conversions too, though they are higher than before
  { reports: [told(1, 6, 1, [5, 5, 2, 1]), told(1, 8, 1, [2, 2, 1, 3])], described: null, strikes: null },
  // restated downwards in the middle, under another campaign; the same report once more; a new last one
  {
    reports: [told(1, 6, 2, [4, 3, 2, 1], "c2"), told(2, 4, 1, [1, 1, 1, 0]), told(2, 8, 1, [2, 2, 2, 0])],
    described: null,
    strikes: null,
  },
  // a reading before the feed began, and a late one between two
  { reports: [told(2, 1, 1, [0, 1, 0, 0]), told(1, 4, 1, [5, 5, 3, 1])], described: null, strikes: null },
  // the restatement and the last one are struck out, and the old creative was born in the feed after all
  { reports: [], described: { creative: 1, born: 1 }, strikes: 3 },
];

function told(creative: number, half: number, reported: number, totals: number[], campaign = "c1"): Report {
  return { creative, device: "mobile", half, reported, campaign, totals };
}

test("marketing: reports in any order, restated and struck out: after each run the deltas are those of a naive walk, and a full refresh changes nothing in any mart", async () => {
  await followsWhatLands({
    paths: ["definitions/marketing", "includes", "ingest"],
    tables: {
      marketing_campaigns:
        "id text, account_id text, time_zone text, name text, status text, objective text, currency text, daily_budget numeric, deleted boolean, created_at timestamptz, updated_at timestamptz, _load_id bigint, _row_no bigint",
      marketing_creatives:
        "id text, campaign_id text, name text, format text, landing_url text, deleted boolean, created_at timestamptz, updated_at timestamptz, _load_id bigint, _row_no bigint",
      marketing_stats:
        "creative_id text, campaign_id text, device text, measured_at timestamptz, reported_at timestamptz, currency text, spend numeric, impressions bigint, clicks bigint, conversions bigint, _load_id bigint, _row_no bigint, conversion_value numeric",
    },
    // It only tells.
    without: ["marketing_rates_are_usual"],
    arrival,
    arrivals: ARRIVALS,
    store: "history.stat_store",
    scenarios: rounds(1, 30),
    examples: [example],
    landing,
    naive,
    shown: `select creative_id || ' ' || device || ' ' || extract(epoch from measured_at - '2026-01-01Z')::integer / 43200 || ' ' || campaign_id || ': '
        || case when is_baseline then 'baseline' else concat('+', trim_scale(spend_delta), ' +', impressions_delta, ' +', clicks_delta, ' +', conversions_delta, ' in ', days_covered) end
        || concat(', ', trim_scale(spend_to_date), ' ', impressions_to_date, ' ', clicks_to_date, ' ', conversions_to_date)
        || case when is_reset then ' reset' when is_correction then ' correction' else '' end
      from history.stat_deltas order by creative_id, device, measured_at`,
    relations: [
      "history.stat_snapshots",
      "history.stat_deltas",
      "history.fct_creative_daily",
      ...[
        "attribute_daily",
        "best_converting_campaigns",
        "best_converting_creatives",
        "budget_pacing",
        "campaign_daily",
        "campaign_device",
        "campaign_device_daily",
        "campaign_periods",
        "campaign_to_date",
        "campaigns_not_delivering",
        "conversions_by_campaign",
        "conversions_by_creative",
        "creative_daily",
        "creative_device",
        "creative_periods",
        "creative_to_date",
        "spend_per_conversion",
      ].map((name) => `marketing.${name}`),
    ],
  });
});
