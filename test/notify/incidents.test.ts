import { expect, test } from "vitest";
import type { Message, Told, Trouble } from "../../src/model/notifying.ts";
import type { StepScope } from "../../src/model/schedule.ts";
import { Belongings } from "../../src/notify/belongings.ts";
import { waitOf } from "../../src/notify/channels/post.ts";
import { slackBody } from "../../src/notify/channels/slack.ts";
import { changesOf, channelsFor } from "../../src/notify/incidents.ts";
import { plainText, subjectOf } from "../../src/notify/message.ts";
import { type EndedStep, verdictOfDue, verdictsOfRun } from "../../src/notify/verdicts.ts";

const trouble = (more: Partial<Trouble> = {}): Trouble => ({
  kind: "failure",
  subject: "shop.orders",
  text: "division by zero",
  link: "#/relation/shop/orders",
  ...more,
});
const there = () => true;

test("what is found wrong begins once, goes on while nobody finds it right, and ends once", () => {
  const wrong = { key: "failure:a", trouble: trouble() };
  const first = changesOf([], [wrong], there);
  expect(first).toEqual({ opened: [wrong], closed: [], goingOn: [] });
  expect(changesOf(first.opened, [wrong], there)).toEqual({ opened: [], closed: [], goingOn: [wrong] });
  expect(changesOf(first.opened, [], there)).toEqual({ opened: [], closed: [], goingOn: [wrong] });
  expect(changesOf(first.opened, [{ key: "failure:a", trouble: null }], there)).toEqual({
    opened: [],
    closed: [{ ...wrong, isTold: true }],
    goingOn: [],
  });
  expect(changesOf([], [{ key: "failure:a", trouble: null }], there).closed).toEqual([]);
});

test("what is gone from the project is over, and nobody is told", () => {
  const known = [{ key: "failure:shop.old", trouble: trouble({ action: "shop.old" }) }];
  expect(changesOf(known, [], ({ action }) => action !== "shop.old").closed).toEqual([{ ...known[0], isTold: false }]);
});

test("a rule tells of the kinds, products and tags that it names, of the end where it says so, and each channel once", () => {
  const rule = (more: object) => ({ to: ["team"], on: ["failure" as const, "recovery" as const], ...more });
  const about = trouble({ product: "shop", tags: ["daily"] });
  const channels = (one: object, of = about, isOver = false) => channelsFor([rule(one), rule(one)], of, isOver);
  expect(channels({})).toEqual(["team"]);
  expect(channels({}, about, true)).toEqual(["team"]);
  expect(channels({ on: ["failure"] }, about, true)).toEqual([]);
  expect(channels({ on: ["held"] })).toEqual([]);
  expect(channels({ products: ["shop"], tags: ["daily"] })).toEqual(["team"]);
  expect(channels({ products: ["ads"] })).toEqual([]);
  expect(channels({ tags: ["hourly"] })).toEqual([]);
  expect(channels({ products: ["shop"] }, trouble())).toEqual([]);
});

const belongings = new Belongings(
  {
    actions: [
      {
        kind: "table",
        target: { schema: "shop", name: "orders" },
        file: "definitions/shop/orders.sqlx",
        tags: ["daily"],
      },
    ] as never,
  },
  ["visits", "stock"],
);
const step = (more: Partial<EndedStep>): EndedStep => ({
  schema: "shop",
  name: "orders",
  kind: "table",
  status: "ok",
  rows: null,
  reason: null,
  error: null,
  ...more,
});
const run = (steps: readonly EndedStep[], more: object = {}) => ({
  runId: "r",
  status: "failure",
  fence: "1",
  errors: [],
  steps,
  ...more,
});
const found = (one: EndedStep) =>
  verdictsOfRun(run([one]), belongings)
    .filter(({ key }) => key !== "failure:run")
    .map(({ key, trouble: wrong }) => `${key} ${wrong?.kind ?? "right"}`);

