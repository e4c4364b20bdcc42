// What campaigns and creatives are and were: the two change feeds of docs/products/marketing.md.

import { byLoad, type Change, lastOfEachMoment, type Version, versionsOf } from "./changes.ts";
import { isZone, lastMomentOf, type Moment, moment, number, written } from "./exact.ts";
import type { Cell, Raw, RawRow, Row } from "./relation.ts";

const PROJECT_ZONE = "UTC";
const UNKNOWN = "(unknown)";

export interface Entity {
  readonly name: string;
  readonly campaign: string;
  readonly born: Moment | null;
  readonly isDeleted: boolean;
  readonly isUnknown: boolean;
  readonly versions: readonly Version[];
  /** Columns of the dimension. */
  readonly now: Row;
  cells(change: Change): Row;
  written(at: Moment): string;
  /** The name at the last moment of a day. */
  nameAt(day: string): string;
}

/** What a feed's columns are called in the marts. */
type Columns = Readonly<Record<string, string>>;
const CAMPAIGN: Columns = {
  account_id: "account_id",
  campaign_name: "name",
  status: "status",
  objective: "objective",
  currency: "currency",
  daily_budget: "daily_budget",
  created_at: "created_at",
};
const CREATIVE: Columns = {
  campaign_id: "campaign_id",
  creative_name: "name",
  format: "format",
  landing_url: "landing_url",
  created_at: "created_at",
};

export interface Entities {
  readonly campaigns: ReadonlyMap<string, Entity>;
  readonly creatives: ReadonlyMap<string, Entity>;
  /** All that was reported of readings, by the loads that count. */
  readonly reports: readonly RawRow[];
  /** When the last load of readings landed. */
  readonly lastLoaded: Moment;
  /** Readings that count, by moment. */
  readonly stats: readonly RawRow[];
  /** Whose days the figures of a campaign are counted by. */
  zoneOf(campaign: string): string;
}

/** Rows of a table of the loads that count. */
function counted(raw: Raw, table: string): RawRow[] {
  const loads = new Set(raw._load!.filter(({ status }) => status === "loaded").map(({ load_id }) => load_id));
  return raw[table]!.filter(({ _load_id }) => loads.has(_load_id!));
}

export function entities(raw: Raw): Entities {
  const zones = new Map<string, string>();
  const records = byKey(counted(raw, "marketing_campaigns"));
  for (const [id, rows] of records) {
    const telling = rows.filter(({ time_zone }) => time_zone).map((row) => changeOf(row, { zone: "time_zone" }));
    const told = lastOfEachMoment(telling).at(-1);
    if (told && isZone(told.says.zone!)) zones.set(id, told.says.zone!);
  }
  const zoneOf = (campaign: string) => zones.get(campaign) ?? PROJECT_ZONE;
  const reports = counted(raw, "marketing_stats");
  const stats = readingsThatCount(reports);
  const campaigns = described(
    records,
    stats.map(({ campaign_id }) => campaign_id ?? UNKNOWN),
    CAMPAIGN,
    zoneOf,
  );
  const creatives = described(
    byKey(counted(raw, "marketing_creatives")),
    stats.map(({ creative_id }) => creative_id!),
    CREATIVE,
    zoneOf,
  );
  const landed = raw
    ._load!.filter(({ status, table_name }) => status === "loaded" && table_name === "marketing_stats")
    .map(({ finished_at }) => moment(finished_at!));
  const lastLoaded = landed.sort((a, b) => Number(a - b)).at(-1) ?? 0n;
  return { campaigns, creatives, reports, lastLoaded, stats, zoneOf };
}

/** Of several reports of one reading the last reported, then the last loaded. */
function readingsThatCount(rows: readonly RawRow[]): RawRow[] {
  const at = (text: string | null | undefined) => (text == null ? -1n : moment(text));
  const sorted = [...rows].sort(
    (a, b) =>
      compare(at(a.measured_at), at(b.measured_at)) ||
      compare(at(a.reported_at), at(b.reported_at)) ||
      byLoad(place(a), place(b)),
  );
  const found = new Map<string, RawRow>();
  for (const row of sorted) {
    const key = JSON.stringify([row.creative_id, row.device, row.measured_at]);
    const reported = found.get(key)?.first_reported_at ?? row.reported_at!;
    found.set(key, { ...row, first_reported_at: reported });
  }
  return [...found.values()];
}

export const place = (row: RawRow) => ({ load: row._load_id!, row: row._row_no! });
const compare = (a: bigint, b: bigint) => (a < b ? -1 : a > b ? 1 : 0);

function byKey(rows: readonly RawRow[]): Map<string, RawRow[]> {
  const found = new Map<string, RawRow[]>();
  for (const row of rows) found.set(row.id!, [...(found.get(row.id!) ?? []), row]);
  return found;
}

function changeOf(row: RawRow, columns: Columns): Change {
  const says = Object.entries(columns).map(([column, from]) => [column, plain(column, row[from]!)]);
  return {
    at: moment((row.updated_at ?? row.created_at)!),
    isDeleted: row.deleted === "t",
    says: Object.fromEntries(says),
    ...place(row),
  };
}

/** Equal numbers are equal values: one spelling for 10 and 10.00. */
function plain(column: string, value: string | null): string | null {
  return column === "daily_budget" && value?.includes(".") ? value.replace(/\.?0+$/, "") : value;
}

function described(
  records: ReadonlyMap<string, RawRow[]>,
  alsoIn: readonly string[],
  columns: Columns,
  zoneOf: (id: string) => string,
): Map<string, Entity> {
  const all = new Map<string, Entity>();
  for (const [id, rows] of records)
    all.set(
      id,
      entity(
        rows.map((row) => changeOf(row, columns)),
        columns,
        zoneOf(id),
      ),
    );
  for (const id of alsoIn) if (!all.has(id)) all.set(id, entity([], columns, zoneOf(id)));
  return all;
}

function entity(changes: readonly Change[], columns: Columns, zone: string): Entity {
  const nameColumn = Object.keys(columns).find((column) => column.endsWith("_name"))!;
  const versions = versionsOf(changes);
  const sorted = lastOfEachMoment(changes);
  // Of one that is known by its end alone, the end says what it was.
  const last = versions.at(-1)?.change ?? sorted.at(-1);
  const cells = ({ says }: Change): Row =>
    Object.fromEntries(Object.entries(says).map(([column, value]) => [column, cell(column, value)]));
  const nothing = Object.fromEntries(Object.keys(columns).map((column) => [column, null]));
  const isDeleted = sorted.at(-1)?.isDeleted ?? false;
  const names = last ? {} : { [nameColumn]: UNKNOWN, ...("campaign_id" in columns ? { campaign_id: UNKNOWN } : {}) };
  return {
    name: last?.says[nameColumn] ?? UNKNOWN,
    campaign: last?.says.campaign_id ?? UNKNOWN,
    born: last?.says.created_at ? moment(last.says.created_at) : null,
    isDeleted,
    isUnknown: !last,
    versions,
    now: { ...nothing, ...(last && cells(last)), ...names, ...("status" in columns ? { time_zone: zone } : {}) },
    cells,
    written,
    nameAt: (day) => {
      const end = lastMomentOf(day, zone);
      const known = versions.findLast(({ from }) => from <= end) ?? versions[0];
      return known?.change.says[nameColumn] ?? last?.says[nameColumn] ?? UNKNOWN;
    },
  };
}

function cell(column: string, value: string | null): Cell {
  return column === "daily_budget" && value !== null ? number(value) : value;
}
