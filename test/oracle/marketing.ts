// Marketing, from docs/products/marketing.md, docs/counters.md and what columns say of themselves: from raw rows to every mart.

import { differing, type Version } from "./changes.ts";
import { count, type Exact, known as knownOf, order, ratio, sum, times, ZERO } from "./exact.ts";
import { type Entity, entities } from "./marketing-entities.ts";
import {
  daysCovered,
  delta,
  earliest,
  flags,
  type Group,
  groups,
  knownDelta,
  latest,
  measures,
  worth,
} from "./marketing-figures.ts";
import { questions } from "./marketing-questions.ts";
import { COUNTERS, type Counter, deltasOf, type Reading } from "./marketing-readings.ts";
import type { Cell, Expected, Oracle, Row } from "./relation.ts";

const MINIMUM_CLICKS = count(100);
/** Those that every reading has. */
const FIGURES = COUNTERS.filter((counter) => counter !== "conversion_value");
const DEVICES = ["desktop", "mobile", "tablet"];

export const marketing: Oracle = (raw) => {
  const known = entities(raw);
  const { campaigns, creatives } = known;
  const readings = deltasOf(known);
  const daily = readings.filter(({ delta }) => delta);
  const campaign = (id: string): Row => {
    const { name, isDeleted } = campaigns.get(id) ?? UNKNOWN;
    return { campaign_id: id, campaign_name: name, is_deleted: isDeleted };
  };
  const creative = (id: string): Row => {
    const { name, isDeleted } = creatives.get(id) ?? UNKNOWN;
    return { creative_id: id, creative_name: name, is_deleted: isDeleted };
  };
  const belonging = (id: string): Row => {
    const { campaign_id, campaign_name } = campaign(creatives.get(id)?.campaign ?? "(unknown)");
    return { ...creative(id), campaign_id: campaign_id!, campaign_name: campaign_name! };
  };
  const money = (group: Group): Row => ({ currency: group[0]!.currency, spend: knownDelta(group, "spend") });
  return {
    ...histories(campaigns, creatives),
    ...facts(readings, daily),
    ...questions(known, readings),
    "marketing.campaign_history": history(campaigns),
    "marketing.campaign_daily": {
      key: ["campaign_id", "day", "currency"],
      rows: groups(daily, ["campaign", "day", "currency"]).map((group) => ({
        ...campaign(group[0]!.campaign),
        campaign_name_as_was: campaigns.get(group[0]!.campaign)?.nameAt(group[0]!.day) ?? "(unknown)",
        ...ofDay(group),
      })),
    },
    "marketing.creative_daily": {
      key: ["creative_id", "campaign_id", "day", "currency"],
      rows: groups(daily, ["creative", "campaign", "day", "currency"]).map((group) => {
        const { campaign_id, campaign_name } = campaign(group[0]!.campaign);
        return {
          ...creative(group[0]!.creative),
          campaign_id: campaign_id!,
          campaign_name: campaign_name!,
          ...ofDay(group),
        };
      }),
    },
    "marketing.campaign_device": {
      key: ["campaign_id", "currency"],
      rows: groups(daily, ["campaign", "currency"]).map((group) => ({
        ...campaign(group[0]!.campaign),
        currency: group[0]!.currency,
        ...byDevice(FIGURES, group, (found, counter) => knownDelta(found, counter)),
        ...flags(group),
      })),
    },
    "marketing.campaign_to_date": {
      key: ["campaign_id", "measured_at", "currency"],
      rows: groups(readings, ["campaign", "currency"]).flatMap((all) => tillEach(all, campaign(all[0]!.campaign))),
    },
    "marketing.creative_to_date": {
      key: ["creative_id", "measured_at", "currency"],
      rows: groups(readings, ["creative", "currency"]).flatMap((all) => tillEach(all, creative(all[0]!.creative))),
    },
    "marketing.conversions_by_campaign": {
      key: ["campaign_id"],
      rows: groups(readings, ["campaign"]).map((group) => ({ ...campaign(group[0]!.campaign), ...conversions(group) })),
    },
    "marketing.conversions_by_creative": {
      key: ["creative_id"],
      rows: groups(readings, ["creative"]).map((group) => ({
        ...belonging(group[0]!.creative),
        ...conversions(group),
      })),
    },
    "marketing.spend_per_conversion": {
      key: ["campaign_id", "currency"],
      rows: groups(daily, ["campaign", "currency"]).map((group) => {
        const inVain = groups(group, ["creative"]).filter((own) => delta(own, "conversions").over === 0n);
        return {
          ...campaign(group[0]!.campaign),
          ...money(group),
          conversions: delta(group, "conversions"),
          spend_per_conversion: ratio(knownDelta(group, "spend"), delta(group, "conversions")),
          spend_without_conversion: delta(inVain.flat(), "spend"),
          ...flags(group),
        };
      }),
    },
    "marketing.best_converting_campaigns": {
      key: ["campaign_id", "currency"],
      rows: ranked(groups(daily, ["campaign", "currency"]), (group) => ({
        ...campaign(group[0]!.campaign),
        ...money(group),
      })),
    },
    "marketing.best_converting_creatives": {
      key: ["creative_id", "currency"],
      rows: ranked(groups(daily, ["creative", "currency"]), (group) => ({
        ...belonging(group[0]!.creative),
        ...money(group),
      })),
    },
  };
};

