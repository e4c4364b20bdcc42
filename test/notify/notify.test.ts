import { utimesSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, inject, onTestFinished, test } from "vitest";
import { cli } from "../support/cli.ts";
import { type Listener, ok, startListener } from "../support/servers/listener.ts";
import { noSmtp, startSmtp, type TestSmtp } from "../support/servers/smtp.ts";
import { serving } from "../support/serving.ts";
import { sharedWarehouse, type Warehouse } from "../support/warehouse.ts";

// A model that fails, one that is held and one that loses too much, each for as long as a table of its own says.
const files = {
  "dataform.json": JSON.stringify({ project: "shop", warehouse: "postgres", defaultSchema: "shop" }),
  "definitions/switch.sqlx": 'config { type: "declaration", schema: "raw", name: "switch" }',
  "definitions/shop/orders.sqlx": `config { type: "table", tags: ["daily"] }
select 1 / (1 - max(fails)) as id from \${ref("raw", "switch")}`,
  "definitions/shop/paid.sqlx": `config { type: "table", assertions: { nonNull: ["id"] } }
select case when held = 0 then 1 end as id from \${ref("raw", "switch")}`,
  "definitions/ads/spend.sqlx": `config { type: "table", postgres: { guard: { maxRowDrop: "10%" } } }
select n from \${ref("raw", "switch")}, generate_series(1, 100 - 90 * lost) as n`,
  "ingest/visits.yaml": JSON.stringify({
    version: 1,
    source: "visits",
    files: { at: "data" },
    streams: [
      {
        name: "all",
        files: "*.csv",
        format: "csv",
        table: "visits",
        freshness: { error: "1h" },
        recordSchema: { type: "object", properties: { id: { type: "integer" } } },
      },
    ],
  }),
  "data/0.csv": "id\n1\n",
};

/** What a channel or a file is, whichever server it is that remembers what was told. */
const testOfFirst = test.runIf(inject("everyCase"));

let shop: Warehouse & { end(): Promise<void> };
let hook: Listener;
let team: Listener;
let smtp: TestSmtp | undefined;
const ends: (() => unknown)[] = [];

beforeAll(async () => {
  shop = await sharedWarehouse(files);
  await shop.sql(
    "create schema raw; create table raw.switch (fails int, held int, lost int); insert into raw.switch values (0, 0, 0)",
  );
  deliver("data/0.csv", files["data/0.csv"]);
  await cli(shop.project.dir, ["ingest", "--url", shop.database.url]);
  await shop.run();
  hook = await startListener((end) => void ends.push(end));
  team = await startListener((end) => void ends.push(end));
  smtp = noSmtp ? undefined : await startSmtp((end) => void ends.push(end), { user: "data", password: "secret" });
});
afterAll(async () => {
  for (const end of ends) await end();
  await shop?.end();
});

beforeEach(async () => {
  for (const one of [hook, team]) {
    one.received.length = 0;
    one.answer = ok;
  }
  const [turned] = await shop.rows(
    "with turned as (update raw.switch set fails = 0, held = 0, lost = 0 where fails + held + lost > 0 returning 1) select count(*) from turned",
  );
  if (turned !== "0") await shop.run();
  await shop.sql("delete from _dataform.delivery; delete from _dataform.incident; delete from _dataform.follower");
});

/** So old that no load waits to see whether it still grows. */
function deliver(path: string, text: string): void {
  shop.project.write({ [path]: text });
  utimesSync(join(shop.project.dir, path), 0, 0);
}

const declared = (more: object = {}) => ({
  site: "https://data.example.com/",
  channels: {
    hook: { webhook: { url: "${HOOK_URL}", headers: { authorization: "${HOOK_TOKEN}" } }, every: "1ms" },
    team: { slack: { url: "${TEAM_URL}" }, every: "1ms" },
  },
  rules: [{ to: ["hook"] }, { to: ["team"], products: ["shop"], on: ["failure", "held", "recovery"] }],
  ...more,
});
const env = () => ({
  HOOK_URL: hook.url,
  HOOK_TOKEN: "Bearer of-the-hook",
  TEAM_URL: team.url,
  MAIL_PASSWORD: "secret",
});
const notify = async (settings: object = declared(), ...args: string[]) => {
  shop.project.write({ "notifications.yaml": JSON.stringify(settings) });
  return cli(shop.project.dir, ["notify", "--url", shop.database.url, ...args], env());
};
const turn = (what: string) => shop.sql(`update raw.switch set ${what}`);
const events = ({ received }: Listener) =>
  received.map(({ body }) =>
    body.events.map(
      (one: { event: string; kind: string; subject: string }) => `${one.event} ${one.kind} ${one.subject}`,
    ),
  );

