// A month of the blogs' snapshots: files first, one of them missing and one late, and the last day from the SOAP service.
import { utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { literal, sql } from "dataform-postgres";
import { csvOf, planted, totalsOn } from "../blog-soap/counters.ts";
import { createBlogService } from "../blog-soap/server.ts";
import { date } from "../demo-api/calendar.ts";
import type { Demo, DemoContext, Step } from "./demo.ts";

const LAST = 29;
const MISSING = 15;
const LATE = 22;

const questions: Step[] = [
  {
    ask: "How many views and clicks does each day bring?",
    sql: "select day, blogs, views, clicks, days_covered, has_reset from blog.daily_total order by day desc limit 8",
  },
  {
    ask: `What happened to blog ${planted.reset.blogId}, whose counters restarted, around the day without a snapshot?`,
    sql: sql`
      select day, views, clicks, days_covered, is_reset from blog.daily
      where blog_id = ${literal(planted.reset.blogId)}
        and day between ${literal(date(planted.reset.day - 1))} and ${literal(date(MISSING + 2))} order by day`.toString(),
  },
  {
    ask: "What has each blog had in all?",
    sql: "select blog_id as blog, views, clicks, first_day, last_day, is_deleted from blog.totals_to_date order by views desc",
  },
];

async function* steps({ folder, env }: DemoContext): AsyncGenerator<Step> {
  const service = await createBlogService({ day: () => date(LAST), totals: (day) => totalsOn(day) });
  try {
    env.BLOG_FILES = folder;
    env.BLOG_SOAP_URL = await service.listen();
    for (let day = 0; day < LAST; day++) if (day !== MISSING && day !== LATE) await deliver(folder, date(day));
    yield { run: ["ingest", "blog"] };
    yield { run: ["ingest", "blog_soap"] };
    yield { run: ["run", "--tags", "blog"] };
    await deliver(folder, date(LATE));
    yield { run: ["ingest", "blog"] };
    yield { run: ["run", "--tags", "blog"] };
    yield* questions;
  } finally {
    await service.close();
  }
}

/** Writes a file as if a minute ago, so that the load need not wait for it to settle. */
async function deliver(folder: string, day: string): Promise<void> {
  const path = join(folder, `blogs-${day}.csv`);
  await writeFile(path, csvOf(totalsOn(day)));
  const before = new Date(Date.now() - 60_000);
  await utimes(path, before, before);
}

export const blog: Demo = { steps, schema: "blog" };
