import type { FastifyInstance } from "fastify";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { createDemoApi, DEMO_TOKEN, type DemoApiOptions, planted } from "../../ingest/demo-api/server.ts";

interface Answer {
  readonly data: Record<string, unknown>[];
  readonly next_cursor: string | null;
  readonly total: number;
}

async function start(options: DemoApiOptions = {}): Promise<FastifyInstance> {
  const api = await createDemoApi(options);
  onTestFinished(() => api.close());
  return api;
}

const headers = { authorization: `Bearer ${DEMO_TOKEN}` };
const get = (api: FastifyInstance, url: string) => api.inject({ url, headers });

/** All pages, bodies as sent. */
async function pages(api: FastifyInstance, url: string): Promise<string[]> {
  const bodies: string[] = [];
  for (let cursor: string | null = ""; cursor !== null; ) {
    const separator = url.includes("?") ? "&" : "?";
    const { body } = await get(api, cursor === "" ? url : `${url}${separator}cursor=${cursor}`);
    bodies.push(body);
    cursor = (JSON.parse(body) as Answer).next_cursor;
  }
  return bodies;
}

let api: FastifyInstance;
let campaigns: Record<string, unknown>[];
let creatives: Record<string, unknown>[];
let stats: Record<string, unknown>[];
let statsPages: string[];

const recordsOf = (bodies: string[]) => bodies.flatMap((body) => (JSON.parse(body) as Answer).data);
const byId = (records: Record<string, unknown>[], id: string) => records.filter((record) => record.id === id);
const seriesOf = (creative: string, device = "mobile") =>
  stats.filter((record) => record.creative_id === creative && record.device === device);
const days = (records: Record<string, unknown>[]) => records.map((record) => String(record.measured_at).slice(0, 10));

beforeAll(async () => {
  api = await createDemoApi();
  campaigns = recordsOf(await pages(api, "/v1/campaigns"));
  creatives = recordsOf(await pages(api, "/v1/creatives"));
  // In steps of 1000 the fourth page comes twice.
  statsPages = await pages(api, "/v1/stats?limit=1000");
  stats = recordsOf(statsPages.filter((_, index) => index !== planted.duplicatedPage.page));
});
afterAll(() => api.close());

describe("the demo API", () => {
  test("sends the same bytes for the same seed, and others for another", async () => {
    const [again, other] = [await start({ seed: 1 }), await start({ seed: 2 })];
    for (const url of ["/v1/campaigns", "/v1/creatives", "/v1/stats?limit=1000&since=2026-03-20T00:00:00Z"]) {
      const bytes = await pages(api, url);
      expect(await pages(again, url)).toEqual(bytes);
      expect(await pages(other, url)).not.toEqual(bytes);
    }
  });

  test("has enough of everything, and figures that may be", () => {
    expect(new Set(campaigns.map((record) => record.id)).size).toBe(48);
    expect(new Set(creatives.map((record) => record.id)).size).toBe(320);
    expect(new Set(days(stats)).size).toBe(90);
    const last = new Map(stats.map((record) => [`${record.creative_id}/${record.device}`, record]));
    let [impressions, clicks, conversions, spend] = [0, 0, 0, 0];
    for (const record of last.values()) {
      impressions += Number(record.impressions);
      clicks += Number(record.clicks);
      conversions += Number(record.conversions);
      spend += Number(record.spend);
    }
    expect(clicks / impressions).toBeGreaterThan(0.005);
    expect(clicks / impressions).toBeLessThan(0.04);
    expect(conversions / clicks).toBeGreaterThan(0.01);
    expect(conversions / clicks).toBeLessThan(0.08);
    expect(spend / clicks).toBeGreaterThan(0.2);
    expect(spend / clicks).toBeLessThan(3);
  });

  test("refuses a request without the token, and parameters it does not know", async () => {
    expect((await api.inject({ url: "/v1/campaigns" })).statusCode).toBe(401);
    for (const url of ["/v1/stats?limit=1001", "/v1/stats?limit=0", "/v1/stats?since=soon", "/v1/stats?cursor=x"]) {
      expect((await get(api, url)).statusCode, url).toBe(400);
    }
  });

  test("sends what changed since a moment, that moment included", async () => {
    const at = planted.renamedCampaign.at;
    const answer = (await get(api, `/v1/campaigns?since=${at}`)).json<Answer>();
    expect(answer.data[0]).toMatchObject({ id: planted.renamedCampaign.id, updated_at: at });
    expect(answer.data).toHaveLength(answer.total);
  });

  test("knows nothing of what comes after its own day", async () => {
    const early = await start({ until: () => "2026-01-08T12:00:00Z" });
    const records = recordsOf(await pages(early, "/v1/stats?limit=1000"));
    expect(days(records).at(-1)).toBe("2026-01-08");
  });

  test("answers some requests with 429 and some with 500 when it is to fail", async () => {
    const failing = await start({ faults: true });
    const codes: number[] = [];
    for (let n = 1; n <= 82; n++) codes.push((await get(failing, "/v1/campaigns?limit=1")).statusCode);
    expect(codes.filter((code) => code === 429)).toHaveLength(4);
    expect(codes.filter((code) => code === 500)).toHaveLength(2);
  });

  test("serves its fourth page of statistics twice", () => {
    const bodies = statsPages.map((body) => JSON.stringify((JSON.parse(body) as Answer).data));
    const { page } = planted.duplicatedPage;
    expect(bodies[page]).toBe(bodies[page - 1]);
    expect(new Set(bodies).size).toBe(bodies.length - 1);
  });
});

