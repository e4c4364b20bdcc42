// Advertising networks, from docs/products/ads.md, docs/history.md (reports that are read again, and full lists) and what columns
// say of themselves: campaigns and ads, by day and device.

import { listsOf } from "./ads-lists.ts";
import { MEASURES, type Measure, NETWORKS, type Report, UNKNOWN } from "./ads-networks.ts";
import { adsQuestions, moneyOf } from "./ads-questions.ts";
import { rateDays, rateOf } from "./ads-rates.ts";
import {
  closes,
  feedOf,
  isFinal,
  type Line,
  lastFinal,
  linesOf,
  loadsOf,
  wholeDays,
  zoneOf,
  zoneTold,
} from "./ads-reports.ts";
import { count, dayClosedBy, dayNumber, type Exact, known, ratio, rounded, times, written } from "./exact.ts";
import { type Cell, type Expected, grouped, type Oracle, type Raw, type Row } from "./relation.ts";

export const ads: Oracle = (raw) => {
  const linesFrom = (report: Report) => NETWORKS.flatMap((network) => linesOf(raw, network, report));
  const factsFrom = (all: readonly Line[]) =>
    all.filter(({ isCurrent }) => isCurrent).map((line) => ({ line, ...factOf(raw, line) }));
  const lines = linesFrom("campaign_daily");
  const facts = factsFrom(lines);
  const adLines = linesFrom("ad_daily");
  const adFacts = factsFrom(adLines);
  const lists = listsOf(raw);
  const restated = lines.flatMap((line) => line.changes.map((change) => ({ line, change })));
  const dayOf = ({ network, said }: Line) => `${network.platform} ${said.campaign} ${said.day}`;
  return {
    ...adsQuestions({
      ...{ lines, facts, adFacts, sums, lists },
      whole: (network) => wholeDays(raw, network),
      isFinal: (network, day) => isFinal(loadsOf(raw, network), day),
      dayAt: (network, at) => dayClosedBy(at + 1n, zoneOf(raw, network)),
    }),
    ...lists.relations(
      facts.map(({ line }) => line),
      adFacts.map(({ line }) => line),
    ),
    ...versions(raw, lines, adLines),
    "ads_history.exchange_rate_days": rateDays(raw),
    "ads_history.account_time_zones": {
      key: ["platform", "account_id"],
      rows: NETWORKS.flatMap((network) => {
        const told = zoneTold(raw, network);
        const { platform, account: account_id } = network;
        return told === null ? [] : [{ platform, account_id, time_zone: zoneOf(raw, network), told }];
      }),
    },
    "ads_history.account_complete_days": {
      key: ["platform", "account_id"],
      rows: NETWORKS.flatMap((network) => {
        const whole = wholeDays(raw, network);
        const { platform, account: account_id } = network;
        return whole
          ? [
              {
                platform,
                account_id,
                first_complete_day: whole.first,
                last_complete_day: whole.last,
                last_final_day: lastFinal(loadsOf(raw, network)),
              },
            ]
          : [];
      }),
    },
    "ads_history.fct_campaign_daily": {
      key: ["platform", "account_id", "day", "campaign_id", "device"],
      without: ["date_day", "attribution_setting"],
      rows: facts.map(({ cells }) => cells),
    },
    "ads_history.fct_ad_daily": {
      key: ["platform", "account_id", "day", "campaign_id", "ad_group_id", "creative_id", "device"],
      without: ["date_day", "attribution_setting"],
      rows: adFacts.map(({ cells }) => cells),
    },
    "ads.creative_daily": {
      key: ["platform", "account_id", "campaign_id", "ad_group_id", "creative_id", "day", "currency"],
      rows: grouped(adFacts, ({ line }) => `${adDayOf(line)} ${line.said.currency}`).map((own) => {
        const { line } = own[0]!;
        return {
          ...{ ...place(line), ...line.said.ad, day: line.said.day, currency: moneyOf(line) },
          ...adNames(lists.names("ad_groups", line), lists.names("ads", line)),
          ...sums(own),
          is_final: own.every(({ cells }) => cells.is_final),
          is_partial: own.some(({ cells }) => cells.is_partial),
          n_restatements: count(
            new Set(adLines.flatMap((one) => (adDayOf(one) === adDayOf(line) ? one.changes.map(({ at }) => at) : [])))
              .size,
          ),
        };
      }),
    },
    "ads.campaign_daily": {
      key: ["platform", "account_id", "campaign_id", "day", "currency"],
      rows: grouped(facts, ({ line }) => `${dayOf(line)} ${line.said.currency}`).map((own) => {
        const { line } = own[0]!;
        return {
          ...place(line),
          day: line.said.day,
          currency: moneyOf(line),
          ...campaignNames(lists.names("campaigns", line)),
          ...sums(own),
          is_final: own.every(({ cells }) => cells.is_final),
          is_partial: own.some(({ cells }) => cells.is_partial),
          n_restatements: count(
            new Set(restated.filter((one) => dayOf(one.line) === dayOf(line)).map(({ change }) => change.at)).size,
          ),
        };
      }),
    },
    "ads.campaign_by_device": {
      key: ["platform", "account_id", "campaign_id", "device", "currency"],
      rows: grouped(facts, ({ line: { network, said } }) =>
        [network.platform, said.campaign, said.device, said.currency].join(" "),
      ).map((own) => {
        const { line } = own[0]!;
        const { now, isDeleted } = lists.names("campaigns", line);
        return {
          ...place(line),
          device: line.said.device,
          currency: moneyOf(line),
          ...{ campaign_name: now, is_deleted: isDeleted },
          ...sums(own),
        };
      }),
    },
    "ads.restatements": {
      ...changesOf(lines),
      rows: restated.map(({ line, change }) => ({
        ...changeRow(line, change),
        currency: (change.after ?? change.before)!.currency ?? UNKNOWN,
        campaign_name: lists.names("campaigns", line).now,
        days_later: count(dayNumber(dayClosedBy(change.at + 1n, zoneOf(raw, line.network))) - dayNumber(line.said.day)),
      })),
    },
  };
};

