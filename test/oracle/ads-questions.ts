// What is asked of the networks by period, device and rank: docs/products/ads.md, and what columns say of themselves.

import type { Fact } from "./ads.ts";
import type { Lists } from "./ads-lists.ts";
import { type Network, UNKNOWN } from "./ads-networks.ts";
import type { Line } from "./ads-reports.ts";
import { count, dayNumber, type Exact, type Moment, order, ratio, sum, times } from "./exact.ts";
import { VARS } from "./marketing-questions.ts";
import { ranks, spansOf, stoppedAfter, wilson } from "./periods.ts";
import { type Cell, type Expected, grouped, type Row } from "./relation.ts";

/** Of the tests: in few days few have a hundred. */
export const MINIMUM_CLICKS = 60;
const MEASURES = ["spend", "impressions", "clicks", "conversions"] as const;
const DEVICES = ["mobile", "tablet", "desktop", "connected_tv", "other", "unknown"];

/** Where neither the report nor a list says a currency. */
export const moneyOf = ({ said }: Line): string => said.currency ?? UNKNOWN;

/** What the reports say, and how it is added up. */
interface Said {
  readonly lines: readonly Line[];
  readonly facts: readonly Fact[];
  readonly adFacts: readonly Fact[];
  sums(own: readonly Fact[]): Row;
  readonly lists: Lists;
  whole(network: Network): { readonly first: string; readonly last: string } | undefined;
  isFinal(network: Network, day: string): boolean;
  dayAt(network: Network, at: Moment): string;
}

export function adsQuestions(said: Said): Readonly<Record<string, Expected>> {
  const { facts, sums, lists } = said;
  const whose = ({ line }: Fact): Row => {
    const { platform, account } = line.network;
    const campaign_name = lists.names("campaigns", line).now;
    return { platform, account_id: account, campaign_id: line.said.campaign, campaign_name };
  };
  const perCampaign = (all: readonly Fact[], byCurrency = true) =>
    grouped(all, ({ line }) => [line.network.platform, line.said.campaign, byCurrency ? moneyOf(line) : ""].join(" "));
  return {
    "ads.campaign_device": {
      key: ["platform", "account_id", "campaign_id", "currency"],
      rows: perCampaign(facts).map((own) => ({
        ...whose(own[0]!),
        currency: moneyOf(own[0]!.line),
        ...byDevice(own, sums),
      })),
    },
    "ads.campaign_to_date": {
      key: ["platform", "account_id", "campaign_id", "day", "currency"],
      rows: perCampaign(facts).flatMap((own) =>
        [...new Set(own.map(({ line }) => line.said.day))].map((day) => ({
          ...whose(own[0]!),
          ...{ day, currency: moneyOf(own[0]!.line) },
          ...sums(own.filter(({ line }) => line.said.day <= day)),
        })),
      ),
    },
    "ads.campaign_rank": {
      key: ["platform", "account_id", "campaign_id"],
      rows: ranked(
        perCampaign(
          facts.filter(({ cells }) => cells.is_final),
          false,
        ),
        sums,
        (fact) => ({
          ...whose(fact),
          is_deleted: lists.names("campaigns", fact.line).isDeleted,
        }),
      ),
    },
    "ads.campaign_periods": {
      key: ["platform", "account_id", "campaign_id", "currency", "period", "period_start"],
      rows: periods(said, perCampaign(facts), (fact) => ({
        ...whose(fact),
        is_deleted: lists.names("campaigns", fact.line).isDeleted,
      })),
    },
    "ads.creative_periods": {
      key: [
        "platform",
        "account_id",
        "campaign_id",
        "ad_group_id",
        "creative_id",
        "currency",
        "period",
        "period_start",
      ],
      rows: periods(
        said,
        grouped(said.adFacts, ({ line: { network, said: of } }) =>
          JSON.stringify([network.platform, of.campaign, of.ad, of.currency]),
        ),
        (fact) => {
          const { now, isDeleted } = lists.names("ads", fact.line);
          return { ...whose(fact), ...fact.line.said.ad, creative_name: now, is_deleted: isDeleted };
        },
      ),
    },
    "ads.conversion_lag": lag(said),
  };
}

function byDevice(own: readonly Fact[], sums: Said["sums"]): Row {
  const cells = DEVICES.flatMap((device): [string, Cell][] => {
    const of = sums(own.filter(({ line }) => line.said.device === device));
    return [
      ...MEASURES.map((measure): [string, Cell] => [`${measure}_${device}`, of[measure]!]),
      [`conversion_rate_${device}`, of.conversion_rate!],
    ];
  });
  return Object.fromEntries(cells);
}

/** Amounts in several currencies are told in the reporting one only. */
const ofSeveral = (of: Row): Row => ({
  ...{ spend: null, conversion_value: null, spend_per_conversion: null, conversions_per_currency_unit: null },
  roas: ratio(of.conversion_value_reporting as Exact | null, of.spend_reporting as Exact | null),
});

