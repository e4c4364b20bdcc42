import type { FastifyInstance } from "fastify";
import { planted } from "./planted.ts";
import { accounts, type Fact, type World } from "./world.ts";

interface Asked {
  readonly advertiser_id?: string;
  readonly data_level?: string;
  readonly start_date?: string;
  readonly end_date?: string;
  readonly page?: string;
  readonly page_size?: string;
}

const MAX_DAYS = 30;

/** Everything is HTTP 200; what went wrong is told by `code`. */
export function tiktok(app: FastifyInstance, world: World): void {
  const { id, name, currency, timezone } = accounts.tiktok;
  const root = "/open_api/v1.3";
  let requests = 0;
  const answer = (query: Asked, list: (query: Asked) => readonly object[] | string) => {
    if (++requests === planted.throttled.tiktokRequest) return failed(40100, "Too many requests");
    if (query.advertiser_id !== undefined && query.advertiser_id !== id) return failed(40001, "No permission");
    const all = list(query);
    return typeof all === "string" ? failed(40002, all) : paged(all, query);
  };

  app.get(`${root}/advertiser/info/`, () => succeeded({ list: [{ advertiser_id: id, name, currency, timezone }] }));
  app.get<{ Querystring: Asked }>(`${root}/campaign/get/`, (request) =>
    answer(request.query, () =>
      world.campaigns("tiktok").map((one) => ({
        advertiser_id: id,
        campaign_id: one.id,
        campaign_name: one.name,
        operation_status: "ENABLE",
        objective_type: "CONVERSIONS",
      })),
    ),
  );
  app.get<{ Querystring: Asked }>(`${root}/adgroup/get/`, (request) =>
    answer(request.query, () =>
      world.adGroups("tiktok").map((one) => ({
        advertiser_id: id,
        campaign_id: one.campaign,
        adgroup_id: one.id,
        adgroup_name: one.name,
        operation_status: "ENABLE",
      })),
    ),
  );
  app.get<{ Querystring: Asked }>(`${root}/ad/get/`, (request) =>
    answer(request.query, () =>
      world.ads("tiktok").map((one) => ({
        advertiser_id: id,
        campaign_id: one.campaign,
        adgroup_id: one.adGroup,
        ad_id: one.id,
        ad_name: one.name,
        operation_status: "ENABLE",
      })),
    ),
  );
  app.get<{ Querystring: Asked }>(`${root}/report/integrated/get/`, (request) =>
    answer(request.query, ({ data_level: level, start_date: start = "", end_date: end = "" }) => {
      if ((Date.parse(end) - Date.parse(start)) / 86_400_000 >= MAX_DAYS) return "The max time span is 30 days";
      const facts =
        level === "AUCTION_AD" ? world.adFacts("tiktok", start, end) : world.campaignFacts("tiktok", start, end);
      return facts.map(row);
    }),
  );
}

/** Days are of the advertiser, metrics are texts, and what was not measured is "-". */
function row({ day, campaign, adGroup, ad, device, spend, impressions, clicks, conversions, value }: Fact): object {
  const unmeasured = ad === planted.unmeasuredAd.id;
  return {
    dimensions: {
      ...(ad ? { ad_id: ad } : { campaign_id: campaign }),
      stat_time_day: `${day} 00:00:00`,
      platform: device,
    },
    metrics: {
      advertiser_id: accounts.tiktok.id,
      ...(ad ? { campaign_id: campaign, adgroup_id: adGroup } : {}),
      currency: accounts.tiktok.currency,
      spend: spend.toFixed(2),
      impressions: String(impressions),
      clicks: String(clicks),
      conversion: unmeasured ? "-" : String(conversions),
      total_purchase_value: unmeasured ? "-" : value.toFixed(2),
    },
  };
}

function paged(all: readonly object[], { page = "1", page_size: size = "10" }: Asked) {
  const offset = (Number(page) - 1) * Number(size);
  const page_info = { page: Number(page), page_size: Number(size), total_number: all.length };
  return succeeded({ list: all.slice(offset, offset + Number(size)), page_info });
}

function succeeded(data: object): object {
  return { code: 0, message: "OK", request_id: "1", data };
}

function failed(code: number, message: string): object {
  return { code, message, request_id: "1", data: {} };
}
