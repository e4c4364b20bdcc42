import { chmodSync, chownSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, utimesSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { connect } from "../../src/postgres/client.ts";
import { script } from "../../src/sql/authored.ts";
import { until } from "../../src/wait/until.ts";
import { cli } from "../support/cli.ts";
import { start } from "../support/program.ts";
import { testProject } from "../support/project.ts";
import { startListener } from "../support/servers/listener.ts";
import { ownServer } from "../support/servers/own-postgres.ts";
import { noDisk, smallDisk } from "../support/servers/small-disk.ts";
import { noSmtp, startSmtp } from "../support/servers/smtp.ts";

// One night in which everything is broken at once: the disk of what lands and that of the exports are full, the mail server died, and
// a webhook never answers. What lands first is on the disk that has room. At last the disk of PostgreSQL's own log is full, and it ends.

const ROWS = 20_000;
const csv = (from: number) =>
  `id,text\n${Array.from({ length: ROWS }, (_, n) => `${from + n},${"x".repeat(40)}`).join("\n")}\n`;

const YAML = (out: string) => `schedules:
  often: { cron: "*/3 * * * * *", steps: [{ freshness: {} }] }
  landing: { cron: "@yearly", catchUpWithin: 366d, steps: [{ ingest: { sources: [shop] } }, { run: { wait: true } }] }
  exporting:
    cron: "@yearly"
    catchUpWithin: 366d
    steps: [{ export: { source: "select g as id, repeat('x', 100) as text from generate_series(1, 10000) as g", path: ${out}/all.csv, to: csv } }]
  building: { cron: "@yearly", catchUpWithin: 366d, steps: [{ run: { actions: [one], wait: true } }] }
`;

test.skipIf(noDisk !== undefined || noSmtp !== undefined)(
  "full disks, a mail server that died and a webhook that never answers hold up no other line and nobody else; with room again all is whole",
  async () => {
    const folder = mkdtempSync(join(tmpdir(), "dataform-disk-"));
    chmodSync(folder, 0o755);
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const [data, out] = ["data", "out"].map((name) => smallDisk(join(folder, name), 12, onTestFinished)) as [
      ReturnType<typeof smallDisk>,
      ReturnType<typeof smallDisk>,
    ];
    // Files of 16 MB: all that are there from the beginning, and a few.
    const log = smallDisk(join(folder, "log"), 100, onTestFinished);
    const server = await ownServer(join(log.folder, "pg_wal"));
    let client = await connect(server.settings, { applicationName: "test" });
    onTestFinished(() => client.close().catch(() => {}));
    const sql = async (text: string) => void (await client.script(script(text)));
    const rows = async (text: string) =>
      (await client.table(script(text))).rows.map((row) => row.map((one) => one ?? "∅").join("|"));
    const waitFor = async (question: string) => {
      const found = await until({
        look: async () => ((await rows(question))[0] === "t" ? true : undefined),
        every: 100,
        deadline: 120_000,
        describe: () => question,
      });
      expect([question, found], scheduler.said()).toEqual([question, true]);
    };
    const project = testProject({
      "dataform.json": JSON.stringify({ project: "shop", warehouse: "postgres", defaultSchema: "shop" }),
      "definitions/one.sqlx": 'config { type: "view" }\nselect 1 as one',
      "definitions/orders.sqlx":
        'config { type: "table" }\nselect count(*) as orders from ${ref("raw", "shop_orders")}',
      "ingest/shop.yaml": JSON.stringify({
        version: 1,
        source: "shop",
        files: { at: "data" },
        streams: [
          {
            name: "orders",
            files: "*.csv",
            format: "csv",
            table: "shop_orders",
            recordSchema: { type: "object", properties: { id: { type: "integer" }, text: { type: "string" } } },
          },
        ],
      }),
      "schedules.yaml": YAML(out.folder),
    });
    const deliver = (name: string, from: number) => {
      project.write({ [`data/${name}`]: csv(from) });
      utimesSync(join(project.dir, "data", name), 0, 0);
    };
    const dataform = (...words: string[]) => cli(project.dir, words, { DATABASE_URL: server.url });

    // Whom to tell: one who listens, one who never answers, and a mail server that is there until it dies.
    const good = await startListener(onTestFinished);
    const silent = createServer(() => {});
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void silent.close());
    const ends: (() => unknown)[] = [];
    const smtp = await startSmtp((end) => void ends.push(end));
    const mail = {
      host: "127.0.0.1",
      port: smtp.port,
      tls: "none",
      from: "data@example.com",
      to: ["shop@example.com"],
    };
    project.write({
      "notifications.yaml": JSON.stringify({
        channels: {
          good: { webhook: { url: good.url }, every: "1ms" },
          silent: {
            webhook: { url: `http://127.0.0.1:${(silent.address() as { port: number }).port}/`, timeout: "1s" },
            every: "1ms",
          },
          mail: { email: mail, every: "1ms" },
        },
        rules: [{ to: ["good", "silent", "mail"], on: ["failure", "recovery"] }],
        openlineage: { file: join(out.folder, "lineage.ndjson") },
      }),
    });
    const told = () =>
      good.received.flatMap(({ body }) =>
        body.events.map(({ event, subject }: { event: string; subject: string }) => `${event} ${subject}`),
      );

    // What was there before.
    deliver("1.csv", 1);
    await dataform("ingest");
    expect((await dataform("run")).exitCode).toBe(0);
    expect((await dataform("notify")).exitCode).toBe(0);
    expect(await start(["--project-dir", project.dir, "schedule", "run", "exporting"], server.url).end).toBe(0);
    const before = readFileSync(join(out.folder, "all.csv"), "utf8");
    for (const end of ends) await end();
    // A folder of whoever the server runs as.
    const space = join(data.folder, "space");
    mkdirSync(space);
    const { uid, gid } = statSync((await rows("show data_directory"))[0]!);
    chownSync(space, uid, gid);
    await sql(`create tablespace small location '${space}'`);
    await sql("alter table raw.shop_orders set tablespace small");
    data.fill();
    out.fill();

    const scheduler = start(["--project-dir", project.dir, "schedule", "--notify"], server.url);
    const makeDue = (name: string) =>
      sql(`
        update _dataform.schedule set next_due = clock_timestamp(), start_at = clock_timestamp(), decided_until = clock_timestamp() - interval '1 minute'
        where name = '${name}';
        notify dataform_schedule`);
    const last = (name: string) =>
      `(select d from _dataform.schedule_due as d where schedule = '${name}' order by due desc limit 1)`;
    const endedWith = (name: string, status: string) => waitFor(`select (${last(name)}).status = '${status}'`);
    const ticks = "select count(*) from _dataform.schedule_due where schedule = 'often' and status = 'success'";

    await waitFor("select count(*) = 4 from _dataform.schedule where removed_at is null");
    deliver("2.csv", ROWS + 1);
    for (const name of ["landing", "exporting", "building"]) await makeDue(name);
    await endedWith("landing", "failure");
    await endedWith("exporting", "failure");
    await endedWith("building", "success");
    expect((await rows(`select (${last("landing")}).reason`))[0]).toMatch(
      /^step 1, ingest: shop\.orders: .*No space left on device/s,
    );
    expect((await rows(`select (${last("exporting")}).reason`))[0]).toMatch(
      /^step 1, export: .*no space left on device/i,
    );
    // Who listens is told, while the others are not.
    await waitFor(
      "select count(*) filter (where channel = 'good' and status = 'sent') >= 2 and count(*) filter (where channel <> 'good' and status = 'sent') = 0 from _dataform.delivery",
    );
    await waitFor(
      "select count(*) = 2 from _dataform.follower where name in ('channel:silent', 'channel:mail') and error is not null",
    );
    await waitFor("select error like '%ENOSPC%' from _dataform.follower where name = 'openlineage'");
    const [soFar] = await rows(ticks);
    await waitFor(`select (${ticks}) > ${Number(soFar)}`);
    // Nothing of what failed is there, and what was there before is whole.
    expect(await rows("select count(*), count(distinct id) from raw.shop_orders")).toEqual([`${ROWS}|${ROWS}`]);
    expect(readFileSync(join(out.folder, "all.csv"), "utf8") === before).toBe(true);

    data.free();
    out.free();
    const revived = await startSmtp(onTestFinished, undefined, smtp.port);
    await makeDue("landing");
    await endedWith("landing", "success");
    await makeDue("exporting");
    await endedWith("exporting", "success");
    expect(await rows("select count(*), count(distinct id), max(id) from raw.shop_orders")).toEqual([
      `${2 * ROWS}|${2 * ROWS}|${2 * ROWS}`,
    ]);
    expect(await rows("select orders from shop.orders")).toEqual([String(2 * ROWS)]);
    await sql("update _dataform.follower set next_at = null");
    await waitFor(
      "select count(*) filter (where channel = 'mail') = 3 and count(*) filter (where channel = 'good') = 3 from _dataform.delivery where event = 'closed' and status = 'sent'",
    );
    const runs = await rows("select run_id from _dataform.run order by started_at");
    await until({
      look: async () => (runs.every((run) => lineage().includes(run)) ? true : undefined),
      every: 200,
      deadline: 60_000,
      describe: () => "for all runs in the lineage",
    });

    const wrong = ["schedule exporting", "schedule landing", "source shop.orders"];
    expect(told().sort()).toEqual(["closed", "opened"].flatMap((event) => wrong.map((one) => `${event} ${one}`)));
    expect(revived.mails.join("")).toContain("schedule landing");

    // The server cannot even write that it ends: it is away, in the middle of a load or right before one.
    deliver("3.csv", 2 * ROWS + 1);
    log.fill();
    const [landed] = await rows(`select (${last("landing")}).due_id`);
    await makeDue("landing");
    const [isNew, itsStep] = [`(${last("landing")}).due_id > ${landed}`, `s.due_id = (${last("landing")}).due_id`];
    await waitFor(`select ${isNew} and exists (select from _dataform.schedule_step as s where ${itsStep})`);
    const untilTrue = (look: () => boolean | Promise<boolean>, what: string) =>
      until({
        look: async () => ((await look()) ? true : undefined),
        every: 100,
        deadline: 120_000,
        describe: () => what,
      });
    await untilTrue(async () => {
      await sql("select pg_switch_wal()").catch(() => {});
      return !(await server.runs());
    }, "for the end of PostgreSQL");
    await untilTrue(() => scheduler.said().includes("the database is not there"), "for the scheduler to know");
    log.free();
    await server.start();
    client = await connect(server.settings, { applicationName: "test" });
    await waitFor(`select ${isNew} and (${last("landing")}).finished_at is not null`);
    const [struck] = await rows(`select (${last("landing")}).due_id`);
    await makeDue("landing");
    await waitFor(`select (${last("landing")}).due_id > ${struck} and (${last("landing")}).status = 'success'`);
    expect(await rows("select count(*), count(distinct id), max(id) from raw.shop_orders")).toEqual([
      `${3 * ROWS}|${3 * ROWS}|${3 * ROWS}`,
    ]);
    expect(await rows("select orders from shop.orders")).toEqual([String(3 * ROWS)]);
    scheduler.child.kill("SIGTERM");
    expect(await scheduler.end, scheduler.said()).toBe(0);

    // None was made up for: each came by its clock, to run or to be left out behind the one before.
    expect(
      await rows(
        "select distinct cause from _dataform.schedule_due where schedule = 'often' and status in ('success', 'skipped')",
      ),
    ).toEqual(["clock"]);

    function lineage(): string {
      const text = readFileSync(join(out.folder, "lineage.ndjson"), "utf8");
      for (const line of text.trimEnd().split("\n")) JSON.parse(line);
      return text;
    }
  },
  300_000,
);
