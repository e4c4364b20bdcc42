import { expect, onTestFinished, test } from "vitest";
import type { RecordedDue } from "../../src/model/schedule.ts";
import { withClient } from "../../src/postgres/client.ts";
import { script } from "../../src/sql/authored.ts";
import { until } from "../../src/wait/until.ts";
import { cli, succeeds } from "../support/cli.ts";
import { hasFakeClock } from "../support/month/clock.ts";
import { start } from "../support/program.ts";
import { testProject } from "../support/project.ts";
import { ownServerByClock } from "../support/servers/own-postgres.ts";

// What is due is by the database's clock alone: here it is put back under a scheduler that runs.

const at = (time: string) => new Date(`2026-03-10T${time}Z`);
const STEPS = `steps: [{ export: { source: "select 1 as id", path: one.csv, to: csv } }]`;

test.runIf(hasFakeClock)(
  "under a clock that is put back nothing is decided again, and the next due is the next, at its time",
  { timeout: 180_000 },
  async () => {
    const server = await ownServerByClock(at("11:59:00"));
    const { dir } = testProject({
      "schedules.yaml": `schedules:\n  often: { cron: "*/10 * * * *", ${STEPS} }\n  hand: { cron: "@yearly", ${STEPS} }\n`,
    });
    const history = async () =>
      JSON.parse(
        (await succeeds(cli(dir, ["schedule", "history", "--json"], { DATABASE_URL: server.url }))).stdout,
      ) as RecordedDue[];
    /** Until the table has so many rows. */
    const counted = (rows: string, count: number) =>
      until({
        look: async () => {
          const found = await withClient(server.settings, { applicationName: "look" }, (client) =>
            client.table(script(`select 1 from _dataform.${rows}`)),
          ).catch(() => undefined);
          return found?.rows.length === count ? true : undefined;
        },
        every: 100,
        deadline: 60_000,
        describe: own.said,
      });
    const own = start(["--project-dir", dir, "schedule"], server.url);
    onTestFinished(() => void own.child.kill("SIGKILL"));
    expect(await counted("schedule", 2)).toBe(true);
    const comes = async (time: string, count: number) => {
      server.clock.set(at(time));
      expect(await counted("schedule_due where schedule = 'often' and status = 'success'", count)).toBe(true);
    };
    await comes("12:00:00", 1);
    server.clock.set(at("09:29:59"));
    // That it has looked since is seen by what it runs: 09:30 and all others are decided.
    expect(await start(["--project-dir", dir, "schedule", "run", "hand"], server.url).end).toBe(0);
    await comes("12:10:00", 2);
    const dues = (await history()).filter(({ schedule }) => schedule === "often");
    expect(dues.map(({ due, dues, cause, status }) => [new Date(due), dues, cause, status]).reverse()).toEqual([
      [at("12:00:00"), 1, "clock", "success"],
      [at("12:10:00"), 1, "clock", "success"],
    ]);
  },
);
