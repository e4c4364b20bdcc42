import { linkSync } from "node:fs";
import { join } from "node:path";
import type { ConnectionSettings } from "../../src/model/connection-settings.ts";
import { ask } from "../server.ts";
import { type DataFile, minuteFile } from "./generate.ts";
import { land } from "./landers.ts";
import { inboxOf } from "./project.ts";

/** A minute's data, before packing. The goal is that it takes no longer than a minute. */
const MB_PER_MINUTE = 1000;

export interface Sustained {
  readonly files: number;
  /** Before packing. */
  readonly bytes: number;
  /** From the first file to the last aggregate. */
  readonly seconds: number;
  /** The longest that one file took, with its aggregate. */
  readonly longest: number;
  readonly peakMemory: number;
}

/** The files of so many seconds: each of a minute, or of all where they are less. */
export async function minuteFiles(cache: string, seconds: number): Promise<readonly DataFile[]> {
  const mb = Math.round((MB_PER_MINUTE * Math.min(seconds, 60)) / 60);
  const files: DataFile[] = [];
  for (let minute = 0; minute < Math.ceil(seconds / 60); minute++) files.push(await minuteFile(cache, mb, minute));
  return files;
}

const HOURLY = `insert into hourly
select _load_id, date_trunc('hour', at at time zone 'UTC'), region, avg(value), count(*)
from raw.readings where _load_id = (select max(load_id) from raw._load) and quality = 'good'
group by 1, 2, 3`;

/** File after file, without a pause, until the time is over; after each the hourly means by region are made. */
export async function sustain(
  projectDir: string,
  files: readonly DataFile[],
  settings: ConnectionSettings,
  atLeast: number,
): Promise<Sustained> {
  await ask(settings, "create table hourly (load_id bigint, hour timestamp, region text, mean numeric, rows bigint)");
  const times: number[] = [];
  let peakMemory = 0;
  let bytes = 0;
  let rows = 0;
  const started = performance.now();
  const elapsed = () => (performance.now() - started) / 1000;
  while (times.length < files.length || elapsed() < atLeast) {
    const before = elapsed();
    const file = files[times.length % files.length]!;
    linkSync(file.path, join(inboxOf(projectDir), `delivery-${times.length + 1}.csv.gz`));
    const loaded = await land(projectDir, "sustained", settings);
    await ask(settings, HOURLY);
    peakMemory = Math.max(peakMemory, loaded.peakMemory);
    bytes += file.bytes;
    rows += file.rows;
    times.push(elapsed() - before);
  }
  const seconds = elapsed();
  const [made] = await ask(
    settings,
    "select (select count(*) from raw.readings) as rows, count(distinct load_id) as loads from hourly",
  );
  if (Number(made!.rows) !== rows || Number(made!.loads) !== times.length)
    throw new Error(`raw.readings has ${made!.rows} rows, not ${rows}; ${made!.loads} of ${times.length} aggregates`);
  return { files: times.length, bytes, seconds, longest: Math.max(...times), peakMemory };
}