const UNKNOWN = { name: "(unknown)", isDeleted: false };

/** What a baseline had. */
const before = (group: Group, counter: Counter): Exact =>
  sum(group.map((one) => (one.delta ? ZERO : one.totals[counter]!)));
/** Differences and baselines. */
const toDate = (group: Group, counter: Counter): Exact | null =>
  knownOf(group.map((one) => (one.delta ?? one.totals)[counter]!));

function ofDay(group: Group): Row {
  const { spend, impressions, clicks, conversions } = measures(group);
  const { day, zone, currency } = group[0]!;
  return {
    day,
    time_zone: zone,
    currency,
    ...{ spend, impressions, clicks, conversions },
    ...worth(group),
    ctr: ratio(clicks, impressions),
    conversion_rate: ratio(conversions, clicks),
    cost_per_click: ratio(spend, clicks),
    spend_per_conversion: ratio(spend, conversions),
    roas: ratio(worth(group).conversion_value, worth(group).spend_with_value),
    days_covered: daysCovered(group),
    ...flags(group),
  };
}

function byDevice(
  counters: readonly Counter[],
  group: Group,
  add: (found: Group, counter: Counter) => Exact | null,
): Row {
  const cells = counters.flatMap((counter) =>
    [...DEVICES, "other"].map((device): [string, Cell] => {
      const found = group.filter((one) => (DEVICES.includes(one.device) ? one.device : "other") === device);
      return [`${counter}_${device}`, found.length ? add(found, counter) : null];
    }),
  );
  return Object.fromEntries(cells);
}

function tillEach(all: Group, whose: Row): Row[] {
  return groups(all, ["measuredAt"]).map(([{ measuredAt, at, currency } = all[0]!]) => {
    const till = all.filter((one) => one.at <= at);
    return {
      ...whose,
      measured_at: measuredAt,
      currency,
      spend: toDate(till, "spend"),
      ...byDevice(["impressions", "clicks", "conversions"], till, toDate),
      ...flags(till),
    };
  });
}

function conversions(group: Group): Row {
  const own = group.filter((one) => one.delta);
  return {
    conversions: delta(group, "conversions"),
    conversions_before_feed: before(group, "conversions"),
    conversions_to_date: toDate(group, "conversions"),
    clicks: delta(group, "clicks"),
    conversion_rate: ratio(delta(group, "conversions"), delta(group, "clicks")),
    first_day: earliest(own.map(({ day }) => day)),
    last_day: latest(own.map(({ day }) => day)),
    ...flags(group),
  };
}

function ranked(all: Reading[][], whose: (group: Group) => Row): Row[] {
  const listed = all
    .filter((group) => order(delta(group, "clicks"), MINIMUM_CLICKS) >= 0)
    .map((group) => {
      const { spend, clicks, conversions } = measures(group);
      const perUnit = ratio(conversions, spend);
      return {
        ...whose(group),
        ...{ clicks, conversions },
        conversion_rate: ratio(conversions, clicks),
        conversions_per_currency_unit: perUnit,
        conversions_per_dollar: group[0]!.currency === "USD" ? perUnit : null,
        conversion_rate_per_currency_unit: ratio(conversions, spend && times(clicks, spend)),
        ...flags(group),
      } as Row;
    });
  const rank = (row: Row, by: string, among: readonly Row[]): Cell => {
    const own = row[by] as Exact | null;
    return own && count(1 + among.filter((other) => other[by] && order(other[by] as Exact, own) > 0).length);
  };
  return listed.map((row) => {
    const same = listed.filter(({ currency }) => currency === row.currency);
    return {
      ...row,
      rank_by_conversion_rate: rank(row, "conversion_rate", listed),
      rank_by_conversions_per_currency_unit: rank(row, "conversions_per_currency_unit", same),
      rank_by_conversion_rate_per_currency_unit: rank(row, "conversion_rate_per_currency_unit", same),
    };
  });
}

const versionCells = ({ from, till, endedBy }: Version, index: number, at: (moment: bigint) => string): Row => ({
  version_no: count(index + 1),
  valid_from: at(from),
  valid_to: till === null ? null : at(till),
  is_current: till === null,
  ended_by: endedBy,
});

