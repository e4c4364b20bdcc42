// Ten seconds of a shop's visitors: their pages send events, and each is in the marts once it is committed, run or no run. Then they go on
// for as long as somebody looks at the page.
import { setTimeout as sleep } from "node:timers/promises";
import { play } from "../demo-events/play.ts";
import type { Demo, DemoContext, Shown, Step } from "./demo.ts";

const SECONDS = 5;

const counted: Step = {
  ask: "How much happens, minute by minute, till this moment?",
  sql: "select minute, event, events from events.event_minutes order by minute desc, event limit 6",
};

const questions: Step[] = [
  counted,
  {
    ask: "Which pages are looked at most?",
    sql: "select url, day, views, visitors from events.page_days order by day desc, views desc limit 5",
  },
  {
    ask: "How many visitors make an account, and how many buy?",
    sql: "select * from events.funnel order by week desc",
  },
  {
    ask: "What was refused, and why? (kept with its reason)",
    sql: "select stream, reason, count(*) as events from raw._rejected where source = 'events' group by 1, 2 order by 3 desc limit 5",
  },
];

async function* steps({ start }: DemoContext): AsyncGenerator<Step> {
  const collector = await start(["collect", "--port", "0"]);
  const ending = new AbortController();
  const playing = play({
    to: `${collector.address}events`,
    seed: 1,
    from: Date.now(),
    visitorsPerMinute: 3_000,
    speed: 1,
    signal: ending.signal,
  });
  try {
    await sleep(SECONDS * 1_000);
    yield { run: ["run", "--tags", "events"] };
    yield counted;
    await sleep(SECONDS * 1_000);
    yield { ...counted, ask: `And ${SECONDS} seconds later, without a run in between?` };
    yield { run: ["run", "--tags", "realtime"] };
    ending.abort();
    await playing;
    yield* questions;
  } finally {
    ending.abort();
    await playing;
    await collector.stop();
  }
}

const shown: Shown = {
  flags: ["--collect"],
  page: "#/dashboard/events",
  feed: (address, signal) =>
    play({ to: `${address}events`, seed: 2, from: Date.now(), visitorsPerMinute: 120, speed: 1, signal }),
};

export const events: Demo = { steps, schema: "events", shown };
