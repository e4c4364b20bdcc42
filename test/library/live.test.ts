import { expect, test } from "vitest";
import { type PublishOptions, publish, type SessionOptions, sessions } from "../../src/library/live.ts";
import { expectGolden, published } from "../support/golden.ts";

// What the functions give, as texts: the other tests of live have them run.

const views: PublishOptions = { from: ["raw", "page_viewed"], measures: { views: "count(*)" } };
const visits: SessionOptions = {
  from: ["raw", "page_viewed"],
  visitor: "visitor",
  time: "_event_at",
  gap: "30 minutes",
};

test("groups of events", () => {
  const options: PublishOptions = {
    ...views,
    by: ["path"],
    time: "_event_at",
    every: "minute",
    distinct: { visitors: "visitor" },
  };
  expectGolden(
    "library/live/publish.sql",
    published(() => publish("page_minutes", options)),
  );
});

test("groups of events with every option, and names that mean something in SQL", () => {
  const options: PublishOptions = {
    from: { name: "stg_events" },
    of: [["lake", "page viewed"], { schema: "lake", name: "bought" }],
    ledger: ["lake", "_load"],
    by: { user: 'lower("Order")', "it's": "kind" },
    time: '"At"',
    every: "week",
    timeZone: "Europe/Berlin",
    where: "visitor is not null",
    measures: {
      select: "sum( amount ) filter ( where currency = 'EUR' )",
      least: "min(amount)",
      "all of them": "every(amount > 0)",
    },
    distinct: { visitors: "visitor", about: { of: "visitor", approximate: "hll" } },
    audit: "refresh",
    schema: "live",
    tags: ["realtime"],
    description: "Weeks.",
    columns: { user: "Who.", visitors: "How many." },
  };
  expectGolden(
    "library/live/publish-options.sql",
    published(() => publish("weeks", options)),
  );
});

test("sessions of events", () => {
  expectGolden(
    "library/live/sessions.sql",
    published(() => sessions("visits", { ...visits, measures: { views: "count(*)", last: "max(url)" } })),
  );
});

const counted = (measure: string) => () => publish("a", { ...views, measures: { n: measure } });
const grouped = (options: Partial<PublishOptions>) => () => publish("a", { ...views, ...options });
const visited = (options: Partial<SessionOptions>) => () => sessions("a", { ...visits, ...options });

test.each<[call: () => void, message: string]>([
  [
    counted("avg(x)"),
    "live.publish: a: measures: n: avg of two parts does not give that of both: measure sum(…) and count(…)",
  ],
  [
    counted("string_agg(x, ',')"),
    "measures: n: string_agg of two parts does not give that of both: name the value in by",
  ],
  [counted("corr(x, y)"), "measures: n: corr of two parts does not give that of both: expected count(…), sum(…)"],
  [counted("count(distinct x)"), 'measures: n: name what is counted in distinct: { column: "value" }'],
  [counted("sum(*)"), 'measures: n: sum needs a value, found "sum(*)"'],
  [counted("sum(x) + 1"), "measures: n: expected count(…), sum(…), min(…), max(…), bool_or(…) or bool_and(…)"],
  [counted("sum(x) over ()"), "measures: n: expected count(…), sum(…)"],
  [counted("sum(x) filter (x > 1)"), "measures: n: expected filter (where …)"],
  [counted("sum(x"), "measures: n is not an aggregate whose parentheses and quotes are closed"],
  [grouped({ measures: {} }), "live.publish: a: needs measures or distinct"],
  [grouped({ by: ["x", "x"] }), "two columns are called x: rename one of them"],
  [grouped({ by: ["views"] }), "two columns are called views: rename one of them"],
  [
    grouped({ by: Array.from({ length: 31 }, (_, n) => `c${n}`) }),
    "by has too many columns for an index: expected at most 30, found 31",
  ],
  [grouped({ every: "day" }), "every day needs time: when an event happened"],
  [grouped({ time: "at" }), "time needs every: the period whose events are a group"],
  [grouped({ timeZone: "UTC" }), "timeZone needs every: the period that it is for"],
  [
    grouped({ every: "year" as never, time: "at" }),
    'every is one of minute, hour, day, week, month, none, found "year"',
  ],
  [grouped({ audit: "never" as never }), 'audit is one of changed, refresh, found "never"'],
  [
    grouped({
      of: [
        ["raw", "a"],
        ["other", "a"],
      ],
    }),
    "of: a is named twice, and the ledger knows tables by their names",
  ],
  [grouped({ distinct: { d: { of: "x", approximate: "yes" as never } } }), 'distinct: d: approximate: expected "hll"'],
  [visited({ gap: "1 day" }), 'live.sessions: a: gap: expected a time such as "30 minutes", found "1 day"'],
  [visited({ visitor: "started_at" }), "two columns are called started_at: rename one of them"],
  [visited({ visitor: {} }), "live.sessions: a: needs visitor: a column, or"],
])("a mistake in the options ends the compilation and is named: %#", (call, message) => {
  let said = "";
  try {
    published(call);
  } catch (error) {
    said = (error as Error).message;
  }
  expect(said).toContain(message);
});
