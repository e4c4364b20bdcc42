import { fileURLToPath } from "node:url";
import { describe, expect, onTestFinished, test } from "vitest";
import { createDemoApi, DEMO_TOKEN, type DemoApiOptions } from "../../ingest/demo-api/server.ts";
import { loadIngest } from "../../src/config/load-ingest.ts";
import { ingest } from "../../src/land/ingest.ts";
import type { LoadReport } from "../../src/model/load-report.ts";
import { withClient } from "../../src/postgres/client.ts";
import { script } from "../../src/sql/authored.ts";
import { ownDatabase } from "../support/database.ts";

const projectDir = fileURLToPath(new URL("../..", import.meta.url));

/** The declared source over a real socket, into a database of its own. */
async function setup(options: DemoApiOptions = {}) {
  const api = await createDemoApi(options);
  const url = await api.listen({ port: 0, host: "127.0.0.1" });
  onTestFinished(() => api.close());
  const database = await ownDatabase();
  const env = { MARKETING_API_URL: url, MARKETING_API_TOKEN: DEMO_TOKEN };
  const declaration = loadIngest(`${projectDir}/ingest/marketing.yaml`, { projectDir, env });
  const load = () => ingest(declaration, database.settings, { rest: { sleep: async () => {} } });
  const rows = (sql: string) =>
    withClient(database.settings, {}, async (client) => (await client.query(script(sql))).rows);
  return { load, rows };
}

const counts = (report: LoadReport) => report.streams.map(({ stream, rows, rejected }) => [stream, rows, rejected]);

describe("the marketing source", () => {
  test("lands everything once, through faults, a page served twice and records without a field", async () => {
    const { load, rows } = await setup({ faults: true });
    const report = await load();
    expect(report.ok).toBe(true);
    expect(counts(report)).toEqual([
      ["campaigns", 167, 0],
      ["creatives", 424, 1],
      ["stats", 73_376, 1],
    ]);
    expect(report.streams[2]!.skipped).toBe(500);
    const key = "creative_id, device, measured_at, reported_at";
    expect(await rows(`select count(*), count(distinct (${key})) as keys from raw.marketing_stats`)).toEqual([
      { count: "73376", keys: "73376" },
    ]);
    expect(await rows("select stream, reason from raw._rejected order by 1")).toEqual([
      { stream: "creatives", reason: "name: is missing" },
      { stream: "stats", reason: "impressions: is missing" },
    ]);
    expect(counts(await load()).map(([, landed, rejected]) => [landed, rejected])).toEqual([
      [0, 0],
      [0, 0],
      [0, 0],
    ]);
  });

  test("loaded day by day lands the same as loaded at once", async () => {
    let now = "2026-01-05T12:00:00Z";
    const daily = await setup({ until: () => now, every: 5 });
    for (const day of ["2026-01-05", "2026-01-06", "2026-02-06", "2026-02-07", "2026-04-10"]) {
      now = `${day}T12:00:00Z`;
      expect(await daily.load()).toMatchObject({ ok: true });
    }
    const once = await setup({ every: 5 });
    await once.load();
    const fields = "md5(string_agg(t::text, '|' order by t::text)) as hash, count(*)";
    for (const [table, columns] of [
      ["campaigns", "id, name, status, daily_budget, updated_at, deleted"],
      ["creatives", "id, campaign_id, name, landing_url, updated_at, deleted"],
      ["stats", "creative_id, campaign_id, device, measured_at, reported_at, spend, impressions, clicks, conversions"],
    ]) {
      const sql = `select ${fields} from (select ${columns} from raw.marketing_${table}) t`;
      expect(await daily.rows(sql), table).toEqual(await once.rows(sql));
    }
  });
});
