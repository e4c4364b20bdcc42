// How long the versions of a report take to take in a new load, with ever more history before it: tsx bench/products/ads.ts

import { mkdirSync } from "node:fs";
import { cpus } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { compile } from "../../src/compile/compile.ts";
import { type Client, connect } from "../../src/postgres/client.ts";
import { run } from "../../src/run/run.ts";
import { script } from "../../src/sql/authored.ts";
import { spread } from "../measure.ts";
import { startServer } from "../server.ts";

const project = resolve(import.meta.dirname, "../..");
const { values } = parseArgs({
  options: {
    ads: { type: "string", default: "1000" },
    days: { type: "string", default: "60,240,960" },
    loads: { type: "string", default: "3" },
  },
});
const ads = Number(values.ads);
const LOOKBACK = 30;

const tables = `
  create schema raw;
  create table raw._load (load_id bigint primary key, source text, stream text, table_name text, status text, started_at timestamptz,
    finished_at timestamptz, rows bigint, rejected bigint, cursor jsonb, details jsonb, batch text, as_of text);
  create table raw.ads_linkedin_ad_daily ("dateRange" jsonb, "pivotValues" jsonb, "costInLocalCurrency" numeric, impressions bigint,
    clicks bigint, "externalWebsiteConversions" bigint, "conversionValueInLocalCurrency" numeric, _load_id bigint, _row_no bigint);
  create index on raw.ads_linkedin_ad_daily using brin (_load_id);`;

/** A load of some days; a hundredth of its figures are other than they were. */
function load(id: number, first: number, last: number): string {
  const day = "date '2020-01-01' + day";
  return `
    insert into raw.ads_linkedin_ad_daily
    select
      jsonb_build_object('start', jsonb_build_object('year', extract(year from ${day}), 'month', extract(month from ${day}), 'day', extract(day from ${day}))),
      jsonb_build_array('urn:li:sponsoredAccount:1', 'urn:li:sponsoredCampaignGroup:' || ad % 50, 'urn:li:sponsoredCreative:' || ad),
      (ad * 7 + day) % 100, 100, (ad + day) % 10 + case when (ad + day) % 100 = 0 then ${id} else 0 end, 1, 2, ${id}, row_number() over ()
    from generate_series(${first}, ${last}) as days (day), generate_series(1, ${ads}) as ads (ad);
    insert into raw._load
    select ${id}, 'linkedin_ads', 'ad_daily', 'ads_linkedin_ad_daily', 'loaded', now(), clock_timestamp(), ${(last - first + 1) * ads}, 0, null,
      jsonb_build_object('days', jsonb_build_object('start', date '2020-01-01' + ${first}, 'end', date '2020-01-01' + ${last})), 'slice', null;
    analyze raw.ads_linkedin_ad_daily;`;
}

const cache = join(import.meta.dirname, "../.cache");
mkdirSync(cache, { recursive: true });
const { server } = await startServer(cache);
const graph = await compile(project, { vars: { ads_networks: "linkedin" } });
const line = (...cells: (string | number)[]) =>
  process.stdout.write(`${cells.map((cell) => String(cell).padStart(16)).join("")}\n`);
try {
  line("days before", "rows before", "rows of a load", "first run s", "new load s", "min..max");
  for (const days of values.days.split(",").map(Number)) {
    const settings = await server.createDatabase();
    const client: Client = await connect(settings);
    await client.script(script(tables));
    const build = async () => {
      const report = await run(graph, settings, {
        actions: ["ads_history.ad_daily_versions_store"],
        includeDependencies: true,
      });
      const step = report.steps.find(({ target }) => target.name === "ad_daily_versions_store");
      if (step?.status !== "ok") throw new Error(JSON.stringify(report.steps.filter((one) => one.status !== "ok")));
      return step.duration;
    };
    await client.script(script(load(1, 0, days - 1)));
    const first = await build();
    const seconds: number[] = [];
    for (let next = 0; next < Number(values.loads); next++) {
      const last = days + next;
      await client.script(script(load(2 + next, Math.max(0, last - LOOKBACK), last)));
      seconds.push(await build());
    }
    const { median, min, max } = spread(seconds);
    line(
      days,
      days * ads,
      (LOOKBACK + 1) * ads,
      first.toFixed(2),
      median.toFixed(2),
      `${min.toFixed(2)}..${max.toFixed(2)}`,
    );
    await client.close();
  }
  process.stdout.write(`${cpus().length} CPUs, PostgreSQL ${server.version}\n`);
} finally {
  await server.stop();
}