test("a line of the schedule is of all that its steps are about, a run as a whole of its steps, and of everything where it recorded none", () => {
  const due = (scopes: readonly StepScope[]) =>
    verdictOfDue({ schedule: "night", status: "failure", reason: "exit code 1", scopes }, belongings).trouble;
  const scopes: readonly StepScope[] = [{ sources: ["visits.all"] }, { actions: { tags: ["daily"] } }];
  expect(due(scopes)).toMatchObject({ products: ["shop", "visits"], tags: ["daily"] });
  expect(due([{ actions: { select: ["tag:daily"] } }])).toMatchObject({ products: ["shop"], tags: ["daily"] });
  expect(due([{ sources: null }])).toMatchObject({ products: ["stock", "visits"], tags: [] });
  expect(due([{ actions: {} }])).toMatchObject({ products: ["shop"], tags: ["daily"] });
  // What is gone from the project, and a step that is about nothing of it.
  expect(due([{ actions: { tags: ["gone"] } }])).toMatchObject({ products: [], tags: [] });
  const whole = (steps: readonly EndedStep[]) =>
    verdictsOfRun(run(steps, { status: "abandoned" }), belongings)[0]!.trouble;
  expect(whole([])).toMatchObject({ products: ["shop", "stock", "visits"], tags: ["daily"] });
  expect(whole([step({})])).toMatchObject({ products: ["shop"], tags: ["daily"] });
  expect(channelsFor([{ to: ["shop"], on: ["failure"], products: ["shop"] }], due(scopes)!, false)).toEqual(["shop"]);
  expect(channelsFor([{ to: ["ads"], on: ["failure"], products: ["ads"] }], due(scopes)!, false)).toEqual([]);
});

test("each verdict of a step is of what it says: a guard of its model, nothing of what was not tried", () => {
  expect(found(step({}))).toEqual(["failure:shop.orders right", "held:shop.orders right"]);
  expect(found(step({ status: "failed" }))).toEqual(["failure:shop.orders failure"]);
  expect(found(step({ status: "held" }))).toEqual(["failure:shop.orders right", "held:shop.orders held"]);
  expect(found(step({ status: "skipped" }))).toEqual([]);
  const guard = { schema: "tests", name: "shop_orders_guard_maxRowDrop", kind: "assertion" };
  expect(found(step({ ...guard, status: "failed" }))).toEqual(["guard:tests.shop_orders_guard_maxRowDrop guard"]);
  const [whole, guarded] = verdictsOfRun(run([step({ ...guard, status: "failed" })]), belongings);
  expect(whole).toEqual({ key: "failure:run", trouble: null });
  expect(guarded!.trouble).toMatchObject({ subject: "shop.orders", product: "shop", tags: ["daily"] });
});

test("a run that never ended is wrong, one that was cancelled says nothing", () => {
  expect(verdictsOfRun(run([], { status: "abandoned" }), belongings)[0]!.trouble!.text).toContain("never ended");
  expect(verdictsOfRun(run([], { status: "cancelled" }), belongings)).toEqual([]);
  expect(verdictsOfRun(run([], { errors: ["no\n room"] }), belongings)[0]!.trouble!.text).toBe("no room");
});

const told = (more: Partial<Told> = {}): Told => ({
  ...trouble(),
  incident: "1",
  event: "opened",
  since: "2026-11-29T02:00:00.000000Z",
  until: null,
  ...more,
});
const message = (events: readonly Told[], site: string | null = "https://data.example.com"): Message => ({
  version: 1,
  id: "i",
  project: "shop",
  environment: "main",
  site,
  events,
});

test("a mail says in its subject what is wrong, and in each line where the site shows it", () => {
  expect(subjectOf(message([told()]))).toBe("shop: shop.orders failed");
  expect(subjectOf(message([told(), told({ event: "closed" })]))).toBe("shop: 1 thing wrong, 1 right again");
  expect(plainText(message([told(), told({ event: "closed" })]))).toBe(`wrong: shop.orders failed: division by zero
  https://data.example.com/#/relation/shop/orders

right again: shop.orders is right again; it failed since 2026-11-29 02:00 UTC
  https://data.example.com/#/relation/shop/orders`);
  expect(
    plainText(
      message(
        Array.from({ length: 40 }, () => told()),
        null,
      ),
    )
      .split("\n")
      .at(-1),
  ).toBe("and 10 more");
});

test("in a message to Slack no text is a link or calls somebody", () => {
  const body = JSON.stringify(slackBody(message([told({ text: "<!channel> & <https://a.example|here>" })])));
  expect(body).toContain("&lt;!channel&gt; &amp; &lt;https://a.example|here&gt;");
  expect(body).toContain("<https://data.example.com/#/relation/shop/orders|shop.orders>");
  expect(body).toContain('"text":"shop: shop.orders failed"');
});

test("Retry-After is seconds or a date, and no longer than an hour", () => {
  expect(waitOf("3")).toBe(3000);
  expect(waitOf(new Date(65_000).toUTCString(), 60_000)).toBe(5000);
  expect(waitOf(new Date(0).toUTCString(), 60_000)).toBe(0);
  expect(waitOf("999999")).toBe(3_600_000);
  expect(waitOf("soon")).toBeUndefined();
  expect(waitOf(undefined)).toBeUndefined();
});
