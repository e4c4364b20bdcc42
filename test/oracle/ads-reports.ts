// What networks report, from docs/products/ads.md, docs/history.md (reports that are read again) and what columns say of themselves:
// loads, and what each of them changed.

import { MEASURES, type Measure, type Network, type Report, type Told, UNKNOWN } from "./ads-networks.ts";
import {
  dayClosedBy,
  dayNamed,
  dayNumber,
  type Exact,
  isZone,
  known,
  lastMomentOf,
  type Moment,
  minus,
  moment,
  order,
  ZERO,
} from "./exact.ts";
import { grouped, type Raw } from "./relation.ts";

interface Load {
  readonly id: string;
  readonly at: Moment;
  readonly isWhole: boolean;
  readonly start: string;
  readonly end: string;
  readonly lookback: number;
}

/** What the network said from one load on, until another said otherwise. */
interface Version {
  readonly said: Told;
  readonly from: Moment;
  readonly till: Moment | null;
  readonly endedBy: "restated" | "vanished" | null;
}

interface Change {
  readonly at: Moment;
  readonly what: "restated" | "vanished" | "appeared";
  readonly before: Told | null;
  readonly after: Told | null;
}

/** A campaign's day and device, and what happened to it. */
export interface Line {
  readonly network: Network;
  readonly report: Report;
  readonly said: Told;
  readonly isCurrent: boolean;
  readonly firstSeen: Moment;
  /** What each report added to its conversions. */
  readonly conversions: readonly { readonly at: Moment; readonly added: Exact }[];
  /** After its day had first been read. */
  readonly changes: readonly Change[];
  readonly versions: readonly Version[];
}

export const loaded = (raw: Raw, table: string) =>
  raw
    ._load!.filter((load) => load.status === "loaded" && load.table_name === table)
    .map((load) => ({ load, at: moment(load.finished_at!) }))
    .sort((a, b) => Number(a.at - b.at) || Number(a.load.load_id) - Number(b.load.load_id));

export const feedOf = ({ network, report }: Pick<Line, "network" | "report">) => `${network.platform}_ads.${report}`;

export function loadsOf(raw: Raw, { platform }: Network, report: Report = "campaign_daily"): Load[] {
  return loaded(raw, `ads_${platform}_${report}`).map(({ load, at }) => {
    const { days, lookbackDays } = JSON.parse(load.details!) as { days: Record<string, string>; lookbackDays: number };
    return {
      ...{ id: load.load_id!, at, isWhole: load.rejected === "0" },
      ...{ start: days.start!, end: days.end!, lookback: lookbackDays },
    };
  });
}

export function linesOf(raw: Raw, network: Network, report: Report): Line[] {
  const loads = loadsOf(raw, network, report);
  const counting = new Map(loads.map((load) => [load.id, load]));
  const told = raw[`ads_${network.platform}_${report}`]!.map((row) => network.told(row)).filter(({ day, row }) => {
    const load = counting.get(row._load_id!);
    return load && load.start <= day && day <= load.end;
  });
  const settle = settledBy(raw, network);
  return grouped(told, ({ campaign, ad, day, device }) => JSON.stringify([campaign, ad, day, device])).map((own) => {
    const asked = loads.filter(({ start, end }) => start <= own[0]!.day && own[0]!.day <= end);
    let now: Told | null = null;
    let firstSeen: Moment | undefined;
    const changes: Change[] = [];
    const versions: Version[] = [];
    const conversions: { at: Moment; added: Exact }[] = [];
    for (const load of asked) {
      const said = together(own.filter(({ row }) => row._load_id === load.id));
      const before: Told | null = now;
      if (said === null && (before === null || !load.isWhole)) continue;
      if (said && before && isSame(said, before)) continue;
      const what = said === null ? "vanished" : before ? "restated" : "appeared";
      if (firstSeen !== undefined || load !== asked[0]) changes.push({ at: load.at, what, before, after: said });
      if (before) versions.push({ ...versions.pop()!, till: load.at, endedBy: said ? "restated" : "vanished" });
      if (said) versions.push({ said, from: load.at, till: null, endedBy: null });
      const known = (of: Told | null) => of?.figures.conversions ?? ZERO;
      conversions.push({ at: load.at, added: minus(known(said), known(before)) });
      firstSeen ??= load.at;
      now = said;
    }
    return {
      network,
      report,
      said: settle(now ?? own[0]!),
      isCurrent: now !== null,
      firstSeen: firstSeen!,
      conversions,
      changes: changes.map((one) => ({
        ...one,
        before: one.before && settle(one.before),
        after: one.after && settle(one.after),
      })),
      versions: versions.map((one) => ({ ...one, said: settle(one.said) })),
    };
  });
}

