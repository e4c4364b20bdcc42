// What is asked of marketing by period, attribute and budget: docs/products/marketing.md, periods and complete days, and what
// columns say of themselves.

import type { Version } from "./changes.ts";
import { byLoad } from "./changes.ts";
import {
  count,
  dayClosedBy,
  dayNamed,
  dayNumber,
  type Exact,
  lastMomentOf,
  type Moment,
  minus,
  moment,
  number,
  order,
  plus,
  ratio,
  sum,
  times,
  written,
  ZERO,
} from "./exact.ts";
import type { Entities, Entity } from "./marketing-entities.ts";
import { place } from "./marketing-entities.ts";
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
import type { Reading } from "./marketing-readings.ts";
import { type Period, ranks, spansOf, stoppedAfter, wilson } from "./periods.ts";
import type { Cell, Expected, Row } from "./relation.ts";

/** Project variables of the tests, so that a few days have all that 28 have. */
export const VARS = { conversion_lag_days: "3", not_delivering_days: "2", minimum_conversions: "4" } as const;
const ACTIVE = ["active", "enabled", "running"];
const UNKNOWN = "(unknown)";

const A_DAY = 86_400_000_000n;

/** Whole days by the clocks of a time zone. */
interface Whole {
  readonly first: string;
  readonly last: string;
}

export function questions(known: Entities, readings: Group): Readonly<Record<string, Expected>> {
  const { campaigns, creatives, zoneOf } = known;
  const daily = readings.filter(({ delta: added }) => added);
  const zones = wholeDays(known, readings);
  // before the first reading no day is whole, and nothing is judged by days
  const judged = zones.size ? [...campaigns] : [];
  const wholeOf = (campaign: string) => zones.get(zoneOf(campaign))!;
  const campaign = (id: string): Row => ({ campaign_id: id, ...named(campaigns.get(id), "campaign") });
  const creative = (id: string): Row => {
    const own = creatives.get(id)?.campaign ?? UNKNOWN;
    return {
      ...{ creative_id: id, ...named(creatives.get(id), "creative") },
      ...{ campaign_id: own, campaign_name: campaigns.get(own)?.name ?? UNKNOWN },
    };
  };
  return {
    "history.complete_days": {
      key: ["time_zone"],
      rows: [...zones].map(([zone, { first, last }]) => ({
        ...{ time_zone: zone, first_complete_day: first, last_complete_day: last },
      })),
    },
    "marketing.campaign_periods": {
      key: ["campaign_id", "currency", "period", "period_start"],
      rows: periods(groups(daily, ["campaign", "currency"]), wholeOf, ([{ campaign: id } = daily[0]!]) => campaign(id)),
    },
    "marketing.creative_periods": {
      key: ["creative_id", "currency", "period", "period_start"],
      rows: periods(groups(daily, ["creative", "currency"]), wholeOf, ([{ creative: id } = daily[0]!]) => creative(id)),
    },
    "marketing.creative_device": {
      key: ["creative_id", "device", "currency"],
      rows: groups(daily, ["creative", "device", "currency"]).map((group) => ({
        ...creative(group[0]!.creative),
        ...{ device: group[0]!.device, currency: group[0]!.currency },
        ...rated(group),
        ...interval(group),
        ...{ first_day: earliest(daysOf(group)), last_day: latest(daysOf(group)) },
        ...flags(group),
      })),
    },
    "marketing.campaign_device_daily": {
      key: ["campaign_id", "device", "day", "currency"],
      rows: groups(daily, ["campaign", "device", "day", "currency"]).map((group) => ({
        ...campaign(group[0]!.campaign),
        ...{ device: group[0]!.device, day: group[0]!.day },
        ...{ time_zone: group[0]!.zone, currency: group[0]!.currency },
        ...rated(group),
        days_covered: daysCovered(group),
        ...flags(group),
      })),
    },
    "marketing.attribute_daily": attributes(known, daily),
    "marketing.budget_pacing": {
      key: ["campaign_id", "currency", "month"],
      rows: judged.flatMap(([id, entity]) => {
        const own = daily.filter((one) => one.campaign === id);
        return pacing(entity, zoneOf(id), wholeOf(id), own).map((row) => ({ ...campaign(id), ...row }));
      }),
    },
    "marketing.campaigns_not_delivering": {
      key: ["campaign_id"],
      rows: judged.flatMap(([id, entity]) => {
        const { is_deleted: _, ...name } = campaign(id);
        const own = daily.filter((one) => one.campaign === id);
        return silent(entity, zoneOf(id), wholeOf(id), own).map((row) => ({ ...name, ...row }));
      }),
    },
    "marketing.conversion_lag": lag(known, readings, zones),
  };
}

