import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative, resolve } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { parse, parseDocument, type Scalar, type YAMLMap } from "yaml";
import { createAdNetworks, ratesCsv } from "../../ingest/ad-networks/server.ts";
import { csvOf, totalsOn } from "../../ingest/blog-soap/counters.ts";
import { createDemoApi, DEMO_TOKEN } from "../../ingest/demo-api/server.ts";
import { ownRecordsSql, reconciliationData } from "../../ingest/demos/reconciliation-data.ts";
import { transactions, transactionsCsv } from "../../ingest/demos/transactions-data.ts";
import { communesCsv } from "../../ingest/weather/communes.ts";
import { frenchReadings } from "../../ingest/weather/readings.ts";
import { createWeatherApi, DEMO_KEY } from "../../ingest/weather/server.ts";
import { readOperations } from "../../src/catalogue/operations.ts";
import { compile } from "../../src/compile/compile.ts";
import type { OperationsData } from "../../src/model/operations.ts";
import { type Client, connect, withClient } from "../../src/postgres/client.ts";
import { script } from "../../src/sql/authored.ts";
import { until } from "../../src/wait/until.ts";
import { type Clock, hasFakeClock } from "../support/month/clock.ts";
import { start } from "../support/program.ts";
import { isWhole } from "../support/proof.ts";
import { startListener } from "../support/servers/listener.ts";
import { ownServerByClock } from "../support/servers/own-postgres.ts";
import { noSmtp, startSmtp } from "../support/servers/smtp.ts";

// The repository's own schedules.yaml over a week whose Tuesday midnight finds our records' database shut, and whose Wednesday has a
// mistake in a model. `npm run proof:schedule-week` has all lines of all days; the other tests Tuesday to Thursday of two of them, in a copy
// that has no other products.

const root = resolve(import.meta.dirname, "../..");
const PARTS = [
  "definitions",
  "includes",
  "ingest",
  "dashboards",
  "serve",
  "schedules.yaml",
  "dataform.json",
  "package.json",
];

/** In Berlin, where it is winter time till Sunday, 02:00. */
const at = (day: string, time: string) => new Date(`${day}T${time}+01:00`);
const [MONDAY, TUESDAY, WEDNESDAY, THURSDAY] = ["2026-03-23", "2026-03-24", "2026-03-25", "2026-03-26"] as const;
const DAYS = isWhole
  ? [MONDAY, TUESDAY, WEDNESDAY, THURSDAY, "2026-03-27", "2026-03-28", "2026-03-29"]
  : [TUESDAY, WEDNESDAY, THURSDAY];
/** What else is looked at of a day: ads, the hours, the blogs. */
const TIMES = isWhole ? ["06:00:30", "12:20:00", "23:30:30"] : ["12:20:00"];
/** By their names: schedules.yaml has lines of products. */
const LINES = isWhole
  ? Object.keys((parse(readFileSync(join(root, "schedules.yaml"), "utf8")) as { readonly schedules: object }).schedules)
  : ["reconciliation", "transactions"];

/** For whatever is waited for, in milliseconds. */
const PATIENCE = isWhole ? 1_800_000 : 240_000;
const EVERY = isWhole ? 500 : 100;

const ROWS_A_DAY = isWhole ? 2_000 : 200;

