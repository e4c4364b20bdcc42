import type { FastifyInstance } from "fastify";
import { accounts, type Fact, type World } from "./world.ts";

/** Statistics come in one answer, however many there are, and days are objects. */
export function linkedin(app: FastifyInstance, world: World): void {
  const { id, name, currency } = accounts.linkedin;
  app.get(`/rest/adAccounts`, () => ({ elements: [{ id: Number(id), name, currency, status: "ACTIVE" }] }));
  app.get(`/rest/adAccounts/${id}/adCampaignGroups`, () => ({
    elements: world.campaigns("linkedin").map((one) => ({
      id: Number(one.id),
      name: one.name,
      account: `urn:li:sponsoredAccount:${id}`,
      status: "ACTIVE",
    })),
  }));
  app.get(`/rest/adAccounts/${id}/adCampaigns`, () => ({
    elements: world.adGroups("linkedin").map((one) => ({
      id: Number(one.id),
      name: one.name,
      account: `urn:li:sponsoredAccount:${id}`,
      campaignGroup: `urn:li:sponsoredCampaignGroup:${one.campaign}`,
      status: "ACTIVE",
    })),
  }));
  app.get(`/rest/adAccounts/${id}/creatives`, () => ({
    elements: world.ads("linkedin").map((one) => ({
      id: `urn:li:sponsoredCreative:${one.id}`,
      name: one.name,
      account: `urn:li:sponsoredAccount:${id}`,
      campaign: `urn:li:sponsoredCampaign:${one.adGroup}`,
      campaignGroup: `urn:li:sponsoredCampaignGroup:${one.campaign}`,
      intendedStatus: "ACTIVE",
    })),
  }));
  app.get("/rest/adAnalytics", (request, reply) => {
    // Parentheses of the query are part of its syntax and are never percent-encoded.
    const query = request.url.slice(request.url.indexOf("?") + 1);
    const day = /\(year:(\d+),month:(\d+),day:(\d+)\)/.source;
    const range = new RegExp(`dateRange=\\(start:${day},end:${day}\\)`).exec(query);
    if (!range) return reply.code(400).send({ status: 400, code: "ILLEGAL_ARGUMENT", message: "dateRange" });
    const [start, end] = [isoDay(range.slice(1, 4)), isoDay(range.slice(4, 7))];
    const ofAds = query.includes("CREATIVE");
    const facts = ofAds ? world.adFacts("linkedin", start, end) : world.campaignFacts("linkedin", start, end);
    return reply.send({ paging: { start: 0, count: facts.length, links: [] }, elements: facts.map(row) });
  });
}

function row({ day, campaign, ad, spend, impressions, clicks, conversions, value }: Fact): object {
  const [year, month, dayOfMonth] = day.split("-").map(Number);
  const date = { year, month, day: dayOfMonth };
  return {
    dateRange: { start: date, end: date },
    pivotValues: [
      `urn:li:sponsoredAccount:${accounts.linkedin.id}`,
      `urn:li:sponsoredCampaignGroup:${campaign}`,
      ...(ad ? [`urn:li:sponsoredCreative:${ad}`] : []),
    ],
    costInLocalCurrency: spend.toFixed(2),
    impressions,
    clicks,
    externalWebsiteConversions: conversions,
    conversionValueInLocalCurrency: value.toFixed(2),
  };
}

function isoDay([year, month, day]: readonly string[]): string {
  return `${year}-${month!.padStart(2, "0")}-${day!.padStart(2, "0")}`;
}
