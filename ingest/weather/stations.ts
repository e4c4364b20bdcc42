// What the stations of NOAA measured: the highest and lowest temperature of each day from 2012 to 2015 in Seattle and New
// York, from the package vega-datasets (data of the U.S. government).
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { randomFor } from "../demo-api/random.ts";
import { type Reading, uuid, written } from "./readings.ts";

/** Where each station is, and the hour of its clock in UTC that the file's day begins with. */
const STATIONS: Readonly<Record<string, { lat: number; lon: number; midnight: number }>> = {
  Seattle: { lat: 47.4444, lon: -122.3139, midnight: 8 },
  "New York": { lat: 40.7789, lon: -73.9692, midnight: 5 },
};

/** The file says the day and not the hour: the lowest is put at six in the morning, the highest at three in the afternoon. */
const HOURS = { temp_min: 6, temp_max: 15 } as const;

export async function stationReadings(): Promise<Reading[]> {
  const [header = "", ...lines] = (await readFile(weatherFile(), "utf8")).trim().split(/\r?\n/);
  const names = header.split(",");
  const random = randomFor(1, "stations");
  return lines.flatMap((line) => {
    const row = Object.fromEntries(line.split(",").map((cell, index) => [names[index]!, cell]));
    const station = STATIONS[row.location!];
    if (!station) throw new Error(`weather.csv: unknown station ${row.location}`);
    return (["temp_min", "temp_max"] as const).map((column) => {
      const at = Date.parse(`${row.date}T00:00:00Z`) + (station.midnight + HOURS[column]) * 3_600_000;
      const { lat, lon } = station;
      return {
        id: uuid(random),
        timestamp: written(at),
        lat,
        lon,
        temperature: Number(row[column]),
        country: "United States",
      };
    });
  });
}

function weatherFile(): string {
  // the package exports its code only; its data is beside it
  const code = createRequire(import.meta.url).resolve("vega-datasets");
  return join(code, "../../data/weather.csv");
}
