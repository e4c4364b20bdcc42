import { at, DAYS, dayOf } from "./calendar.ts";
import { type Campaign, compare, money } from "./campaigns.ts";
import type { Creative } from "./creatives.ts";
import { planted } from "./planted.ts";
import { around, between, type Random, randomFor } from "./random.ts";

export interface Stats {
  readonly creative_id: string;
  readonly campaign_id: string;
  readonly device: "desktop" | "mobile" | "tablet";
  /** The figures count everything till this moment. */
  readonly measured_at: string;
  readonly reported_at: string;
  readonly currency: string;
  /** Decimal text: money is never a float. */
  readonly spend: string;
  readonly impressions: number;
  readonly clicks: number;
  readonly conversions: number;
  /** What they are worth: only shops know it, so every other campaign says it. */
  readonly conversion_value?: string;
}

interface Figures {
  cents: number;
  impressions: number;
  clicks: number;
  conversions: number;
}

// Made once: 70,000 snapshots share these texts.
const midnights = Array.from({ length: DAYS + 1 }, (_, day) => at(day));
const nightlyReports = Array.from({ length: DAYS + 1 }, (_, day) => at(day, "03:00:00"));

const shares = { desktop: 0.32, mobile: 0.58, tablet: 0.1 } as const;
type Device = keyof typeof shares;

/** Every snapshot as it was reported, by (reported_at, creative_id, device, measured_at). */
export function statsSnapshots(seed: number, campaigns: readonly Campaign[], creatives: readonly Creative[]): Stats[] {
  const history = groupById(creatives);
  const campaignHistory = groupById(campaigns);
  // Made in the order of (creative, device, measured_at), so that only the reports are left to sort.
  const reports = new Map<string, Stats[]>();
  for (const id of [...history.keys()].sort(compare)) {
    for (const device of Object.keys(shares) as Device[]) {
      const random = randomFor(seed, `${id}/${device}`);
      for (const snapshot of snapshotsOf(random, device, history.get(id)!, campaignHistory)) {
        const report = reports.get(snapshot.reported_at);
        if (report) report.push(breakPlanted(snapshot));
        else reports.set(snapshot.reported_at, [breakPlanted(snapshot)]);
      }
    }
  }
  return [...reports.keys()].sort(compare).flatMap((reportedAt) => reports.get(reportedAt)!);
}

function snapshotsOf(
  random: Random,
  device: Device,
  creative: readonly Creative[],
  campaigns: ReadonlyMap<string, readonly Campaign[]>,
): Stats[] {
  const id = creative[0]!.id;
  const born = dayOf(creative[0]!.created_at);
  const rates = ratesOf(random, id, device);
  const total: Figures = { cents: 0, impressions: 0, clicks: 0, conversions: 0 };
  if (born < 0) addDay(total, random, rates, Math.min(-born, 120));
  const restated = planted.restatedCreative.id === id ? { ...total } : undefined;
  const snapshots: Stats[] = [];
  for (let day = Math.max(born, 0); day < DAYS; day++) {
    const measured_at = midnights[day + 1]!;
    const change = creative.findLast((one) => one.updated_at <= measured_at)!;
    const campaign = campaigns.get(change.campaign_id)!.findLast((one) => one.updated_at <= measured_at)!;
    if (change.deleted) break;
    if (id === planted.resetCreative.id && day === planted.resetCreative.day) clear(total);
    const before = { ...total };
    if (campaign.status === "active") addDay(total, random, rates, 1, day);
    if (restated) addRestated(restated, before, total, day);
    if (isGap(id, day)) continue;
    const send = (figures: Figures, reported_at: string) =>
      snapshots.push(snapshotOf(figures, { id, campaign, device, measured_at, reported_at }));
    // The restated series replaces the first one from the moment of the restatement on.
    const late = restated !== undefined && day >= planted.restatedCreative.resent.from;
    const resent = late && day <= planted.restatedCreative.resent.to;
    send(late && !resent ? restated : total, nightlyReports[day + 1]!);
    if (resent) send(restated, planted.restatedCreative.reportedAt);
  }
  return snapshots;
}

interface Rates {
  readonly impressions: number;
  readonly click: number;
  readonly conversion: number;
  readonly centsPerClick: number;
}

function ratesOf(random: Random, id: string, device: Device): Rates {
  return {
    impressions: 10 ** between(random, 2, 3.7) * shares[device],
    click: between(random, 0.005, 0.04),
    conversion: id === planted.withoutConversions.id ? 0 : between(random, 0.01, 0.08),
    centsPerClick: between(random, 20, 300),
  };
}

/** Adds `days` days of traffic to the counters. Weekends are quieter. */
function addDay(total: Figures, random: Random, rates: Rates, days: number, day = 0): void {
  const weekday = (day + 4) % 7;
  const season = weekday === 6 || weekday === 0 ? 0.7 : 1;
  const impressions = around(random, rates.impressions * season * days);
  const clicks = Math.min(impressions, around(random, impressions * rates.click));
  total.impressions += impressions;
  total.clicks += clicks;
  total.conversions += Math.min(clicks, around(random, clicks * rates.conversion));
  total.cents += around(random, clicks * rates.centsPerClick);
}

/** The same day in the restated series: the lowered days count for 60 %. */
function addRestated(restated: Figures, before: Figures, after: Figures, day: number): void {
  const { from, to } = planted.restatedCreative.lowered;
  const share = day >= from && day <= to ? 0.6 : 1;
  for (const name of Object.keys(restated) as (keyof Figures)[]) {
    restated[name] += Math.floor((after[name] - before[name]) * share);
  }
}

function clear(total: Figures): void {
  Object.assign(total, { cents: 0, impressions: 0, clicks: 0, conversions: 0 });
}

interface Moment {
  readonly id: string;
  readonly campaign: Campaign;
  readonly device: Device;
  readonly measured_at: string;
  readonly reported_at: string;
}

/** Field by field: 73,000 objects put together by spreading take four times as long. */
function snapshotOf(figures: Figures, { id, campaign, device, measured_at, reported_at }: Moment): Stats {
  return {
    creative_id: id,
    campaign_id: campaign.id,
    device,
    measured_at,
    reported_at,
    currency: campaign.currency,
    spend: money(figures.cents),
    impressions: figures.impressions,
    clicks: figures.clicks,
    conversions: figures.conversions,
    ...(Number(campaign.id.at(-1)) % 2
      ? {}
      : { conversion_value: money(figures.conversions * centsPerConversion(id)) }),
  };
}

const centsPerConversion = (id: string) => 1500 + 100 * Number(id.slice(-2));

function isGap(id: string, day: number): boolean {
  return planted.gaps.some((gap) => gap.creative === id && day >= gap.from && day <= gap.to);
}

function breakPlanted(stats: Stats): Stats {
  const { creative, device, measuredAt } = planted.brokenStatsRecord;
  if (stats.creative_id !== creative || stats.device !== device || stats.measured_at !== measuredAt) return stats;
  const { impressions: _lost, ...rest } = stats;
  return rest as Stats;
}

function groupById<T extends { readonly id: string }>(changes: readonly T[]): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const change of changes) {
    const group = groups.get(change.id);
    if (group) group.push(change);
    else groups.set(change.id, [change]);
  }
  return groups;
}