test("where nothing else is said, a channel takes one message a second at most, as Slack does", async () => {
  const slack = declared({ channels: { team: { slack: { url: "${TEAM_URL}" } } }, rules: [{ to: ["team"] }] });
  await notify(slack);
  await turn("fails = 1");
  await shop.run();
  const { exitCode } = await notify(slack);
  expect(exitCode).toBe(0);
  expect(team.received).toHaveLength(1);
  expect(
    await shop.rows(`
      select extract(epoch from f.next_at - max(d.sent_at)) between 1 and 60
      from _dataform.follower as f
      inner join _dataform.delivery as d on f.name = 'channel:' || d.channel
      group by f.next_at`),
  ).toEqual(["t"]);
});

test("what is wrong is told once, together, to whom a rule names, and once when it is over", async () => {
  await notify();
  expect([hook.received, team.received]).toEqual([[], []]);
  await turn("fails = 1, held = 1, lost = 1");
  await shop.run();
  const first = await notify();
  expect(first.exitCode, first.stderr).toBe(0);
  expect(events(hook)).toHaveLength(1);
  expect(events(hook)[0]).toEqual([
    "opened failure shop.orders",
    "opened held shop.paid",
    "opened failure shop.shop_paid_assertions_rowConditions",
    "opened guard shop.spend",
    "opened held shop.spend",
  ]);
  const [{ headers, body }] = hook.received as [Listener["received"][number]];
  expect(headers).toMatchObject({ authorization: "Bearer of-the-hook", "idempotency-key": body.id });
  expect(body).toMatchObject({ version: 1, project: "shop", environment: "main", site: "https://data.example.com" });
  expect(body.events.find((one: { subject: string }) => one.subject === "shop.orders")).toMatchObject({
    text: expect.stringContaining("division by zero"),
    link: "#/relation/shop/orders",
    product: "shop",
    tags: ["daily"],
  });
  const slack = JSON.stringify(team.received.map(({ body: one }) => one));
  expect(slack).toContain("<https://data.example.com/#/relation/shop/orders|shop.orders> failed: division by zero");
  expect(slack).not.toContain("shop.spend");
  await notify();
  await shop.run();
  await notify();
  expect([hook.received.length, team.received.length]).toEqual([1, 1]);
  await turn("fails = 0, held = 0, lost = 0");
  await shop.run();
  await notify();
  await notify();
  expect([hook.received.length, team.received.length]).toEqual([2, 2]);
  expect(events(hook)[1]).toContain("closed failure shop.orders");
  expect(events(hook)[1].every((one: string) => one.startsWith("closed"))).toBe(true);
});

test("processes that look and tell at the same time tell once", async () => {
  await notify();
  await turn("fails = 1");
  await shop.run();
  const all = await Promise.all([notify(), notify(), notify(), notify()]);
  expect(all.map(({ stderr }) => stderr).join("\n")).not.toContain("error");
  expect([hook.received.length, team.received.length]).toEqual([1, 1]);
});

test("a load that failed, fields that are others and what is too old are told of its source", async ({
  onTestFinished,
}) => {
  await notify();
  deliver("data/1.csv", "id,other\n1,2\n");
  onTestFinished(() =>
    shop.sql(
      "delete from raw._load where status = 'failed'; delete from raw._drift; update raw._load set details = details - 'asked_at', finished_at = now()",
    ),
  );
  await cli(shop.project.dir, ["ingest", "--url", shop.database.url]);
  await shop.sql(
    "update raw._load set details = details || jsonb_build_object('asked_at', now() - interval '2 hours')",
  );
  await notify();
  expect(events(hook).flat()).toEqual(["opened freshness source visits.all", "opened schema source visits.all"]);
  expect(hook.received[0]!.body.events[1].text).toContain("other");
  await shop.sql(
    "insert into raw._load (source, stream, table_name, status, started_at, finished_at, details) values ('visits', 'all', 'visits', 'failed', now(), now(), '{\"error\": \"the file is cut\"}')",
  );
  await notify();
  expect(events(hook)[1]).toEqual(["opened failure source visits.all"]);
});