function named(entity: Entity | undefined, of: string): Row {
  return { [`${of}_name`]: entity?.name ?? UNKNOWN, is_deleted: entity?.isDeleted ?? false };
}

const daysOf = (group: Group) => group.map(({ day }) => day);
const dayAfter = (day: string, days: number) => dayNamed(dayNumber(day) + days);
const later = (one: string, other: string): string => [one, other].sort().at(-1)!;

function rated(group: Group): Row {
  const { spend, impressions, clicks, conversions } = measures(group);
  const { conversion_value, spend_with_value } = worth(group);
  return {
    ...{ spend, impressions, clicks, conversions, conversion_value, spend_with_value },
    ctr: ratio(clicks, impressions),
    conversion_rate: ratio(conversions, clicks),
    cost_per_click: ratio(spend, clicks),
    spend_per_conversion: ratio(spend, conversions),
    roas: ratio(conversion_value, spend_with_value),
  };
}

function interval(group: Group): Row {
  const { conversions, clicks } = measures(group);
  return wilson(conversions, clicks);
}

/** The clocks of the campaigns, and from when till when a reading said all of a day. */
function wholeDays({ campaigns, lastLoaded, zoneOf }: Entities, readings: Group): Map<string, Whole> {
  const found = new Map<string, Whole>();
  if (!readings.length) return found;
  const isThere = (campaign: string, at: Moment) => {
    const born = campaigns.get(campaign)?.born;
    return born != null && born <= at;
  };
  for (const zone of new Set([...campaigns.keys()].map(zoneOf))) {
    const own = readings.filter((one) => one.zone === zone);
    const times = (all: Group) => all.map(({ at }) => at).sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
    const has = readings.some(({ at }) => at <= lastLoaded + A_DAY);
    const come = (all: Group) => times(has ? all.filter(({ at }) => at <= lastLoaded + A_DAY) : all);
    const [mine, feed] = [come(own), come(readings)];
    const ended = (at: Moment) => dayAfter(dayClosedBy(at + 1n, zone), -1);
    const others = dayAfter(ended(feed.at(-1)!), mine.length ? -1 : 0);
    const begun = (all: Group) => come(all.filter(({ campaign, at }) => isThere(campaign, at)))[0];
    const began = begun(readings) ?? feed[0]!;
    const told = mine[0] === undefined || mine[0] < began ? began : mine[0];
    found.set(zone, {
      first: dayAfter(dayClosedBy(begun(own) ?? told, zone), 1),
      last: mine.length ? later(ended(mine.at(-1)!), others) : others,
    });
  }
  return found;
}

function periods(all: readonly Group[], wholeOf: (campaign: string) => Whole, whose: (group: Group) => Row): Row[] {
  const spans = all.flatMap((group) => {
    const placed = group.flatMap((one) => {
      const { first, last } = wholeOf(one.campaign);
      return spansOf(one.day, first, last).map((period) => ({ period, one, first, last }));
    });
    const keyOf = ({ name, start, end }: Period) => `${name} ${start} ${end}`;
    const of = (key: string) => placed.filter(({ period }) => keyOf(period) === key);
    const keys = new Set(placed.filter(({ period }) => !period.isBefore).map(({ period }) => keyOf(period)));
    const withBefore = (period: Period, isComplete: boolean, group: Group) => {
      const before = placed
        .filter((other) => other.period.name === period.name && other.period.end === dayAfter(period.start, -1))
        .map(({ one }) => one);
      return { period, isComplete, group, before };
    };
    const shown = [...keys].map((key) => {
      const own = of(key).filter(({ period }) => !period.isBefore);
      const isComplete = own.every((other) => other.period.isComplete);
      return withBefore(
        own[0]!.period,
        isComplete,
        own.map(({ one }) => one),
      );
    });
    return [...shown, ...stoppedAfter(placed).map((period) => withBefore(period, period.isComplete, []))];
  });
  const rows = spans.map(({ period, isComplete, group, before }) => {
    const earlier = before.length ? measures(before) : null;
    const [some] = group.length ? group : before;
    return {
      ...whose(group.length ? group : before),
      ...{ currency: some!.currency, period: period.name, period_start: period.start, period_end: period.end },
      is_complete: isComplete,
      has_figures: group.length > 0,
      ...rated(group),
      // what has stopped spends nothing, and that is known
      ...(group.length ? {} : { spend: ZERO }),
      ...interval(group),
      conversions_per_currency_unit: ratio(delta(group, "conversions"), knownDelta(group, "spend")),
      ...Object.fromEntries(
        (["spend", "impressions", "clicks", "conversions"] as const).map((name) => [
          `previous_${name}`,
          earlier?.[name] ?? null,
        ]),
      ),
      ...flags(group),
    } as Row;
  });
  return ranks(rows, Number(VARS.minimum_conversions));
}

