// Temperatures, from docs/products/temperatures.md and what columns say of themselves. The time zones are those of
// stg_temperatures__time_zones, which is a list.

import { clockAt, count, type Exact, floorOf, moment, number, order, ratio, sum, written } from "./exact.ts";
import { grouped, type Oracle, type Raw, type RawRow, type Row } from "./relation.ts";

const HOUR = 3_600_000_000n;
const COUNTRY = "France";
const [LOWEST, HIGHEST] = [number("-90"), number("60")];
const ZONES: readonly (readonly [country: string, from: string, until: string, zone: string])[] = [
  ["France", "-30", "60", "Europe/Paris"],
  ["Spain", "-10", "60", "Europe/Madrid"],
  ["United States", "-130", "-114.5", "America/Los_Angeles"],
  ["United States", "-114.5", "-102", "America/Denver"],
  ["United States", "-102", "-86.5", "America/Chicago"],
  ["United States", "-86.5", "-60", "America/New_York"],
];

interface Said {
  readonly id: string;
  readonly row: RawRow;
  /** When its load was finished. */
  readonly loaded: bigint;
  readonly at: bigint;
  readonly latitude: Exact;
  readonly longitude: Exact;
  readonly temperature: Exact | null;
}

interface Region {
  readonly code: string;
  readonly name: string;
  readonly edges: Readonly<Record<"south" | "north" | "west" | "east", Exact>>;
  readonly zone: string;
}

export const temperatures: Oracle = (raw) => {
  const readings = grouped(saidIn(raw), ({ id }) => id);
  const now = readings.map((all) => all.at(-1)!);
  const plausible = now.filter(({ temperature }) => isPlausible(temperature));
  const extremes = (key: (one: Said) => string) => ({
    key: ["date", "country", "cell_latitude", "cell_longitude"],
    rows: extremesBy(plausible, key),
  });
  return {
    "temperatures.hourly": { key: ["hour", "region_code"], rows: hourly(plausible, regionsOf(raw)) },
    "temperatures.daily_extremes": extremes(({ at }) => written(at).slice(0, 10)),
    "temperatures.daily_extremes_local": extremes(({ at, row, longitude }) =>
      clockAt(at, zoneOf(row.country!, longitude)).slice(0, 10),
    ),
    "temperatures.corrections": { key: ["reading_id", "version_no"], rows: readings.flatMap(corrections) },
  };
};

const isPlausible = (value: Exact | null) => value && order(value, LOWEST) >= 0 && order(value, HIGHEST) <= 0;

/** All that was said of each reading, the last that counts last. */
function saidIn(raw: Raw): Said[] {
  const loaded = new Map(
    raw
      ._load!.filter(({ status, table_name }) => status === "loaded" && table_name === "temperatures")
      .map((load) => [load.load_id!, moment(load.finished_at!)]),
  );
  return raw
    .temperatures!.filter(({ _load_id }) => loaded.has(_load_id!))
    .map((row) => ({
      id: row.id!,
      row,
      loaded: loaded.get(row._load_id!)!,
      at: moment(row.timestamp!),
      latitude: number(row.lat!),
      longitude: number(row.lon!),
      temperature: row.temperature === null ? null : number(row.temperature!),
    }))
    .sort(
      (a, b) =>
        Number(a.loaded - b.loaded) ||
        Number(a.row._load_id) - Number(b.row._load_id) ||
        Number(a.row._row_no) - Number(b.row._row_no),
    );
}

/** Rectangles around the communes of the newest list, by their codes. */
function regionsOf(raw: Raw): Region[] {
  const list = raw
    ._load!.filter(({ status, table_name }) => status === "loaded" && table_name === "temperatures_communes")
    .sort((a, b) => Number(a.load_id) - Number(b.load_id))
    .at(-1);
  const communes = raw.temperatures_communes!.filter(
    ({ _load_id, latitude, longitude }) => _load_id === list?.load_id && latitude !== null && longitude !== null,
  );
  return grouped(communes, ({ region_code }) => region_code!)
    .map((own) => {
      const sorted = (column: string) => own.map((row) => number(row[column]!)).sort(order);
      const [latitudes, longitudes] = [sorted("latitude"), sorted("longitude")];
      const edges = { south: latitudes[0]!, north: latitudes.at(-1)!, west: longitudes[0]!, east: longitudes.at(-1)! };
      const middle = ratio(sum([edges.west, edges.east]), count(2))!;
      return { code: own[0]!.region_code!, name: own[0]!.region!, edges, zone: zoneOf(COUNTRY, middle) };
    })
    .sort((a, b) => (a.code < b.code ? -1 : 1));
}