/** What was said when, and what each of it changed. */
function versions(raw: Raw, lines: readonly Line[], adLines: readonly Line[]): Readonly<Record<string, Expected>> {
  return {
    "ads_history.campaign_daily_versions": versionsOf(raw, lines),
    "ads_history.ad_daily_versions": versionsOf(raw, adLines),
    "ads_history.campaign_changes": changesOf(lines),
    "ads_history.ad_changes": changesOf(adLines),
  };
}

const versionsOf = (raw: Raw, lines: readonly Line[]): Expected => ({
  key: ["platform", "account_id", "campaign_id", "ad_group_id", "creative_id", "day", "device", "known_from"],
  without: ["date_day"],
  rows: lines.flatMap((line) =>
    line.versions.map(({ said, from, till, endedBy }) => ({
      ...{ ...place(line), ...said.ad, day: said.day, device: said.device, currency: said.currency, ...said.figures },
      ...{
        attribution_setting: said.attribution,
        feed: feedOf(line),
        load_id: said.row._load_id!,
        known_from: written(from),
      },
      ...{ known_to: till === null ? null : written(till), is_current: till === null, ended_by: endedBy },
      closes_at: written(closes(raw, line.network, said.day)),
    })),
  ),
});

const changesOf = (lines: readonly Line[]): Expected => ({
  key: ["platform", "account_id", "campaign_id", "ad_group_id", "creative_id", "day", "device", "feed", "restated_at"],
  without: ["date_day"],
  rows: lines.flatMap((line) => line.changes.map((change) => changeRow(line, change))),
});

const changeRow = (line: Line, { at, what, before, after }: Line["changes"][number]): Row => ({
  ...{ ...place(line), ...line.said.ad, day: line.said.day, device: line.said.device },
  ...{ currency: (after ?? before)!.currency, feed: feedOf(line), restated_at: written(at), what_happened: what },
  ...Object.fromEntries(
    (["spend", "conversions", "conversion_value"] as const).flatMap((measure) => [
      [`${measure}_before`, before?.figures[measure] ?? null],
      [`${measure}_after`, after?.figures[measure] ?? null],
    ]),
  ),
});