describe("the planted cases are there:", () => {
  test("a campaign is renamed, another is paused and renamed twice", () => {
    expect(byId(campaigns, planted.renamedCampaign.id).at(-1)!.name).toBe(planted.renamedCampaign.to);
    const paused = byId(campaigns, planted.pausedCampaign.id);
    expect(paused.map((record) => record.status)).toEqual(["active", "paused", "paused", "paused"]);
    expect(new Set(paused.map((record) => record.name)).size).toBe(3);
  });

  test("a campaign is deleted, with its creatives, and their statistics stop", () => {
    const { id, lastDay } = planted.deletedCampaign;
    expect(byId(campaigns, id).at(-1)!.deleted).toBe(true);
    const ofCampaign = stats.filter((record) => record.campaign_id === id);
    const last = days(ofCampaign).sort().at(-1)!;
    expect(Date.parse(last) - Date.parse(lastDay)).toBe(86_400_000);
    expect(creatives.filter((record) => record.campaign_id === id && record.deleted)).not.toHaveLength(0);
  });

  test("a creative moves, and its counter goes on", () => {
    const { id, from, to, firstDay } = planted.movedCreative;
    const series = seriesOf(id);
    const first = series.findIndex((record) => record.campaign_id === to);
    expect(series[first - 1]).toMatchObject({ campaign_id: from, measured_at: `${firstDay}T00:00:00Z` });
    expect(Number(series[first]!.impressions)).toBeGreaterThan(Number(series[first - 1]!.impressions));
  });

  test("statistics are restated downwards, and the last report of each day never falls", () => {
    const { id, resent, reportedAt } = planted.restatedCreative;
    const series = seriesOf(id);
    const late = series.filter((record) => record.reported_at === reportedAt);
    expect(late).toHaveLength(resent.to - resent.from + 1);
    const latest = new Map<unknown, number>();
    for (const record of series) {
      const before = latest.get(record.measured_at);
      if (before !== undefined) expect(Number(record.impressions)).toBeLessThan(before);
      latest.set(record.measured_at, Number(record.impressions));
    }
    const figures = [...latest.values()];
    expect(figures).toEqual([...figures].sort((a, b) => a - b));
  });

  test("a counter is reset on one day", () => {
    const figures = seriesOf(planted.resetCreative.id).map((record) => Number(record.impressions));
    const falls = figures.flatMap((value, index) => (index > 0 && value < figures[index - 1]! ? [index] : []));
    expect(falls).toEqual([planted.resetCreative.day]);
  });

  test("days are missing", () => {
    for (const { creative, from, to } of planted.gaps) {
      expect(new Set(days(seriesOf(creative))).size).toBe(90 - (to - from + 1));
    }
  });

  test("counters begin large for what is old, and small for what is new", () => {
    const [old] = seriesOf(planted.oldCreative.id);
    expect(old!.measured_at).toBe("2026-01-02T00:00:00Z");
    const created = byId(creatives, planted.newCreative.id)[0]!.created_at as string;
    expect(created > "2026-01-01").toBe(true);
    expect(days(seriesOf(planted.newCreative.id))[0]! > created.slice(0, 10)).toBe(true);
  });

  test("there are two currencies, and money without conversions", () => {
    expect([...new Set(stats.map((record) => record.currency))].sort()).toEqual(["EUR", "USD"]);
    const last = seriesOf(planted.withoutConversions.id).at(-1)!;
    expect(last.conversions).toBe(0);
    expect(Number(last.spend)).toBeGreaterThan(0);
  });

  test("one creative record and one snapshot lack a required field", () => {
    const { brokenCreativeRecord: creative, brokenStatsRecord: broken } = planted;
    expect(creatives.filter((record) => !("name" in record)).map((record) => record.id)).toEqual([creative.id]);
    const wrong = stats.filter((record) => !("impressions" in record));
    expect(wrong).toHaveLength(1);
    expect(wrong[0]).toMatchObject({
      creative_id: broken.creative,
      device: broken.device,
      measured_at: broken.measuredAt,
    });
  });
});