function zoneOf(country: string, longitude: Exact): string {
  const found = ZONES.find(
    ([name, from, until]) =>
      name === country && order(longitude, number(from)) >= 0 && order(longitude, number(until)) < 0,
  );
  if (found) return found[3];
  const hours = floorOf(sum([ratio(longitude, count(15))!, number("0.5")]));
  // East of Greenwich the names of ships' zones have a minus.
  return `Etc/GMT${hours > 0n ? "-" : "+"}${hours < 0n ? -hours : hours}`;
}

function hourly(plausible: readonly Said[], regions: readonly Region[]): Row[] {
  const placed = plausible.flatMap((one) => {
    if (one.row.country !== COUNTRY) return [];
    const region = regions.find(
      ({ edges }) =>
        order(one.latitude, edges.south) >= 0 &&
        order(one.latitude, edges.north) <= 0 &&
        order(one.longitude, edges.west) >= 0 &&
        order(one.longitude, edges.east) <= 0,
    );
    return region ? [{ region, hour: one.at - (one.at % HOUR), temperature: one.temperature! }] : [];
  });
  const places = new Map(
    grouped(placed, ({ region, hour }) => `${region.code} ${hour}`).map((own) => [
      `${own[0]!.region.code} ${own[0]!.hour}`,
      own,
    ]),
  );
  const mean = (own: readonly { temperature: Exact }[] | undefined) =>
    own ? ratio(sum(own.map(({ temperature }) => temperature)), count(own.length)) : null;
  return [...places.values()].map((own) => {
    const { region, hour } = own[0]!;
    return {
      hour: written(hour),
      local_hour: clockAt(hour, region.zone),
      region_code: region.code,
      region: region.name,
      temperature: mean(own),
      number_of_points: count(own.length),
      temperature_3_hours_before: mean(places.get(`${region.code} ${hour - 3n * HOUR}`)),
    };
  });
}

function extremesBy(plausible: readonly Said[], dayOf: (one: Said) => string): Row[] {
  const celled = plausible.map((one) => ({
    ...{ date: dayOf(one), country: one.row.country!, temperature: one.temperature! },
    cell: [floorOf(one.latitude), floorOf(one.longitude)] as const,
  }));
  return grouped(celled, ({ date, country, cell }) => `${date} ${country} ${cell}`).map((own) => {
    const sorted = own.map(({ temperature }) => temperature).sort(order);
    const { date, country, cell } = own[0]!;
    return {
      ...{ date, country },
      cell_latitude: String(cell[0]),
      cell_longitude: String(cell[1]),
      temperature_min: sorted[0]!,
      temperature_max: sorted.at(-1)!,
      number_of_points: count(own.length),
    };
  });
}

/** Of what was said at one moment the last counts; what says the same again is no version. */
function corrections(all: readonly Said[]): Row[] {
  const last = all.filter(({ loaded }, index) => all[index + 1]?.loaded !== loaded);
  const versions = last.filter((one, index) => index === 0 || !saysTheSame(one, last[index - 1]!));
  if (versions.length < 2) return [];
  return versions.map((one, index) => ({
    reading_id: one.id,
    version_no: count(index + 1),
    temperature: one.temperature,
    measured_at: written(one.at),
    latitude: one.latitude,
    longitude: one.longitude,
    country: one.row.country!,
    valid_from: written(one.loaded),
    valid_to: versions[index + 1] ? written(versions[index + 1]!.loaded) : null,
    is_current: index === versions.length - 1,
  }));
}

function saysTheSame(a: Said, b: Said): boolean {
  const equal = (one: Exact | null, other: Exact | null) => (one && other ? order(one, other) === 0 : one === other);
  return (
    a.at === b.at &&
    a.row.country === b.row.country &&
    equal(a.latitude, b.latitude) &&
    equal(a.longitude, b.longitude) &&
    equal(a.temperature, b.temperature)
  );
}