const adDayOf = ({ network, said: { campaign, ad, day } }: Line) =>
  JSON.stringify([network.platform, campaign, ad, day]);

type Names = ReturnType<ReturnType<typeof listsOf>["names"]>;

const campaignNames = ({ now, asWas, isDeleted }: Names): Row => ({
  ...{ campaign_name: now, campaign_name_as_was: asWas, is_deleted: isDeleted },
});
const adNames = (group: Names, ad: Names): Row => ({
  ...{ ad_group_name: group.now, ad_group_name_as_was: group.asWas },
  ...{ creative_name: ad.now, creative_name_as_was: ad.asWas, is_deleted: ad.isDeleted },
});

const place = ({ network, said }: Line): Row => ({
  ...{ platform: network.platform, account_id: network.account, campaign_id: said.campaign },
});

function factOf(raw: Raw, { network, report, said, firstSeen, changes }: Line) {
  const loads = loadsOf(raw, network, report);
  const reads = loads.filter(({ start, end }) => start <= said.day && said.day <= end);
  const { rate, rateDate } = said.currency ? rateOf(raw, said.currency, said.day) : { rate: null, rateDate: null };
  const reported = (amount: Exact | null) => amount && rate && rounded(times(amount, rate), 6);
  const reporting = { spend: reported(said.figures.spend), value: reported(said.figures.conversion_value) };
  const cells: Row = {
    ...{ platform: network.platform, account_id: network.account, day: said.day, campaign_id: said.campaign },
    ...{ ...said.ad, device: said.device, currency: said.currency, ...said.figures },
    spend_reporting: reporting.spend,
    conversion_value_reporting: reporting.value,
    rate_date: rate && rateDate,
    is_final: isFinal(loads, said.day),
    is_partial: reads.at(-1)!.at <= closes(raw, network, said.day),
    first_seen_at: written(firstSeen),
    last_restated_at: changes.length ? written(changes.at(-1)!.at) : null,
    n_restatements: count(changes.length),
    feed: feedOf({ network, report }),
    load_id: said.row._load_id!,
  };
  return { cells, reporting };
}

export type Fact = ReturnType<typeof factOf> & { readonly line: Line };

/** Sums, NULL where nothing is known; in the reporting currency also where a part has no rate. */
function sums(own: readonly Fact[]): Row {
  const of = (measure: Measure) => known(own.map(({ line }) => line.said.figures[measure]));
  const inDollars = (measure: Measure, value: (fact: Fact) => Exact | null) =>
    own.some((fact) => fact.line.said.figures[measure] && !value(fact)) ? null : known(own.map(value));
  const [spend, impressions, clicks, conversions, value] = MEASURES.map(of) as [Exact | null, ...(Exact | null)[]];
  const spendReporting = inDollars("spend", ({ reporting }) => reporting.spend);
  const perUnit: Cell = ratio(conversions!, spendReporting);
  return {
    ...{
      spend,
      spend_reporting: spendReporting,
      impressions: impressions!,
      clicks: clicks!,
      conversions: conversions!,
    },
    conversion_value: value!,
    conversion_value_reporting: inDollars("conversion_value", ({ reporting }) => reporting.value),
    has_unmeasured: own.some(({ line }) => line.said.figures.conversions === null),
    ctr: ratio(clicks!, impressions!),
    conversion_rate: ratio(conversions!, clicks!),
    cost_per_click: ratio(spend, clicks!),
    cost_per_mille: ratio(spend && times(spend, count(1000)), impressions!),
    spend_per_conversion: ratio(spend, conversions!),
    roas: ratio(value!, spend),
    conversions_per_currency_unit: ratio(conversions!, spend),
    conversions_per_currency_unit_reporting: perUnit,
    reporting_currency: "USD",
    conversions_per_dollar: perUnit,
  };
}