/** In which order a version says what changed. */
const CHANGED = ["campaign_name", "status", "objective", "currency", "daily_budget", "account_id", "created_at"];

function history(campaigns: ReadonlyMap<string, Entity>): Expected {
  const rows = [...campaigns].flatMap(([id, { versions, cells, written }]) =>
    versions.map((version, index) => {
      const last = versions[index - 1];
      const changed = last ? differing(last.change, version.change) : [];
      const told = CHANGED.filter((column) => changed.includes(column)).join(", ");
      const what = !last ? "created" : last.endedBy === "delete" ? "reappeared" : told;
      return {
        campaign_id: id,
        what_changed: what,
        ...cells(version.change),
        ...versionCells(version, index, written),
      };
    }),
  );
  return { key: ["campaign_id", "valid_from"], rows };
}

/** The histories underneath. */
function histories(campaigns: ReadonlyMap<string, Entity>, creatives: ReadonlyMap<string, Entity>) {
  const of = (all: ReadonlyMap<string, Entity>, key: string): Expected => ({
    key: [key, "valid_from"],
    without: ["change_hash"],
    rows: [...all].flatMap(([id, { versions, cells, written }]) =>
      versions.map((version, index) => ({
        [key]: id,
        ...cells(version.change),
        ...versionCells(version, index, written),
        load_id: version.change.load,
        row_no: version.change.row,
      })),
    ),
  });
  const now = (all: ReadonlyMap<string, Entity>, key: string): Expected => ({
    key: [key],
    rows: [...all].map(([id, entity]) => ({
      [key]: id,
      ...entity.now,
      is_deleted: entity.isDeleted,
      is_unknown: entity.isUnknown,
    })),
  });
  return {
    "history.campaign_versions": of(campaigns, "campaign_id"),
    "history.creative_versions": of(creatives, "creative_id"),
    "history.dim_campaigns": now(campaigns, "campaign_id"),
    "history.dim_creatives": now(creatives, "creative_id"),
  };
}

function facts(readings: Group, daily: Group): Readonly<Record<string, Expected>> {
  const counters = (suffix: string, value: (counter: Counter) => Cell): Row =>
    Object.fromEntries(COUNTERS.map((counter) => [`${counter}${suffix}`, value(counter)]));
  const place = (one: Reading): Row => ({
    creative_id: one.creative,
    device: one.device,
    measured_at: one.measuredAt,
    day: one.day,
    campaign_id: one.campaign,
    currency: one.currency,
    time_zone: one.zone,
    ...counters("", (counter) => one.totals[counter]!),
    load_id: one.load,
    row_no: one.row,
  });
  const key = ["creative_id", "device", "measured_at"];
  const per: (keyof Reading)[] = ["creative", "campaign", "device", "currency"];
  const of = ({ creative, campaign, device, currency }: Reading): Row => ({
    creative_id: creative,
    campaign_id: campaign,
    device,
    currency,
  });
  return {
    "history.stat_snapshots": {
      key,
      rows: readings.map((one) => ({ ...place(one), reported_at: one.reportedAt, is_restated: one.isRestated })),
    },
    "history.stat_deltas": {
      key,
      rows: readings.map((one) => ({
        ...place(one),
        ...counters("_delta", (counter) => one.delta?.[counter] ?? null),
        ...counters("_to_date", (counter) => one.toDate[counter]!),
        days_covered: one.delta && count(one.daysCovered!),
        is_first: one.isFirst,
        is_baseline: !one.delta,
        is_reset: one.isReset,
        is_correction: one.isCorrection,
      })),
    },
    "history.fct_creative_daily": {
      key: ["creative_id", "campaign_id", "device", "day", "currency"],
      rows: groups(daily, [...per, "day"]).map((group) => ({
        ...of(group[0]!),
        day: group[0]!.day,
        ...measures(group),
        conversion_value: worth(group).conversion_value,
        days_covered: daysCovered(group),
        ...flags(group),
      })),
    },
    "history.creative_totals": {
      key: ["creative_id", "campaign_id", "device", "currency"],
      rows: groups(readings, per).map((group) => {
        const own = group.filter((one) => one.delta);
        const baselines = group.filter((one) => !one.delta);
        return {
          ...of(group[0]!),
          ...counters("", (counter) => knownDelta(own, counter)),
          spend_with_value: worth(own).spend_with_value,
          ...counters("_before_feed", (counter) => knownOf(baselines.map(({ totals }) => totals[counter]!))),
          ...flags(group),
          first_day: earliest(own.map(({ day }) => day)),
          last_day: latest(own.map(({ day }) => day)),
        };
      }),
    },
  };
}
