import type { FastifyInstance } from "fastify";
import { planted } from "./planted.ts";
import { accounts, type Fact, type World } from "./world.ts";

/** The size of a page is the API's own and cannot be asked for. */
const PAGE = 500;

interface Search {
  readonly query: string;
  readonly pageToken?: string;
}

/** GoogleAdsService.Search: one path, a query in its own language, pages by a token in the body. */
export function google(app: FastifyInstance, world: World): void {
  let requests = 0;
  app.post<{ Body: Search; Params: { id: string } }>("/v20/customers/:id/googleAds::search", (request, reply) => {
    if (++requests === planted.throttled.googleRequest) {
      const details = [{ errors: [{ errorCode: { quotaError: "RESOURCE_TEMPORARILY_EXHAUSTED" } }] }];
      return reply
        .code(429)
        .header("retry-after", "0")
        .send({ error: { code: 429, status: "RESOURCE_EXHAUSTED", details } });
    }
    const { query, pageToken } = request.body;
    const rows = request.params.id === accounts.google.id ? found(query, world) : undefined;
    if (!rows) return reply.code(400).send({ error: { code: 400, status: "INVALID_ARGUMENT", message: query } });
    const offset = Number(pageToken ?? 0);
    const next = offset + PAGE < rows.length ? { nextPageToken: String(offset + PAGE) } : {};
    // Empty lists are left out, as everything empty is.
    const results = rows.slice(offset, offset + PAGE);
    return reply.send({ ...(results.length > 0 ? { results } : {}), ...next, fieldMask: "*" });
  });
}

function found(query: string, world: World): readonly object[] | undefined {
  const from = /\bfrom (\w+)/i.exec(query)?.[1];
  const [, start = "", end = ""] = /segments\.date between '([\d-]+)' and '([\d-]+)'/i.exec(query) ?? [];
  const { id, name, currency, timezone } = accounts.google;
  const customer = { resourceName: `customers/${id}`, id, currencyCode: currency, timeZone: timezone };
  switch (from) {
    case "customer":
      return [{ customer: { ...customer, descriptiveName: name } }];
    case "campaign":
      if (start) return world.campaignFacts("google", start, end).map((fact) => ({ customer, ...row(fact) }));
      return world.campaigns("google").map((one) => ({ customer, campaign: { ...one, status: "ENABLED" } }));
    case "ad_group":
      return world.adGroups("google").map((one) => ({
        customer,
        campaign: { id: one.campaign },
        adGroup: { id: one.id, name: one.name, status: "ENABLED" },
      }));
    case "ad_group_ad":
      if (start) return world.adFacts("google", start, end).map((fact) => ({ customer, ...row(fact) }));
      return world.ads("google").map((one) => ({
        customer,
        campaign: { id: one.campaign },
        adGroup: { id: one.adGroup },
        adGroupAd: { status: "ENABLED", ad: { id: one.id, name: one.name, finalUrls: ["https://shop.example/"] } },
      }));
    default:
      return undefined;
  }
}

/** Whole numbers of 64 bits are texts, zeros are left out, money is in millionths. */
function row({ campaign, adGroup, ad, device, day, spend, impressions, clicks, conversions, value }: Fact): object {
  return {
    campaign: { resourceName: `customers/${accounts.google.id}/campaigns/${campaign}`, id: campaign },
    ...(adGroup ? { adGroup: { id: adGroup } } : {}),
    ...(ad ? { adGroupAd: { ad: { id: ad } } } : {}),
    segments: { date: day, device },
    metrics: {
      costMicros: String(Math.round(spend * 1_000_000)),
      impressions: String(impressions),
      clicks: String(clicks),
      conversions,
      conversionsValue: value,
    },
  };
}
