import type { FastifyInstance } from "fastify";
import { planted } from "./planted.ts";
import { accounts, type Fact, type World } from "./world.ts";

const PAGE = 100;

interface Order {
  readonly level: "ad" | "campaign";
  readonly time_range: { readonly since: string; readonly until: string };
}

/** Reports are ordered, asked after and fetched page by page; lists of entities are pages. */
export function meta(app: FastifyInstance, world: World): void {
  const reports: { readonly order: Order; asked: number }[] = [];
  const { id, name, timezone } = accounts.meta;
  const act = `/v23.0/act_${id}`;

  app.get("/v23.0/me/adaccounts", () => ({
    data: [{ account_id: id, name, currency: world.currency("meta", 0), timezone_name: timezone }],
  }));
  app.get<{ Querystring: Turning }>(`${act}/campaigns`, (request) => {
    const all = world
      .campaigns("meta")
      .map((one) => ({ ...one, account_id: id, status: "ACTIVE", objective: "OUTCOME_SALES" }));
    return page(all, request);
  });
  app.get<{ Querystring: Turning }>(`${act}/adsets`, (request) => {
    const all = world
      .adGroups("meta")
      .map((one) => ({ id: one.id, name: one.name, account_id: id, campaign_id: one.campaign, status: "ACTIVE" }));
    return page(all, request);
  });
  app.get<{ Querystring: Turning }>(`${act}/ads`, (request) => {
    const all = world.ads("meta").map((one) => ({
      id: one.id,
      name: one.name,
      account_id: id,
      adset_id: one.adGroup,
      campaign_id: one.campaign,
      status: "ACTIVE",
    }));
    return page(all, request);
  });

  app.post<{ Body: Order }>(`${act}/insights`, (request) => {
    reports.push({ order: request.body, asked: 0 });
    return { report_run_id: String(reports.length) };
  });
  app.get<{ Params: { report: string } }>("/v23.0/:report", (request, reply) => {
    const number = Number(request.params.report);
    const report = reports[number - 1];
    if (!report)
      return reply.code(400).send({ error: { message: "Unsupported get request", code: 100, error_subcode: 33 } });
    const waits = number === planted.throttled.metaReport && report.asked++ === 0;
    const status = waits
      ? { async_status: "Job Running", async_percent_completion: 40 }
      : { async_status: "Job Completed", async_percent_completion: 100 };
    return reply.send({ id: request.params.report, ...status });
  });
  app.get<{ Params: { report: string }; Querystring: Turning }>("/v23.0/:report/insights", (request, reply) => {
    const report = reports[Number(request.params.report) - 1];
    if (!report) return reply.code(400).send({ error: { message: "Unsupported get request", code: 100 } });
    const { level, time_range: range } = report.order;
    const facts =
      level === "ad"
        ? world.adFacts("meta", range.since, range.until)
        : world.campaignFacts("meta", range.since, range.until);
    return reply.send(
      page(
        facts.map((fact) => insight(fact, world)),
        request,
      ),
    );
  });
}

interface Turning {
  readonly after?: string;
}

/** There is an `after` on every page; only `next` tells whether there is another one. */
function page(
  all: readonly object[],
  request: { readonly query: Turning; readonly url: string; readonly host: string },
) {
  const offset = Number(request.query.after ?? 0);
  const after = String(offset + PAGE);
  const next = `http://${request.host}${request.url.split("?")[0]}?after=${after}`;
  const more = offset + PAGE < all.length ? { next } : {};
  return { data: all.slice(offset, offset + PAGE), paging: { cursors: { after }, ...more } };
}

/** Numbers are texts. Actions overlap: a purchase on the site is told as itself and in sums of wider kinds. */
function insight(fact: Fact, world: World): object {
  const { day, daysAgo, campaign, adGroup, ad, device, spend, impressions, clicks, conversions, value } = fact;
  const kinds = ["offsite_conversion.fb_pixel_purchase", "omni_purchase", "purchase"];
  const actions = [
    { action_type: "link_click", value: String(clicks) },
    ...kinds.map((action_type) => ({ action_type, value: String(conversions), "7d_click": String(conversions) })),
  ];
  const values = kinds.map((action_type) => ({ action_type, value: value.toFixed(2) }));
  return {
    account_id: accounts.meta.id,
    account_currency: world.currency("meta", daysAgo),
    campaign_id: campaign,
    ...(adGroup ? { adset_id: adGroup } : {}),
    ...(ad ? { ad_id: ad } : {}),
    date_start: day,
    date_stop: day,
    impression_device: device,
    attribution_setting: "7d_click_1d_view",
    spend: spend.toFixed(2),
    impressions: String(impressions),
    clicks: String(clicks),
    reach: String(Math.round(impressions * 0.8)),
    frequency: "1.25",
    // Nothing counted is no list, not an empty one.
    ...(conversions > 0 ? { actions, action_values: values } : { actions: actions.slice(0, 1) }),
  };
}