/** Of several rows for one word of the network's the last counts; several words that are one device of ours are added up. */
function together(rows: readonly Told[]): Told | null {
  const inOrder = [...rows].sort((a, b) => Number(a.row._row_no) - Number(b.row._row_no));
  const lasts = grouped(inOrder, ({ word }) => word).map((own) => own.at(-1)!);
  const [first] = lasts;
  if (!first) return null;
  const of = (measure: Measure) => known(lasts.map(({ figures }) => figures[measure]));
  const figures = Object.fromEntries(MEASURES.map((measure) => [measure, of(measure)])) as Told["figures"];
  const [attribution = null] = lasts.flatMap((one) => one.attribution ?? []).sort();
  return { ...first, figures, attribution };
}

/** What a report leaves to lists: the currency of the account at the end of the day, and the ad group of an ad that is in one. */
function settledBy(raw: Raw, network: Network): (told: Told) => Told {
  const rowsOf = (table: string) =>
    loaded(raw, table).flatMap(({ load, at }) =>
      raw[table]!.filter((row) => row._load_id === load.load_id).map((row) => ({ row, at })),
    );
  const accounts = rowsOf(`ads_${network.platform}_accounts`);
  const ads = rowsOf(`ads_${network.platform}_ads`).map(({ row }) => network.listed("ads", row));
  return (told) => {
    const end = closes(raw, network, told.day);
    const account = accounts.findLast(({ at }) => at <= end) ?? accounts[0];
    const groups = new Set(ads.filter((ad) => ad.creative_id === told.ad.creative_id).map((ad) => ad.ad_group_id!));
    const isHome = told.ad.ad_group_id === UNKNOWN && groups.size === 1;
    return {
      ...told,
      currency: told.currency ?? (account ? network.money(account.row) : null),
      ad: isHome ? { ...told.ad, ad_group_id: [...groups][0]! } : told.ad,
    };
  };
}

function isSame(a: Told, b: Told): boolean {
  const equal = (one: Exact | null, other: Exact | null) => (one && other ? order(one, other) === 0 : one === other);
  return (
    a.currency === b.currency &&
    a.attribution === b.attribution &&
    MEASURES.every((measure) => equal(a.figures[measure], b.figures[measure]))
  );
}

/** The time zone that the lists of accounts told last. */
export function zoneTold(raw: Raw, network: Network): string | null {
  const table = `ads_${network.platform}_accounts`;
  const last = loaded(raw, table).flatMap(({ load }) => raw[table]!.filter((row) => row._load_id === load.load_id));
  return last.length ? network.zone(last.at(-1)!) : null;
}

/** The clocks of the account: those that the lists told last, UTC where nobody knows them. */
export function zoneOf(raw: Raw, network: Network): string {
  const zone = zoneTold(raw, network);
  return zone && isZone(zone) ? zone : "UTC";
}

export const closes = (raw: Raw, network: Network, day: string): Moment => lastMomentOf(day, zoneOf(raw, network));

/** From the first day that a load read to the last that had ended when one read it. */
export function wholeDays(raw: Raw, network: Network): { first: string; last: string } | undefined {
  const loads = loadsOf(raw, network);
  const first = loads.map(({ start }) => start).sort()[0];
  if (first === undefined) return undefined;
  const ended = loads.flatMap(({ at, start, end }) => {
    const yesterday = dayNamed(dayNumber(dayClosedBy(at + 1n, zoneOf(raw, network))) - 1);
    const last = [yesterday, end].sort()[0]!;
    return last >= start ? [last] : [];
  });
  return { first, last: ended.sort().at(-1) ?? dayNamed(dayNumber(first) - 1) };
}

/** Before what the load that read furthest reads again. */
export function lastFinal(loads: readonly Load[]): string {
  const last = [...loads].sort((a, b) => (a.end < b.end ? -1 : a.end > b.end ? 1 : Number(a.at - b.at))).at(-1)!;
  return dayNamed(dayNumber(last.end) - last.lookback - 1);
}

export const isFinal = (loads: readonly Load[], day: string) => day <= lastFinal(loads);
