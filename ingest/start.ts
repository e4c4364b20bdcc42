// The main job, by the commands a person would type: ingest from the marketing API, build and publish the models,
// read the marts. `npm start` runs it against the demo API beside this file; set MARKETING_API_URL and
// MARKETING_API_TOKEN to run it against your own.
import { cli, readEnvironment, terminal } from "dataform-postgres";
import { createDemoApi, DEMO_TOKEN } from "./demo-api/server.ts";

const shell = terminal();
const env = readEnvironment(shell.projectDir);

const questions = [
  [
    "Which campaigns convert best? (at least 100 clicks)",
    `select rank_by_conversion_rate as rank, campaign_name as campaign, currency, clicks, conversions,
       round(100 * conversion_rate, 2) as "conversion rate %",
       round(conversions_per_currency_unit, 4) as "conversions per 1 spent"
     from marketing.best_converting_campaigns order by rank_by_conversion_rate, campaign_id limit 5`,
  ],
  [
    "Which creatives convert best?",
    `select rank_by_conversion_rate as rank, creative_name as creative, campaign_name as campaign, clicks, conversions,
       round(100 * conversion_rate, 2) as "conversion rate %"
     from marketing.best_converting_creatives order by rank_by_conversion_rate, creative_id limit 5`,
  ],
  [
    "What does a conversion cost? (cheapest campaigns of each currency)",
    `select campaign_name as campaign, currency, round(spend, 2) as spend, conversions, round(spend_per_conversion, 2) as "spend per conversion"
     from (
       select *, row_number() over (partition by currency order by spend_per_conversion) as place
       from marketing.spend_per_conversion
     ) cheapest
     where place <= 3 order by currency, place`,
  ],
] as const;

const ownApi = env.MARKETING_API_URL === undefined ? await createDemoApi({ faults: true }) : undefined;
try {
  const demo = ownApi && {
    MARKETING_API_URL: await ownApi.listen({ port: 0, host: "127.0.0.1" }),
    MARKETING_API_TOKEN: DEMO_TOKEN,
  };
  process.exitCode = await mainJob({ ...env, ...demo });
} finally {
  await ownApi?.close();
}

async function mainJob(environment: typeof env): Promise<number> {
  const run = (...args: string[]) => cli(args, { ...shell, env: environment, exitCode: 0 });
  for (const args of [["ingest", "marketing"], ["run"]]) {
    shell.say(`\n$ dataform ${args.join(" ")}`);
    const exitCode = await run(...args);
    if (exitCode !== 0) return exitCode;
  }
  for (const [question, sql] of questions) {
    shell.print(`\n${question}\n`);
    const exitCode = await run("query", "--quiet", sql);
    if (exitCode !== 0) return exitCode;
  }
  const named = environment.DATABASE_URL ?? environment.PGHOST;
  shell.print(
    named
      ? "\nThe marts are in schema marketing of your database."
      : "\nThe database stays up (`npx dataform db stop` ends it). Open it with psql or a BI tool; the marts are in schema marketing:",
  );
  return named ? 0 : run("db", "url");
}