test("one that is busy says when it may be asked again, and is asked no sooner, by no process", async () => {
  await notify();
  await turn("fails = 1");
  await shop.run();
  team.answer = (response) => void response.writeHead(429, { "retry-after": "600" }).end();
  const first = await notify();
  expect(first.exitCode).toBe(1);
  expect(first.stderr).toContain("not told by team: 127.0.0.1");
  expect(first.stderr).toContain("HTTP 429");
  // The other one was told all the same.
  expect([hook.received.length, team.received.length]).toEqual([1, 1]);
  team.answer = ok;
  expect((await notify()).exitCode).toBe(1);
  expect(team.received).toHaveLength(1);
  const [wait] = await shop.rows(
    "select round(extract(epoch from next_at - now()) / 60) from _dataform.follower where name = 'channel:team'",
  );
  expect(wait).toBe("10");
  await shop.sql("update _dataform.follower set next_at = null");
  expect((await notify()).exitCode).toBe(0);
  expect(team.received).toHaveLength(2);
});

test("a clock that was put back hides no run, and holds up no channel", async () => {
  await notify();
  await turn("fails = 1");
  await shop.run();
  team.answer = (response) => void response.writeHead(500).end();
  await notify();
  team.answer = ok;
  // The clock is put back by a day: all that is recorded is of tomorrow, also who is at it and until when a channel waits.
  await shop.sql(`
    update _dataform.run set started_at = started_at + interval '1 day', finished_at = finished_at + interval '1 day';
    update _dataform.follower set next_at = now() + interval '1 day', claimed_until = now() + interval '1 day'`);
  onTestFinished(() =>
    shop.sql(
      "update _dataform.run set started_at = started_at - interval '1 day', finished_at = finished_at - interval '1 day' where started_at > now()",
    ),
  );
  await turn("fails = 0");
  await shop.run();
  expect((await notify()).exitCode).toBe(0);
  await notify();
  expect(events(hook)).toEqual([["opened failure shop.orders"], ["closed failure shop.orders"]]);
  // What it did not take comes first, as it was.
  expect(team.received).toHaveLength(3);
});

test("what may have been told when its process died is told again as the same message, and what came since in another one", async () => {
  await notify();
  await turn("fails = 1");
  await shop.run();
  hook.answer = (response) => void response.destroy();
  await notify();
  hook.answer = ok;
  await turn("fails = 0, held = 1");
  await shop.run();
  await shop.sql("update _dataform.follower set next_at = null");
  await notify();
  const [lost, again, later] = hook.received.map(({ body }) => body);
  expect(again).toEqual(lost);
  expect(later.id).not.toBe(again.id);
  expect(later.events.map(({ event, subject }: { event: string; subject: string }) => `${event} ${subject}`)).toContain(
    "closed shop.orders",
  );
});

test("what nobody took for a day is given up", async () => {
  await notify();
  await turn("fails = 1");
  await shop.run();
  hook.answer = (response) => void response.writeHead(500).end();
  await notify();
  await shop.sql(
    "update _dataform.delivery set made_at = now() - interval '25 hours'; update _dataform.follower set next_at = null",
  );
  await notify();
  expect(await shop.rows("select distinct status from _dataform.delivery where channel = 'hook'")).toEqual(["failed"]);
});

test("what waits for a channel that is declared no more is given up after a day, too", async () => {
  await notify();
  await turn("fails = 1");
  await shop.run();
  hook.answer = (response) => void response.writeHead(500).end();
  await notify();
  const without = declared({ channels: { team: declared().channels.team }, rules: [] });
  expect((await notify(without)).stderr).toContain("not told by hook: it stands in notifications.yaml no more");
  await shop.sql("update _dataform.delivery set made_at = now() - interval '25 hours'");
  await notify(without);
  expect((await notify(without)).exitCode).toBe(0);
});

test("a failure behind more runs than are read at once is found, whatever its error says", async () => {
  await notify();
  await shop.sql(`
    insert into _dataform.run (run_id, environment, fence, status, started_at, finished_at, errors)
    select gen_random_uuid(), 'main', fence + n, case when n = 1 then 'failure' else 'cancelled' end, now(), now(),
      jsonb_build_array(jsonb_build_object('message', repeat('x', 298) || '😀 and more'))
    from generate_series(1, 120) as n
    cross join _dataform.environment`);
  onTestFinished(() =>
    shop.sql("delete from _dataform.run where status = 'cancelled' or errors -> 0 ->> 'message' like 'xx%'"),
  );
  const { exitCode, stderr } = await notify();
  expect(exitCode, stderr).toBe(0);
  expect(events(hook)).toEqual([["opened failure a run"]]);
  expect(hook.received[0]!.body.events[0].text).toBe(`${"x".repeat(298)}…`);
});

