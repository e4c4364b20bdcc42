// The demo API, unless MARKETING_API_URL and MARKETING_API_TOKEN name one of your own.
import { createDemoApi, DEMO_TOKEN } from "../demo-api/server.ts";
import type { Demo, DemoContext, Step } from "./demo.ts";

const questions: Step[] = [
  {
    ask: "Which campaigns convert best? (at least 100 clicks)",
    sql: `select rank_by_conversion_rate as rank, campaign_name as campaign, currency, clicks, conversions,
       round(100 * conversion_rate, 2) as "conversion rate %",
       round(conversions_per_currency_unit, 4) as "conversions per 1 spent"
     from marketing.best_converting_campaigns order by rank_by_conversion_rate, campaign_id limit 5`,
  },
  {
    ask: "Which creatives convert best?",
    sql: `select rank_by_conversion_rate as rank, creative_name as creative, campaign_name as campaign, clicks, conversions,
       round(100 * conversion_rate, 2) as "conversion rate %"
     from marketing.best_converting_creatives order by rank_by_conversion_rate, creative_id limit 5`,
  },
  {
    ask: "What does a conversion cost? (cheapest campaigns of each currency)",
    sql: `select campaign_name as campaign, currency, round(spend, 2) as spend, conversions, round(spend_per_conversion, 2) as "spend per conversion"
     from (
       select *, row_number() over (partition by currency order by spend_per_conversion) as place
       from marketing.spend_per_conversion
     ) cheapest
     where place <= 3 order by currency, place`,
  },
];

async function* steps({ env }: DemoContext): AsyncGenerator<Step> {
  const ownApi = env.MARKETING_API_URL === undefined ? await createDemoApi({ faults: true }) : undefined;
  try {
    if (ownApi) {
      env.MARKETING_API_URL = await ownApi.listen({ port: 0, host: "127.0.0.1" });
      env.MARKETING_API_TOKEN = DEMO_TOKEN;
    }
    yield { run: ["ingest", "marketing"] };
    yield { run: ["run", "--tags", "marketing"] };
    yield* questions;
  } finally {
    await ownApi?.close();
  }
}

export const marketing: Demo = { steps, schema: "marketing" };
