import { once } from "node:events";
import {
  createReadStream,
  createWriteStream,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import { xmlDocument } from "./camt.ts";
import type { Content } from "./content.ts";
import { csvOrders, ndjsonOrders, ORDERS_PER_MB } from "./orders.ts";
import { csvReadings, READINGS_PER_MB } from "./readings.ts";

/** A generated file: the same bytes for the same size, whenever it is made. */
export interface DataFile {
  readonly path: string;
  /** Before packing. */
  readonly bytes: number;
  readonly rows: number;
  /** Records in it that cannot be landed. */
  readonly bad: number;
}

/** To be changed with the content, so that files made before are made anew. */
const VERSION = 1;

export function csvFile(cache: string, mb: number): Promise<DataFile> {
  return file(join(cache, `csv-${mb}`, "orders.csv"), csvOrders(mb * ORDERS_PER_MB, 0));
}

/** The same, one record in a hundred wrong. */
export function badFile(cache: string, mb: number): Promise<DataFile> {
  return file(join(cache, `bad-${mb}`, "orders.csv"), csvOrders(mb * ORDERS_PER_MB, 100));
}

/** The rows that `csvFile` has. */
export function ndjsonFile(cache: string, mb: number): Promise<DataFile> {
  return file(join(cache, `ndjson-${mb}`, "orders.ndjson"), ndjsonOrders(mb * ORDERS_PER_MB));
}

export function xmlFile(cache: string, mb: number): Promise<DataFile> {
  return file(join(cache, `xml-${mb}`, "statements.xml"), xmlDocument(mb));
}

/** Measurements, packed with gzip; `mb` before packing. */
export function minuteFile(cache: string, mb: number, minute: number): Promise<DataFile> {
  const content = csvReadings(mb * READINGS_PER_MB, minute);
  return file(join(cache, `minutes-${mb}`, `minute-${minute}.csv.gz`), content, true);
}

/** Makes a file that is not there yet, under another name until it is whole. */
async function file(path: string, { blocks, rows, bad }: Content, packed = false): Promise<DataFile> {
  const about = `${path}.json`;
  const known = existsSync(about)
    ? (JSON.parse(readFileSync(about, "utf8")) as { version: number; bytes: number })
    : null;
  if (known?.version === VERSION && existsSync(path)) return { path, bytes: known.bytes, rows, bad };
  process.stderr.write(`making ${path}\n`);
  mkdirSync(dirname(path), { recursive: true });
  let bytes = 0;
  const buffers = function* () {
    for (const block of blocks) {
      const buffer = Buffer.from(block);
      bytes += buffer.length;
      yield buffer;
    }
  };
  const part = `${path}.part`;
  const source = Readable.from(buffers());
  if (packed) await pipeline(source, createGzip(), createWriteStream(part));
  else await pipeline(source, createWriteStream(part));
  renameSync(part, path);
  writeFileSync(about, JSON.stringify({ version: VERSION, bytes }));
  return { path, bytes, rows, bad };
}

/** Reads a file, so that no contestant is the first to. */
export async function warm(path: string): Promise<void> {
  await once(createReadStream(path, { highWaterMark: 1 << 20 }).resume(), "end");
}