test("what was wrong with a source or a line of the schedule that is gone is over, and nobody is told", async () => {
  onTestFinished(() => shop.project.write({ "ingest/visits.yaml": files["ingest/visits.yaml"] }));
  await notify();
  await shop.sql(`
    update raw._load set status = 'failed', details = '{"error": "broken"}';
    insert into _dataform.schedule (environment, name, version, definition) values ('main', 'night', '1', '{}');
    insert into _dataform.schedule_due (environment, schedule, version, due, last_due, cause, definition, status, finished_at)
    values ('main', 'night', '1', now(), now(), 'clock', '{}', 'failure', now())`);
  onTestFinished(() =>
    shop.sql(
      "update raw._load set status = 'loaded'; delete from _dataform.schedule_due; delete from _dataform.schedule",
    ),
  );
  await notify();
  const wrong = ["freshness source visits.all", "failure source visits.all", "failure schedule night"];
  expect(events(hook)[0]).toEqual(wrong.map((one) => `opened ${one}`));
  shop.project.remove("ingest/visits.yaml");
  await shop.sql("update _dataform.schedule set removed_at = now()");
  const { stderr } = await notify();
  for (const gone of wrong) expect(stderr).toContain(`over ${gone}`);
  expect(hook.received).toHaveLength(1);
});

testOfFirst("a channel that cannot even be begun keeps no other one from being told", async () => {
  const broken = { command: { run: ["dataform.json/tell"] } };
  const settings = declared({ channels: { ...declared().channels, broken }, rules: [{ to: ["broken", "hook"] }] });
  await notify(settings);
  await turn("fails = 1");
  await shop.run();
  const { stderr } = await notify(settings);
  expect(stderr).toContain("not told by broken: dataform.json/tell");
  expect(hook.received).toHaveLength(1);
});

test("--dry-run tells nobody and keeps nothing; --json says what was found", async () => {
  await notify();
  await turn("fails = 1");
  await shop.run();
  const dry = JSON.parse((await notify(declared(), "--dry-run", "--json")).stdout);
  expect(dry.opened).toEqual([expect.objectContaining({ kind: "failure", subject: "shop.orders" })]);
  expect(hook.received).toEqual([]);
  const told = JSON.parse((await notify(declared(), "--json")).stdout);
  expect(told.opened).toEqual(dry.opened);
  expect(told.channels).toEqual([
    { channel: "hook", told: 1 },
    { channel: "team", told: 1 },
  ]);
});

test.runIf(inject("everyCase") && !noSmtp)(
  "a mail goes out by a server that asks who it is, and the same one has the same id",
  async () => {
    const email = {
      host: "127.0.0.1",
      port: smtp!.port,
      tls: "none",
      user: "data",
      password: "${MAIL_PASSWORD}",
      from: "Data <data@example.com>",
      to: ["a@example.com", "b@example.com"],
    };
    const settings = declared({ channels: { mail: { email } }, rules: [{ to: ["mail"] }] });
    await notify(settings);
    await turn("fails = 1");
    await shop.run();
    const { exitCode, stderr } = await notify(settings);
    expect(exitCode, stderr).toBe(0);
    const [mail] = smtp!.mails;
    expect(mail).toContain("Subject: shop: shop.orders failed");
    expect(mail).toMatch(/^To: a@example.com, b@example.com/m);
    expect(mail).toMatch(/^Message-ID: <[0-9a-f-]{36}@dataform-postgres>/m);
    expect(mail).toContain("https://data.example.com/#/relation/shop/orders");
    const wrong = await notify(
      declared({ channels: { mail: { email: { ...email, password: "${HOOK_TOKEN}" } } }, rules: [] }),
      "--test",
      "mail",
    );
    expect(wrong.exitCode).toBe(1);
    expect(wrong.stderr).toContain("did not take the mail (EAUTH 535)");
    expect(wrong.stderr).not.toContain("of-the-hook");
  },
);

testOfFirst(
  "a program gets it on its stdin, with the variables that are declared and no others",
  async ({ onTestFinished }) => {
    shop.project.write({ "tell.sh": '#!/bin/sh\ncat > told.json\nenv > env.txt\n[ "$1" = well ]\n' });
    const channel = (word: string) =>
      declared({
        channels: { own: { command: { run: ["sh", "tell.sh", word], env: { TOKEN: "${HOOK_TOKEN}" } } } },
        rules: [],
      });
    onTestFinished(() => shop.project.remove("tell.sh"));
    const good = await notify(channel("well"), "--test", "own");
    expect(good.exitCode, good.stderr).toBe(0);
    const { readFileSync } = await import("node:fs");
    expect(JSON.parse(readFileSync(`${shop.project.dir}/told.json`, "utf8")).events).toHaveLength(1);
    const variables = readFileSync(`${shop.project.dir}/env.txt`, "utf8");
    expect(variables).toContain("TOKEN=Bearer of-the-hook");
    expect(variables).not.toContain("MAIL_PASSWORD");
    const bad = await notify(channel("badly"), "--test", "own");
    expect(bad).toMatchObject({ exitCode: 1, stderr: expect.stringContaining("sh: it ended with 1") });
  },
);