test.skipIf(!hasFakeClock || noSmtp)(
  `${DAYS.length} days of schedules.yaml: a source is down on Tuesday, a test fails on Wednesday, the right people are told once, Thursday is whole`,
  async () => {
    const week = await openWeek();
    const { advanceTo, told, toldOf, rows, operations } = week;

    for (const day of DAYS) {
      if (day === TUESDAY) await week.sql("alter database ledger allow_connections false");
      await advanceTo(at(day, "00:00:01"));
      if (day === TUESDAY) {
        const failed = (await operations()).loads.filter(({ status }) => status === "failed");
        expect(new Set(failed.map(({ source }) => source))).toEqual(new Set(["reconciliation_records"]));
        await toldOf("failure:schedule:reconciliation", "opened");
        await week.sql("alter database ledger allow_connections true");
      }
      if (day === WEDNESDAY) week.edit("    amount_cents::bigint as", "    -amount_cents::bigint as");
      if (day === THURSDAY) week.edit("    -amount_cents::bigint as", "    amount_cents::bigint as");
      for (const time of TIMES) {
        // What nobody was there for within a minute, marketing leaves out.
        if (isWhole && time.startsWith("12")) await week.advanceToStartOf("marketing", at(day, "12:10:00"));
        await advanceTo(at(day, time));
        if (isWhole) console.log(`${day} ${time}: ${await rows(OUTCOMES)}`);
        if (!time.startsWith("12") || day < WEDNESDAY) continue;
        await week.deliverTransactions(day);
        const failed = (await operations()).assertions.filter(({ status }) => status === "failed");
        expect(failed.map(({ target }) => target.name)).toEqual(
          day === WEDNESDAY ? ["transactions_by_user_is_complete"] : [],
        );
        if (day === WEDNESDAY) await toldOf("failure:schedule:transactions", "opened");
        // Nothing more comes of it, and the other tests have no time for it.
        if (day === WEDNESDAY && !isWhole) await week.pause("reconciliation");
      }
    }
    await toldOf("failure:schedule:transactions", "closed");
    await week.end();

    expect(await rows(OUTCOMES)).toEqual(expect.arrayContaining(LAST_OF_EACH));
    if (isWhole)
      expect(
        await rows("select count(*) from _dataform.schedule_due where schedule = 'marketing' and status = 'success'"),
      ).toEqual([`${DAYS.length}`]);
    expect(await rows("select count(*), count(distinct load_id) from transactions.by_user")).toEqual([
      `${ROWS_A_DAY * DAYS.filter((day) => day >= WEDNESDAY).length}|${DAYS.filter((day) => day >= WEDNESDAY).length}`,
    ]);
    expect(readFileSync(join(week.dir, "open_items.csv"), "utf8").split("\n").length).toBeGreaterThan(2);
    const { accounting, cards, oncall } = told();
    const its = ["source reconciliation_records.records", "schedule reconciliation"];
    expect(accounting).toEqual(["wrong", "right again"].flatMap((word) => its.map((one) => `${word}: ${one}`)));
    const [failedTest, ...held] = [
      "failure assertions.transactions_by_user_is_complete",
      "held transactions.by_user",
      "held transactions.merchant_daily_net",
      "failure schedule transactions",
    ];
    expect(cards).toEqual(
      ["opened", "closed"].flatMap((event) => [failedTest, ...held].map((one) => `${event} ${one}`)),
    );
    const all = [
      "source reconciliation_records.records",
      "schedule reconciliation",
      "assertions.transactions_by_user_is_complete",
      "schedule transactions",
    ];
    expect(oncall.sort()).toEqual(
      ["closed", "opened"].flatMap((event) => all.map((one) => `${event} failure ${one}`)).sort(),
    );
  },
  isWhole ? 6 * 3_600_000 : 600_000,
);