/** The version that held at a moment. */
const heldAt = (versions: readonly Version[], at: Moment) =>
  versions.findLast(({ from, till }) => from <= at && (till === null || till > at));

const isOn = ({ says }: Version["change"]) => ACTIVE.includes((says.status ?? "").toLowerCase());
const budgetOf = ({ says }: Version["change"]): Exact | null =>
  says.daily_budget == null ? null : number(says.daily_budget);

const monthOf = (day: string) => `${day.slice(0, 7)}-01`;

function pacing(entity: Entity, zone: string, { first, last }: Whole, own: Group): Row[] {
  const days: string[] = [];
  for (let day = first; day <= last; day = dayAfter(day, 1)) days.push(day);
  const budgets = days.flatMap((day) => {
    const change = heldAt(entity.versions, lastMomentOf(day, zone))?.change;
    const budget = change && isOn(change) ? budgetOf(change) : null;
    return budget && change!.says.currency ? [{ month: monthOf(day), currency: change!.says.currency, budget }] : [];
  });
  const measured = own.filter(({ day }) => first <= day && day <= last);
  const keys = new Set([
    ...budgets.map(({ month, currency }) => `${month} ${currency}`),
    ...measured.map(({ day, currency }) => `${monthOf(day)} ${currency}`),
  ]);
  const current = entity.versions.at(-1)?.till === null ? entity.versions.at(-1)!.change : undefined;
  return [...keys].map((key) => {
    const [month, currency] = key.split(" ") as [string, string];
    const ofMonth = budgets.filter((one) => one.month === month && one.currency === currency);
    const group = measured.filter((one) => monthOf(one.day) === month && one.currency === currency);
    const end = dayAfter(monthOf(dayAfter(month, 31)), -1);
    const elapsed = days.filter((day) => monthOf(day) === month).length;
    const left = Math.max(dayNumber(end) - dayNumber(last), 0);
    const spend = group.length ? knownDelta(group, "spend") : ZERO;
    const budget = ofMonth.length ? sum(ofMonth.map((one) => one.budget)) : null;
    const today = current && isOn(current) && current.says.currency === currency ? budgetOf(current) : null;
    return {
      ...{ currency, month, days_elapsed: count(elapsed), days_left: count(left), budget_days: count(ofMonth.length) },
      ...{ spend, budget_to_date: budget, pace: ratio(spend, budget) },
      projected_spend: spend && plus(spend, ratio(times(spend, count(left)), count(elapsed))!),
      projected_budget: budget && plus(budget, times(today ?? ZERO, count(left))),
      ...flags(group),
    };
  });
}

function silent({ versions, now }: Entity, zone: string, { first, last }: Whole, own: Group): Row[] {
  const spends = (version: Version | undefined) => {
    const budget = version && isOn(version.change) ? budgetOf(version.change) : null;
    return budget !== null && order(budget, ZERO) > 0;
  };
  if (versions.at(-1)?.till !== null || !spends(versions.at(-1))) return [];
  let since = versions.at(-1)!;
  for (const version of versions.toReversed().slice(1))
    if (version.till === since.from && spends(version)) since = version;
    else break;
  const spending = groups(own, ["day", "currency"]).filter((group) => {
    const spend = knownDelta(group, "spend");
    return spend && order(spend, ZERO) > 0;
  });
  const spentOn = latest(spending.map(([one]) => one!.day).filter((day) => day <= dayAfter(last, 1)));
  const from = [dayClosedBy(since.from, zone), dayAfter(first, -1), ...(spentOn ? [spentOn] : [])].reduce(later);
  const days = dayNumber(last) - dayNumber(from);
  if (days < Number(VARS.not_delivering_days)) return [];
  const { account_id, status, currency, daily_budget } = now as Record<string, Cell>;
  return [
    {
      ...{
        account_id: account_id!,
        status: status!,
        currency: currency!,
        daily_budget: daily_budget!,
        time_zone: zone,
      },
      ...{ active_since: written(since.from), last_spend_day: spentOn, last_complete_day: last },
      days_without_spend: count(days),
    },
  ];
}