testOfFirst(
  "a server that never greets and one that never answers hold up no other channel, and no page",
  async ({ onTestFinished }) => {
    const silent = createServer(() => {});
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void silent.close());
    const talking = createServer((socket) => {
      socket.on("error", () => {}).write("220 here\r\n");
      const word = setInterval(() => socket.write("250-and\r\n"), 100);
      socket.on("close", () => clearInterval(word));
    });
    await new Promise<void>((resolve) => talking.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void talking.close());
    await notify();
    team.answer = undefined;
    const at = (server: typeof silent) => {
      const { port } = server.address() as { port: number };
      return {
        email: { host: "127.0.0.1", port, tls: "none", from: "a@example.com", to: ["b@example.com"], timeout: "1s" },
      };
    };
    const slow = { slack: { url: "${TEAM_URL}", timeout: "2s" } };
    const channels = { ...declared().channels, team: slow, dead: at(silent), talks: at(talking) };
    const settings = declared({ channels, rules: [{ to: ["dead", "talks", "team", "hook"] }] });
    shop.project.write({ "notifications.yaml": JSON.stringify(settings) });
    await turn("fails = 1");
    await shop.run();
    const server = await serving(shop, onTestFinished, ["--notify", "--no-samples"], ["serve"], env());
    await expect.poll(() => hook.received.length, { timeout: 30_000 }).toBe(1);
    expect((await server.ask("healthz")).status).toBe(200);
    await turn("fails = 0");
    await shop.run();
    await expect.poll(() => hook.received.length, { timeout: 30_000 }).toBe(2);
    expect(team.received).toHaveLength(1);
    const errors = () => shop.rows("select error from _dataform.follower where name = 'channel:talks'");
    await expect.poll(errors, { timeout: 30_000 }).toEqual([expect.stringContaining("within 1s")]);
  },
  90_000,
);

testOfFirst(
  "who tells as long as it runs knows a model, a source and a rule that came since, and what is wrong in them changes nothing",
  async ({ onTestFinished }) => {
    await notify(declared({ rules: [{ to: ["hook"], products: ["shop"] }] }));
    const server = await serving(shop, onTestFinished, ["--notify", "--no-samples"], ["serve"], env());
    shop.project.write({ "notifications.yaml": "rules: 1\n" });
    await expect.poll(server.said, { timeout: 30_000 }).toContain("the project cannot be read again");
    shop.project.write({
      "definitions/stock/items.sqlx": 'config { type: "table", tags: ["owner:anna"] }\nselect 1 / 0 as id',
      "notifications.yaml": JSON.stringify(declared({ rules: [{ to: ["hook"], products: ["stock"] }] })),
    });
    onTestFinished(() => shop.project.remove("definitions/stock/items.sqlx"));
    await turn("fails = 1");
    await shop.run();
    await expect.poll(() => hook.received.length, { timeout: 30_000 }).toBe(1);
    expect(hook.received[0]!.body.events).toEqual([
      expect.objectContaining({ subject: "shop.items", product: "stock", tags: ["owner:anna"] }),
    ]);
  },
  60_000,
);

testOfFirst("mistakes of notifications.yaml are told with their lines, before anybody is told anything", async () => {
  shop.project.write({
    "notifications.yaml": `channels:
  hook: { webhook: { url: "ftp://a.example" }, slack: { url: "https://b.example" } }
  mail: { email: { host: mail.example, from: a@example.com, to: [b@example.com], user: me } }
rules:
  - { to: [hok], products: [shp], tags: [daly] }
openlineage: { token: "\${TOKEN}" }
`,
  });
  const { exitCode, stderr } = await cli(shop.project.dir, ["notify", "--url", shop.database.url], env());
  expect(exitCode).toBe(2);
  for (const said of [
    "notifications.yaml:2:3",
    "channel hook has several ways to tell somebody",
    "channels.hook.webhook.url is no address",
    "channel mail has a user and no password",
    'there is no channel "hok"',
    'did you mean "hook"?',
    'there is no product "shp"',
    'there is no tag "daly"',
    "openlineage has no one place for its events",
  ])
    expect(stderr).toContain(said);
  shop.project.write({ "notifications.yaml": 'channels: { hook: { webhook: { url: "${NOT_SET}" } } }\n' });
  expect((await cli(shop.project.dir, ["notify", "--url", shop.database.url], {})).stderr).toContain(
    "the environment variable NOT_SET is not set",
  );
});
