// Readings of temperature sensors in France, the same for the same options, and corrections of some.
import { between, type Random, randomFor } from "../demo-api/random.ts";
import { communes } from "./communes.ts";

/** One reading as the API and the bulk files have it. */
export interface Reading {
  readonly id: string;
  /** UTC: `2026-01-01 14:02:10`. */
  readonly timestamp: string;
  readonly lat: number;
  readonly lon: number;
  readonly temperature: number | null;
  readonly country: string;
}

export interface ReadingsOptions {
  readonly seed?: number;
  /** The first hour, as an ISO timestamp in UTC. */
  readonly from: string;
  readonly hours: number;
  readonly perHour: number;
}

export function frenchReadings({ seed = 1, from, hours, perHour }: ReadingsOptions): Reading[] {
  const random = randomFor(seed, `readings ${from}`);
  const start = Date.parse(from);
  return Array.from({ length: hours * perHour }, (_, index) => {
    const at = start + Math.floor(index / perHour) * 3_600_000 + Math.floor(random() * 3_600_000);
    const place = communes[Math.floor(random() * communes.length)]!;
    const [lat, lon] = [place.latitude + between(random, -0.3, 0.3), place.longitude + between(random, -0.3, 0.3)];
    // one sensor in fifty gives no value
    const temperature = random() < 0.02 ? null : rounded(warmth(at, lat) + between(random, -2, 2), 4);
    return {
      id: uuid(random),
      timestamp: written(at),
      lat: rounded(lat, 7),
      lon: rounded(lon, 7),
      temperature,
      country: "France",
    };
  });
}

/** One reading in `every`, half a degree lower, under its own id. */
export function corrected(readings: readonly Reading[], every: number): Reading[] {
  return readings
    .filter(({ temperature }, index) => index % every === 0 && temperature !== null)
    .map((reading) => ({ ...reading, temperature: rounded(reading.temperature! - 0.5, 4) }));
}

export function ndjson(readings: readonly Reading[]): string {
  return readings.map((reading) => `${JSON.stringify(reading)}\n`).join("");
}

/** A random UUID (version 4) from a random number of ours. */
export function uuid(random: Random): string {
  const digits = (count: number) =>
    Array.from({ length: count }, () => Math.floor(random() * 16).toString(16)).join("");
  return `${digits(8)}-${digits(4)}-4${digits(3)}-a${digits(3)}-${digits(12)}`;
}

/** Colder in the north, warmest in the afternoon and at the end of July. */
function warmth(at: number, latitude: number): number {
  const date = new Date(at);
  const ofDay = Math.cos(((date.getUTCHours() - 14) / 24) * 2 * Math.PI);
  const ofYear = Math.cos(((date.getUTCMonth() - 6.5) / 12) * 2 * Math.PI);
  return 12 - 0.7 * (latitude - 46) + 5 * ofDay + 9 * ofYear;
}

export function written(at: number): string {
  return new Date(at).toISOString().slice(0, 19).replace("T", " ");
}

function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
