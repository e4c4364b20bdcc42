// A server that plays the four networks, read twice: in between they restate.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createAdNetworks, ratesCsv } from "../ad-networks/server.ts";
import type { Demo, DemoContext, Step } from "./demo.ts";

const networks = ["google_ads", "meta_ads", "tiktok_ads", "linkedin_ads"];

const questions: Step[] = [
  {
    ask: "Which campaigns bring the most for the money, over all networks? (conversions for one US dollar)",
    sql: `select rank_by_conversions_per_currency_unit_reporting as rank, platform, campaign_name as campaign, currency, round(spend, 2) as spend,
       conversions, round(conversions_per_currency_unit_reporting, 4) as "conversions per dollar", round(roas, 2) as roas
     from ads.campaign_rank order by 1, campaign_id limit 8`,
  },
  {
    ask: "What did the networks change afterwards?",
    sql: `select platform, campaign_name as campaign, device, days_later as "days later", what_happened as "what happened",
       spend_before as "spend before", spend_after as "spend after", conversions_before as "conversions before",
       conversions_after as "conversions after"
     from ads.restatements order by what_happened, platform, day desc, campaign_id, device limit 8`,
  },
  {
    ask: "What was the renamed campaign called, when?",
    sql: `select campaign_name as "name today", campaign_name_as_was as "name then", min(day) as "first day",
       max(day) as "last day", sum(clicks) as clicks
     from ads.campaign_daily where campaign_name <> campaign_name_as_was or (platform, campaign_id) = ('google', '1001')
     group by 1, 2 order by 3`,
  },
  {
    ask: "And the renamed ad group, a campaign of LinkedIn?",
    sql: `select ad_group_name as "name today", ad_group_name_as_was as "name then", min(day) as "first day",
       max(day) as "last day", count(distinct creative_id) as ads, sum(clicks) as clicks
     from ads.creative_daily where (platform, ad_group_id) = ('linkedin', '801') group by 1, 2 order by 3`,
  },
];

async function* steps({ folder, env }: DemoContext): AsyncGenerator<Step> {
  const played = createAdNetworks();
  try {
    Object.assign(env, played.env(await played.app.listen({ port: 0, host: "127.0.0.1" })));
    env.EXCHANGE_RATES_AT = folder;
    await writeFile(join(folder, "ecb.csv"), ratesCsv(played.world.day(60), played.world.today));
    yield { run: ["ingest", "exchange_rates"] };
    for (const network of networks) yield { run: ["ingest", network] };
    yield { run: ["run", "--tags", "ads"] };
    played.restate();
    for (const network of networks) yield { run: ["ingest", network] };
    yield { run: ["run", "--tags", "ads"] };
    yield* questions;
  } finally {
    await played.app.close();
  }
}

export const ads: Demo = { steps, schema: "ads" };
