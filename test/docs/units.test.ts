import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { freePort } from "../../src/postgres/embedded/port.ts";
import { until } from "../../src/wait/until.ts";
import { noSystemd, startUserSession } from "../support/servers/systemd.ts";
import { warehouse } from "../support/warehouse.ts";
import { blocksOf, root } from "./markdown.ts";

// A stranger's machine: a home with the project and the units of the page, as they are printed.

const files = {
  "dataform.json": JSON.stringify({ project: "shop", warehouse: "postgres", defaultSchema: "shop" }),
  "definitions/revenue.sqlx": 'config { type: "table" }\nselect sum(amount) as revenue from ${ref("orders")}',
  "ingest/shop.yaml": `version: 1
source: shop
files: { at: data }
streams:
  - { name: orders, files: "*.csv", format: csv, table: orders, recordSchema: { type: object, properties: { amount: { type: integer } } } }`,
  "data/orders.csv": "amount\n5\n",
  "notifications.yaml": "channels: {}\nrules: []\n",
  "schedules.yaml": `schedules:
  often: { cron: "*/4 * * * * *", steps: [{ ingest: {} }, { run: { wait: true } }] }
  slow: { cron: "@yearly", catchUpWithin: 366d, steps: [{ export: { source: "select pg_sleep(3), 1 as id", path: slow.csv, to: csv } }, { freshness: {} }] }
`,
};

test.skipIf(noSystemd !== undefined)(
  "a stranger installs the units in a user session and sees the first run; stopped, they drain, and what is behind goes on later",
  async () => {
    const home = mkdtempSync(join(tmpdir(), "stranger-"));
    onTestFinished(() => rmSync(home, { recursive: true, force: true }));
    const { database, rows, sql } = await warehouse({});
    const put = (path: string, text: string) => {
      mkdirSync(dirname(join(home, path)), { recursive: true });
      writeFileSync(join(home, path), text);
    };
    for (const [path, text] of Object.entries(files)) put(join("shop", path), text);
    mkdirSync(join(home, "shop/node_modules/.bin"), { recursive: true });
    symlinkSync(root, join(home, "shop/node_modules/dataform-postgres"));
    symlinkSync(resolve(root, "bin/dataform.js"), join(home, "shop/node_modules/.bin/dataform"));
    put(".config/dataform.env", `DATABASE_URL=${database.url}\n`);
    // As it is printed, but for the port, which somebody else on this machine may have, and the rest before a new start.
    const port = await freePort();
    for (const { language, text } of blocksOf("docs/operate.md"))
      if (language === "ini")
        put(
          `.config/systemd/user/${basename(/^# (\S+)/.exec(text)![1]!)}`,
          text.replace("3025", String(port)).replace("RestartSec=5", "RestartSec=1"),
        );
    const { systemctl } = await startUserSession(home, onTestFinished);
    const ended = (unit: string) => systemctl("show", unit, "-P", "Result", "-P", "ActiveState").trim().split("\n");
    const waitFor = async (question: string) => {
      const found = await until({
        look: async () => ((await rows(question).catch(() => []))[0] === "t" ? true : undefined),
        every: 100,
        deadline: 60_000,
        describe: () => question,
      });
      expect([question, found], systemctl("status", "dataform-*", "--lines=50")).toEqual([question, true]);
    };

    systemctl("daemon-reload");
    systemctl("start", "dataform-night.service");
    expect(await rows("select revenue from shop.revenue")).toEqual(["5"]);
    systemctl("enable", "--now", "dataform-night.timer", "dataform-serve.service", "dataform-schedule.service");
    expect(systemctl("list-timers", "--output=json")).toContain("dataform-night.service");
    await waitFor("select bool_or(status = 'success') from _dataform.schedule_due where schedule = 'often'");
    const healthy = await until({
      look: async () =>
        (await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => undefined))?.ok ? true : undefined,
      every: 100,
      deadline: 30_000,
      describe: () => "for dataform serve",
    });
    expect(healthy, systemctl("status", "dataform-serve.service")).toBe(true);
    systemctl("stop", "dataform-serve.service");
    expect(ended("dataform-serve.service")).toEqual(["success", "inactive"]);

    await sql(`
      update _dataform.schedule set paused_at = now() where name = 'often';
      update _dataform.schedule set next_due = now(), start_at = now(), decided_until = now() - interval '1 minute' where name = 'slow';
      notify dataform_schedule`);
    const step =
      "from _dataform.schedule_step as s inner join _dataform.schedule_due as d using (due_id) where schedule = 'slow'";
    await waitFor(`select bool_or(s.status = 'running') ${step}`);
    systemctl("stop", "dataform-schedule.service");
    expect(ended("dataform-schedule.service")).toEqual(["success", "inactive"]);
    expect(await rows(`select step_no, s.status, d.status ${step}`)).toEqual(["1|success|running"]);
    systemctl("start", "dataform-schedule.service");
    await waitFor(`select bool_or(step_no = 2 and s.status = 'success') ${step}`);
    // One that is gone is there again, and its step was not ended with it.
    const pid = Number(systemctl("show", "dataform-schedule.service", "-P", "MainPID"));
    process.kill(pid, "SIGKILL");
    await until({
      look: async () => (Number(systemctl("show", "dataform-schedule.service", "-P", "MainPID")) ? true : undefined),
      every: 200,
      deadline: 60_000,
      describe: () => "for systemd to start it again",
    });
    expect(Number(systemctl("show", "dataform-schedule.service", "-P", "MainPID"))).not.toBe(pid);
  },
  180_000,
);