/** As they were at the end of the day, the first known for days before. */
function attributes({ campaigns, creatives }: Entities, daily: Group): Expected {
  const then = (entity: Entity | undefined, { day, zone }: Reading) => {
    const versions = entity?.versions ?? [];
    return (versions.findLast(({ from }) => from <= lastMomentOf(day, zone)) ?? versions[0])?.change.says;
  };
  const age = ({ creative, day, zone }: Reading): string | null => {
    const born = creatives.get(creative)?.born;
    if (born == null) return null;
    const days = dayNumber(day) - dayNumber(dayClosedBy(born + 1n, zone));
    return days < 7 ? "first 7 days" : days < 28 ? "days 8 to 28" : "older";
  };
  const attributeOf: Readonly<Record<string, (one: Reading) => string | null | undefined>> = {
    account: (one) => then(campaigns.get(one.campaign), one)?.account_id,
    objective: (one) => then(campaigns.get(one.campaign), one)?.objective,
    status: (one) => then(campaigns.get(one.campaign), one)?.status,
    format: (one) => then(creatives.get(one.creative), one)?.format,
    landing_page: (one) => then(creatives.get(one.creative), one)?.landing_url?.split(/[?#]/)[0],
    age,
  };
  const rows = Object.entries(attributeOf).flatMap(([attribute, of]) => {
    const values = new Map(daily.map((one) => [one, of(one) || UNKNOWN]));
    return [...new Set(values.values())].flatMap((value) =>
      groups(
        daily.filter((one) => values.get(one) === value),
        ["day", "currency"],
      ).map((group) => ({
        ...{ attribute, value, day: group[0]!.day, currency: group[0]!.currency },
        ...rated(group),
        ...flags(group),
      })),
    );
  });
  return { key: ["attribute", "value", "day", "currency"], rows };
}

/** How late what was known of conversions was known. */
function lag({ reports }: Entities, readings: Group, zones: ReadonlyMap<string, Whole>): Expected {
  const reported = new Map<string, { at: Moment | null; added: Exact }[]>();
  const keyOf = (creative: string, device: string, measuredAt: string) =>
    JSON.stringify([creative, device, measuredAt]);
  const at = ({ reported_at }: { reported_at?: string | null }) => (reported_at == null ? null : moment(reported_at));
  const sorted = [...reports].sort((a, b) => {
    const [one, other] = [at(a) ?? -1n, at(b) ?? -1n];
    return one < other ? -1 : one > other ? 1 : byLoad(place(a), place(b));
  });
  const last = new Map<string, Exact>();
  for (const row of sorted) {
    const key = keyOf(row.creative_id!, row.device!, row.measured_at!);
    const said = number(row.conversions!);
    const own = reported.get(key) ?? [];
    own.push({ at: at(row), added: minus(said, last.get(key) ?? ZERO) });
    reported.set(key, own);
    last.set(key, said);
  }
  const followed = readings.filter((one) => {
    const ended = dayAfter(zones.get(one.zone)!.last, -Number(VARS.conversion_lag_days));
    return one.delta && !one.isReset && one.day <= ended;
  });
  const steps = followed.flatMap((one) => {
    const before = readings
      .filter(({ creative, device, at: when }) => creative === one.creative && device === one.device && when < one.at)
      .reduce<Reading | null>((a, b) => (a && a.at > b.at ? a : b), null);
    const known = (when: Moment | null) => {
      const moments = [when ?? one.at, one.at].map((each) => dayNumber(dayClosedBy(each + 1n, one.zone)));
      return Math.max(...moments) - dayNumber(one.day);
    };
    const told = (of: Reading) => reported.get(keyOf(of.creative, of.device, of.measuredAt)) ?? [];
    return [
      ...told(one).map((each) => ({ later: known(each.at), added: each.added })),
      ...(before ? told(before).map((each) => ({ later: known(each.at), added: minus(ZERO, each.added) })) : []),
    ];
  });
  const curve = [...new Set(steps.map((step) => step.later))].sort((a, b) => a - b);
  const all = sum(steps.map(({ added }) => added));
  return {
    key: ["days_later"],
    rows: curve.map((days) => {
      const known = sum(steps.filter((step) => step.later <= days).map(({ added }) => added));
      return {
        days_later: count(days),
        conversions_added: sum(steps.filter((step) => step.later === days).map(({ added }) => added)),
        conversions_known: known,
        share_known: ratio(known, all),
        days: count(new Set(daysOf(followed)).size),
      };
    }),
  };
}