function ranked(all: readonly (readonly Fact[])[], sums: Said["sums"], whose: (fact: Fact) => Row): Row[] {
  const rows = all.flatMap((own): Row[] => {
    const currencies = [...new Set(own.map(({ line }) => moneyOf(line)))];
    const of = currencies.length > 1 ? { ...sums(own), ...ofSeveral(sums(own)) } : sums(own);
    const clicks = of.clicks as Exact | null;
    if (!clicks || order(clicks, count(MINIMUM_CLICKS)) < 0) return [];
    const days = own.map(({ line }) => line.said.day).sort();
    const spend = of.spend_reporting as Exact | null;
    const rate = ratio(of.conversions as Exact | null, spend && times(clicks, spend));
    const told = [
      ...["spend", "spend_reporting", "clicks", "conversions", "conversion_value", "has_unmeasured", "conversion_rate"],
      ...["spend_per_conversion", "roas", "conversions_per_currency_unit", "conversions_per_currency_unit_reporting"],
      ...["reporting_currency", "conversions_per_dollar"],
    ];
    return [
      {
        ...whose(own[0]!),
        ...{
          currency: currencies.length > 1 ? "(several)" : currencies[0]!,
          first_day: days[0]!,
          last_day: days.at(-1)!,
        },
        ...Object.fromEntries(told.map((column) => [column, of[column]!])),
        ...{ conversion_rate_per_currency_unit_reporting: rate, cvr_per_dollar: rate },
      },
    ];
  });
  const rank = (row: Row, column: string): Cell => {
    const own = row[column] as Exact | null;
    const better = (other: Row) => other[column] && own && order(other[column] as Exact, own) > 0;
    return own && count(1 + rows.filter(better).length);
  };
  return rows.map((row) => {
    const perUnit = rank(row, "conversions_per_currency_unit_reporting");
    const perUnitOfRate = rank(row, "conversion_rate_per_currency_unit_reporting");
    return {
      ...row,
      rank_by_conversion_rate: rank(row, "conversion_rate"),
      rank_by_roas: rank(row, "roas"),
      ...{ rank_by_conversions_per_currency_unit_reporting: perUnit, rank_by_conversions_per_dollar: perUnit },
      ...{ rank_by_conversion_rate_per_currency_unit_reporting: perUnitOfRate, rank_by_cvr_per_dollar: perUnitOfRate },
    };
  });
}

const OF_PERIODS = [
  ...["spend", "spend_reporting", "impressions", "clicks", "conversions", "conversion_value", "has_unmeasured", "ctr"],
  ...["conversion_rate", "cost_per_click", "cost_per_mille", "spend_per_conversion", "roas"],
  "conversions_per_currency_unit",
];

/** Of a period without a row: networks send none of zeros. */
const NOTHING = {
  ...Object.fromEntries([...MEASURES, "spend_reporting"].map((measure) => [measure, count(0)])),
  has_unmeasured: false,
};

function periods(said: Said, all: readonly (readonly Fact[])[], whose: (fact: Fact) => Row): Row[] {
  const rows = all.flatMap((own) => {
    const { network } = own[0]!.line;
    const whole = said.whole(network);
    const [first, last] = [whole?.first ?? null, whole?.last ?? null];
    const placed = own.flatMap((fact) =>
      spansOf(fact.line.said.day, first, last).map((period) => ({ period, fact, first, last })),
    );
    const shown = grouped(
      placed.filter(({ period }) => !period.isBefore),
      ({ period: { name, start } }) => `${name} ${start}`,
    );
    const all = [
      ...shown.map((spans) => ({ period: spans[0]!.period, facts: spans.map(({ fact }) => fact) })),
      ...stoppedAfter(placed).map((period) => ({ period, facts: [] })),
    ];
    return all.map(({ period: { name, start, end, isComplete }, facts }) => {
      const before = placed.filter(
        ({ period }) => period.name === name && dayNumber(period.end) === dayNumber(start) - 1,
      );
      const of = facts.length ? said.sums(facts) : { ...said.sums(facts), ...NOTHING };
      const earlier = before.length ? said.sums(before.map(({ fact }) => fact)) : null;
      return {
        ...whose(own[0]!),
        ...{ currency: moneyOf(own[0]!.line), period: name, period_start: start, period_end: end },
        ...{ is_complete: isComplete, is_final: said.isFinal(network, end), has_figures: facts.length > 0 },
        ...Object.fromEntries(OF_PERIODS.map((column) => [column, of[column]!])),
        ...wilson(of.conversions as Exact | null, of.clicks as Exact | null),
        ...Object.fromEntries(MEASURES.map((measure) => [`previous_${measure}`, earlier?.[measure] ?? null])),
      } as Row;
    });
  });
  return ranks(rows, Number(VARS.minimum_conversions));
}

/** Of days that are final and were read soon. */
function lag({ lines, facts, isFinal, dayAt }: Said): Expected {
  const left = new Set(facts.map(({ line: { network, said } }) => `${network.platform} ${said.day}`));
  const days = grouped(lines, ({ network, said }) => `${network.platform} ${said.day}`).filter((own) => {
    const { network, said } = own[0]!;
    const seen = own.map(({ firstSeen }) => firstSeen).sort((a, b) => Number(a - b))[0]!;
    const soon = dayNumber(dayAt(network, seen)) - dayNumber(said.day) <= 3;
    return left.has(`${network.platform} ${said.day}`) && isFinal(network, said.day) && soon;
  });
  const rows = grouped(days, ([line]) => line!.network.platform).flatMap((followed) => {
    const steps = followed
      .flat()
      .flatMap(({ network, said, conversions }) =>
        conversions.map(({ at, added }) => ({ later: dayNumber(dayAt(network, at)) - dayNumber(said.day), added })),
      );
    const all = sum(steps.map(({ added }) => added));
    return [...new Set(steps.map(({ later }) => later))].map((days_later) => {
      const known = sum(steps.filter(({ later }) => later <= days_later).map(({ added }) => added));
      return {
        platform: followed[0]![0]!.network.platform,
        days_later: count(days_later),
        conversions_added: sum(steps.filter(({ later }) => later === days_later).map(({ added }) => added)),
        conversions_known: known,
        share_known: ratio(known, all),
        days: count(followed.length),
      };
    });
  });
  return { key: ["platform", "days_later"], rows };
}