async function openWeek() {
  const server = await ownServerByClock(at(DAYS[0]!, "00:00:00"));
  const { clock } = server;
  clock.set(new Date(at(DAYS[0]!, "00:00:00").getTime() - 60_000));
  const client = await connect(server.settings, { applicationName: "week" });
  onTestFinished(() => client.close());
  const asking = <T>(work: (client: Client) => Promise<T>) => work(client);
  const sql = (text: string) => asking((client) => client.script(script(text)));
  const pauseOf = "update _dataform.schedule set paused_at = now(), paused_by = 'the test'";
  const rows = async (text: string) =>
    (await asking((client) => client.table(script(text)))).rows.map((row) => row.map((one) => one ?? "∅").join("|"));
  const dir = copyOfRepository();
  const folder = (name: string) => {
    mkdirSync(join(dir, "given", name), { recursive: true });
    return join(dir, "given", name);
  };
  const put = (path: string, text: string) => {
    writeFileSync(path, text);
    utimesSync(path, 0, 0);
  };

  // What the sources are.
  await asking((client) => client.script(script("create database ledger")));
  const data = reconciliationData();
  const ledger = { ...server.settings, database: "ledger" };
  await withClient(ledger, { applicationName: "week" }, (client) =>
    client.script(script(ownRecordsSql(data.records).toString())),
  );
  for (const [name, text] of Object.entries(data.files)) put(join(folder("bank"), name), text);
  put(join(folder("decisions"), "none.csv"), "proposal_id,decision,decided_by,decided_on,comment\n");
  const env: Record<string, string> = {
    // The database's clock decides; the others matter to windows that end today.
    ...(isWhole ? clock.env : {}),
    RECONCILIATION_FILES: folder("bank"),
    RECONCILIATION_RECORDS_URL: server.url.replace(/\/[^/?]*(\?|$)/, "/ledger$1"),
    RECONCILIATION_DECISIONS: folder("decisions"),
    TRANSACTIONS_FILES: folder("transactions"),
    BLOG_FILES: folder("blog"),
    EXCHANGE_RATES_AT: folder("rates"),
    TEMPERATURES_FILES: folder("temperatures"),
  };
  if (isWhole) {
    Object.assign(env, await otherSources(clock, { folder, put }));
    // Where a commune is: a person lands it, once.
    const bulk = start(["--project-dir", dir, "ingest", "temperatures_bulk"], server.url, env);
    expect(await bulk.end, bulk.said()).toBe(0);
  }

  // Who is told.
  const accounting = await startSmtp(onTestFinished);
  const [cards, oncall] = [await startListener(onTestFinished), await startListener(onTestFinished)];
  writeFileSync(
    join(dir, "notifications.yaml"),
    JSON.stringify({
      channels: {
        accounting: {
          email: {
            host: "127.0.0.1",
            port: accounting.port,
            tls: "none",
            from: "data@example.com",
            to: ["ledger@example.com"],
          },
          every: "1ms",
        },
        cards: { webhook: { url: cards.url }, every: "1ms" },
        oncall: { webhook: { url: oncall.url }, every: "1ms" },
      },
      rules: [
        {
          to: ["accounting"],
          products: ["reconciliation", "reconciliation_records"],
          on: ["failure", "held", "recovery"],
        },
        { to: ["cards"], products: ["transactions"], on: ["failure", "held", "recovery"] },
        { to: ["oncall"], on: ["failure", "recovery"] },
      ],
    }),
  );

  const scheduler = start(["--project-dir", dir, "schedule", "--notify", "--lost-after", "10m"], server.url, env);
  const waitFor = async (question: string) => {
    const found = await until({
      look: async () => {
        if (scheduler.child.exitCode !== null) return false;
        return (await rows(question).catch(() => []))[0] === "t" ? true : undefined;
      },
      every: EVERY,
      deadline: PATIENCE,
      describe: () => question,
    });
    expect([question, found], scheduler.said()).toEqual([question, true]);
  };
  await waitFor(`select count(*) = ${LINES.length} from _dataform.schedule`);
  await waitFor("select seen is not null from _dataform.schedule where name = 'transactions'");
  const wake = () => sql("notify dataform_schedule");

  const events = (received: readonly { readonly body: { readonly events: readonly Record<string, string>[] } }[]) =>
    received.flatMap(({ body }) => body.events.map(({ event, kind, subject }) => `${event} ${kind} ${subject}`));
  /** It is this moment, and what was due until then has come to its end, with the times between tries. */
  const advanceTo = async (moment: Date) => {
    clock.set(moment);
    for (;;) {
      await wake();
      const [state] = await settled(rows);
      if (state === "still") return;
      if (state === "waits") clock.set(new Date(clock.now().getTime() + 5 * 60_000));
    }
  };
  const graph = await compile(dir);
  return {
    rows,
    operations: (): Promise<OperationsData> =>
      asking((client) => readOperations(client, { environment: "main", rawSchemas: ["raw"], graph })),
    told: () => ({
      accounting: accounting.mails.flatMap(linesOf),
      cards: events(cards.received),
      oncall: events(oncall.received),
    }),
    sql,
    dir,
    pause: (line: string) => sql(`${pauseOf} where name = '${line}'`),
    /** It was told to whoever is to know. */
    toldOf: (key: string, event: "opened" | "closed") =>
      waitFor(`
        select bool_and(status = 'sent') and bool_or(d.event = '${event}' and i.key = '${key}')
        from _dataform.delivery as d inner join _dataform.incident as i using (incident_id)`),
    edit: (from: string, to: string) => {
      const path = join(dir, "definitions/transactions/staging/stg_transactions__transactions.sqlx");
      const text = readFileSync(path, "utf8");
      expect(text).toContain(from);
      writeFileSync(path, text.replace(from, to));
    },
    deliverTransactions: async (day: string) => {
      const until = new Date(Date.parse(day) + 86_400_000).toISOString().slice(0, 10);
      put(
        join(folder("transactions"), `combined_transactions-${day}.csv`),
        transactionsCsv(transactions({ rows: ROWS_A_DAY, from: day, until })),
      );
      await waitFor(
        `select bool_or(caused_by -> 'files' ? 'combined_transactions-${day}.csv') from _dataform.schedule_due where finished_at is not null`,
      );
    },
    advanceTo,
    /** After this moment, as far as its jitter says. */
    advanceToStartOf: async (line: string, moment: Date) => {
      await advanceTo(moment);
      const [start] = await rows(
        `select ceil(extract(epoch from start_at)) from _dataform.schedule where name = '${line}'`,
      );
      await advanceTo(new Date((Number(start) + 2) * 1000));
    },
    end: async () => {
      scheduler.child.kill("SIGTERM");
      expect(await scheduler.end, scheduler.said()).toBe(0);
    },
  };
}

