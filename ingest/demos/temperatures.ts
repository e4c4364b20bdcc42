// Files of two days and of NOAA's stations, then an answer of the API with new readings and corrections.
import { utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { communesCsv } from "../weather/communes.ts";
import { corrected, frenchReadings, ndjson } from "../weather/readings.ts";
import { createWeatherApi, DEMO_KEY } from "../weather/server.ts";
import { stationReadings } from "../weather/stations.ts";
import type { Demo, DemoContext, Step } from "./demo.ts";

const questions: Step[] = [
  {
    ask: "How warm is it in each region, and how warm was it three hours before?",
    sql: `select region, to_char(hour at time zone 'UTC', 'YYYY-MM-DD HH24:MI') as "hour (UTC)", round(temperature, 2) as temperature,
       number_of_points as points, round(temperature_3_hours_before, 2) as "3 hours before"
     from temperatures.hourly where hour = (select max(hour) from temperatures.hourly) order by region`,
  },
  {
    ask: "Which were the hottest days, wherever? (another model over the same raw data)",
    sql: `select country, cell_latitude as lat, cell_longitude as lon, date, temperature_min as min, temperature_max as max
     from temperatures.daily_extremes order by temperature_max desc, date limit 5`,
  },
  {
    ask: "What was corrected?",
    sql: `select reading_id, version_no as version, temperature, to_char(valid_from, 'HH24:MI:SS') as "known from", is_current
     from temperatures.corrections order by reading_id, version_no limit 4`,
  },
  {
    ask: "Where are the readings as received?",
    sql: `select tableoid::regclass as partition, load_date, count(distinct load_id) as loads, sum(readings) as readings
     from history.temperatures_archive group by 1, 2 order by 2`,
  },
  {
    ask: "What does it take to keep a reading?",
    sql: `select sum(readings) as readings, round(sum(size) / sum(readings), 1) as "bytes packed",
       (select round(avg(pg_column_size(rows.*)), 1) from raw.temperatures as rows) as "bytes as a row"
     from (
       select readings, pg_column_size(row_nos) + pg_column_size(reading_ids) + pg_column_size(measured_ats)
         + pg_column_size(latitudes) + pg_column_size(longitudes) + pg_column_size(temperatures) + pg_column_size(countries) as size
       from history.temperatures_archive
     ) as chunks`,
  },
];

async function* steps({ env, folder }: DemoContext): AsyncGenerator<Step> {
  const write = async (name: string, content: string | Uint8Array) => {
    await writeFile(join(folder, name), content);
    // written a while ago: landing waits for files that may still grow
    await utimes(join(folder, name), 0, 0);
  };
  const known = frenchReadings({ from: "2026-01-01T00:00:00Z", hours: 48, perHour: 500 });
  await write("communes.csv", communesCsv());
  await write("temperatures-france.ndjson.gz", gzipSync(ndjson(known)));
  await write("temperatures-stations.ndjson.gz", gzipSync(ndjson(await stationReadings())));
  const api = createWeatherApi();
  api.answer([...frenchReadings({ from: "2026-01-03T00:00:00Z", hours: 1, perHour: 500 }), ...corrected(known, 1000)]);
  try {
    env.TEMPERATURES_API_URL = await api.app.listen({ port: 0, host: "127.0.0.1" });
    env.TEMPERATURES_API_KEY = DEMO_KEY;
    env.TEMPERATURES_FILES = folder;
    yield { run: ["ingest", "temperatures_bulk"] };
    yield { run: ["run", "--tags", "temperatures"] };
    yield { run: ["ingest", "temperatures"] };
    yield { run: ["run", "--tags", "temperatures"] };
    yield* questions;
  } finally {
    await api.app.close();
  }
}

export const temperatures: Demo = { steps, schema: "temperatures" };
