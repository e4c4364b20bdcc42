import { type Choose, type Landed, Ledger, oneIn, pick, type Value, type World } from "./world.ts";

const tables = {
  temperatures:
    'id uuid, "timestamp" timestamp, lat numeric, lon numeric, temperature numeric, country text, _extra jsonb, _load_date date',
  temperatures_communes:
    "insee_code text, commune text, region_code text, region text, latitude numeric, longitude numeric",
};

/** Days around a change of clocks in Europe, in America, and none. */
const BEGINNINGS = ["2026-03-26", "2026-03-06", "2026-06-01", "2026-10-23"];
const PLACES: readonly (readonly [country: string, latitude: string, longitude: string])[] = [
  ["France", "45.5", "2.25"],
  ["France", "46", "3"],
  ["France", "44.999", "-0.5"],
  ["France", "48.5", "7"],
  ["France", "-21.1", "55.5"],
  ["France", "4.9", "-52.3"],
  ["Spain", "40.4", "-3.7"],
  ["Spain", "28.1", "-15.4"],
  ["United States", "40.7", "-74.006"],
  ["United States", "39.7", "-114.5"],
  ["Japan", "35.7", "139.7"],
  ["Iceland", "64.1", "-21.9"],
];
const TEMPERATURES = ["20", "20.00", "-0.5", "0", null, "-90", "60", "60.01", "-273.15", "1000", "31.4159"];

/** Readings of the day and of days before, sent again as they were or corrected, by loads that end in any order. */
export function temperaturesWorld(choose: Choose, days: number): World {
  const begin = Date.parse(pick(choose, BEGINNINGS));
  const at = (hours: number) => new Date(begin + hours * 3_600_000).toISOString();
  const ledger = new Ledger();
  const sent: Readonly<Record<string, Value>>[] = [];
  const reading = (day: number): Readonly<Record<string, Value>> => {
    const [country, lat, lon] = pick(choose, PLACES);
    const hour = 24 * (day - choose(2)) + choose(24);
    return {
      id: `00000000-0000-4000-8000-${String(sent.length + 1).padStart(12, "0")}`,
      timestamp: at(hour)
        .slice(0, 19)
        .replace("T", " ")
        .replace(":00:00", pick(choose, [":00:00", ":59:59", ":30:00"])),
      ...{ lat, lon, country },
      temperature: pick(choose, TEMPERATURES),
      _extra: oneIn(choose, 5) ? '{"battery": 3}' : null,
    };
  };
  /** One that was sent: as it was, or with something else in it. */
  const again = (day: number) => {
    const old = pick(choose, sent);
    const other = reading(day);
    const changed = pick(choose, ["temperature", "timestamp", "country", "lat", "_extra"]);
    return oneIn(choose, 4) ? old : { ...old, [changed]: other[changed]! };
  };
  for (let day = 0; day < days; day++) {
    ledger.day();
    if (day === 0 || oneIn(choose, 8)) {
      ledger.add(communes(choose));
      if (day > 0) ledger.add({ anew: "regions have changed" });
    }
    for (let load = 0; load <= choose(3); load++) {
      const rows = Array.from({ length: 4 + choose(12) }, () => {
        const row = sent.length > 5 && oneIn(choose, 3) ? again(day) : reading(day);
        sent.push(row);
        return row;
      });
      const loaded = at(24 * (day + 1) + choose(3));
      ledger.add({
        table: "temperatures",
        rows: rows.map((row) => ({ ...row, _load_date: loaded.slice(0, 10) })),
        loaded,
      });
    }
    if (ledger.strikes(choose)) ledger.add({ anew: "a load that was wrong is taken back" });
  }
  return { tables, partitioned: { temperatures: "_load_date" }, days: ledger.days };
}

/** Regions that overlap, meet at an edge, have a middle in another zone, or no position. */
function communes(choose: Choose): Landed {
  const rows = ["11", "24", "75", "93", "03"].flatMap((region_code, region) =>
    [0, 1, 2].map((commune) => ({
      insee_code: `${region_code}${commune}`,
      commune: `c${commune}`,
      region_code,
      region: `Region ${region_code}`,
      latitude: oneIn(choose, 6) ? null : `${43 + region + choose(3)}`,
      longitude: region === 4 ? `${-54 + choose(4)}` : `${choose(9) - 1}`,
    })),
  );
  return {
    table: "temperatures_communes",
    rows,
    ledger: { source: "temperatures_bulk", batch: "full" },
    file: { path: `communes-${rows.map(({ latitude }) => latitude).join("")}.csv`, checksum: `${choose(1e9)}` },
  };
}