/** What the scheduler does: nothing any more, or it waits to try something again. */
async function settled(rows: (text: string) => Promise<string[]>): Promise<string[]> {
  return (await until({
    look: async () => {
      const found = await rows(STATE);
      return found[0] === "works" ? undefined : found;
    },
    every: EVERY,
    deadline: PATIENCE,
    describe: () => "for the dues to end",
  }))!;
}

const STATE = `
  select case
    when exists (select from _dataform.schedule where start_at <= clock_timestamp()) then 'works'
    when exists (
      select from _dataform.schedule_due as d
      where d.status in ('queued', 'running') and not coalesce((
        select s.status in ('failure', 'lost', 'timeout') and s.attempt <= (d.definition ->> 'retries')::int
        from _dataform.schedule_step as s where s.due_id = d.due_id order by s.step_no desc, s.attempt desc limit 1
      ), false)
    ) then 'works'
    when exists (select from _dataform.schedule_due where status in ('queued', 'running')) then 'waits'
    else 'still'
  end`;

const OUTCOMES = `
  select distinct on (schedule) schedule || ' ' || status from _dataform.schedule_due
  where status <> 'skipped' order by schedule, due desc`;

/** Nobody sends events in this week. */
const LAST_OF_EACH = LINES.filter((line) => line !== "realtime").map((line) => `${line} success`);

/** What it tells, without how and why. */
function linesOf(mail: string): readonly string[] {
  return [...mail.matchAll(/^(?:wrong|right again): \w+ \S+/gm)].map(([line]) => line);
}

function copyOfRepository(): string {
  const dir = mkdtempSync(join(tmpdir(), "dataform-week-"));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  for (const part of PARTS) cpSync(join(root, part), join(dir, part), { recursive: true, filter: isOfLines });
  if (!isWhole) {
    const path = join(dir, "schedules.yaml");
    const declared = parseDocument(readFileSync(path, "utf8"));
    const names = (declared.get("schedules") as YAMLMap<Scalar<string>>).items.map(({ key }) => key.value);
    for (const name of names) if (!LINES.includes(name)) declared.deleteIn(["schedules", name]);
    // Two looks find that a file is written no more.
    declared.setIn(["schedules", "transactions", "on", "every"], "1s");
    writeFileSync(path, String(declared));
  }
  symlinkSync(join(root, "node_modules"), join(dir, "node_modules"));
  return dir;
}

/** What belongs to another product has its name in the second place of its path. */
function isOfLines(path: string): boolean {
  const [part, name = ""] = relative(root, path).split("/");
  if (isWhole || !["definitions", "dashboards", "serve", "ingest"].includes(part!)) return true;
  const isShared = name === "" || ["schemas", "package.json"].includes(name);
  return isShared || LINES.some((line) => name.startsWith(line));
}

interface Places {
  readonly folder: (name: string) => string;
  readonly put: (path: string, text: string) => void;
}

/** The networks, marketing's API, the sensors and the blogs, each of the moment at which it is asked. */
async function otherSources(clock: Clock, { folder, put }: Places): Promise<Record<string, string>> {
  const today = () => clock.now().toISOString().slice(0, 10);
  const networks = createAdNetworks({ today: today() });
  const marketing = await createDemoApi({ until: () => clock.now().toISOString() });
  const weather = createWeatherApi();
  const listen = async (app: { listen(where: object): Promise<string>; close(): Promise<unknown> }) => {
    onTestFinished(() => void app.close());
    return app.listen({ port: 0, host: "127.0.0.1" });
  };
  put(join(folder("rates"), "ecb.csv"), ratesCsv(networks.world.day(60), networks.world.today));
  put(join(folder("temperatures"), "communes.csv"), communesCsv());
  // A week of both: the sensors are asked once in each pass, the blogs' files have a day each.
  for (let hour = 0; hour < 7 * 24; hour++)
    weather.answer(
      frenchReadings({ from: new Date(clock.now().getTime() + hour * 3_600_000).toISOString(), hours: 1, perHour: 50 }),
    );
  for (let day = -1; day < 7; day++) {
    const date = new Date(clock.now().getTime() + day * 86_400_000).toISOString().slice(0, 10);
    put(join(folder("blog"), `blogs-${date}.csv`), csvOf(totalsOn(date)));
  }
  return {
    ...networks.env(await listen(networks.app)),
    MARKETING_API_URL: await listen(marketing),
    MARKETING_API_TOKEN: DEMO_TOKEN,
    TEMPERATURES_API_URL: await listen(weather.app),
    TEMPERATURES_API_KEY: DEMO_KEY,
  };
}
