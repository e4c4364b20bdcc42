import { readdirSync, readFileSync } from "node:fs";
import { Agent } from "node:http";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { expect, test } from "vitest";
import { balancer, collector, eventOf, expectAllOnce, filesOf, post, START, sendAll } from "../support/collecting.ts";
import { testProject } from "../support/project.ts";
import { isWhole, rounds, seed } from "../support/proof.ts";
import { proxy } from "../support/proxy.ts";
import { randomFrom } from "../support/reader.ts";
import { ownServer } from "../support/servers/own-postgres.ts";

// Two collectors behind one address, struck again and again. `npm run proof:collect` does the whole of it; the seed repeats its
// choices, if not the microsecond.

const KILLS = rounds(3, 100);
const CRASHES = Math.ceil(KILLS / 10);
const EVENTS = KILLS * (isWhole ? 10_000 : 1_000);
const OUTAGE = isWhole ? 600_000 : 1_500;
/** How many megabytes a collector may take more while there is no PostgreSQL. */
const MORE = 64;

test(
  `${EVENTS} events, ${KILLS} kills of a collector, ${CRASHES} crashes of PostgreSQL: none missing, none doubled, each wrong one kept`,
  async () => {
    const server = await ownServer();
    // The first of two refuses while PostgreSQL is away, the second keeps what comes on its disk.
    const dirs = ["{}", "{ spool: {} }"].map((collect) => testProject(filesOf(collect)).dir) as [string, string];
    const random = randomFrom(seed);
    const running = [await collector(dirs[0], server.url), await collector(dirs[1], server.url)];
    const port = await balancer(() =>
      running.flatMap(({ child, port }) => ((child.exitCode ?? child.signalCode) === null ? port : [])),
    );
    const tally = { kills: 0, crashes: 0, answered: 0, tries: 0, again: 0 };
    let over = false;
    const strikes = async () => {
      for (let n = 1; n <= KILLS; n++) {
        while (!over && tally.answered < (n - random(100) / 100) * (EVENTS / (KILLS + 1))) await pause(2);
        const which = random(2);
        const struck = running[which]!;
        struck.child.kill("SIGKILL");
        await struck.end;
        tally.kills++;
        if (n % 10 === 2) {
          await server.crash();
          tally.crashes++;
        }
        running[which] = await collector(dirs[which]!, server.url);
      }
    };
    const sending = sendAll(port, EVENTS, tally).finally(() => {
      over = true;
    });
    await Promise.all([sending, strikes()]);
    const spool = join(dirs[1], ".dataform/spool/events");
    await expect.poll(() => readdirSync(spool), { timeout: START, interval: 50 }).toEqual([]);
    for (const { child } of running) child.kill("SIGTERM");
    for (const { end, said } of running) expect(await end, said()).toBe(0);
    await expectAllOnce(server, EVENTS);
    expect(tally).toMatchObject({ kills: KILLS, crashes: CRASHES });
    console.log(`seed ${seed}: ${EVENTS} events, ${JSON.stringify(tally)}`);
  },
  isWhole ? 7_200_000 : 240_000,
);

test(
  `${OUTAGE / 1000} s without PostgreSQL: what comes is refused in the same memory, and taken again once it is back`,
  async () => {
    const server = await ownServer();
    const between = await proxy(server.settings);
    const { dir } = testProject(filesOf("{}"));
    const { host, port: at } = between.settings;
    const url = new URL(server.url);
    url.host = `${host}:${at}`;
    url.searchParams.set("sslmode", "disable");
    const { child, port, end, said } = await collector(dir, url.href);
    const memory = () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, "utf8"))![1]) / 1024;
    const large = (n: number) => JSON.stringify(Array.from({ length: 200 }, (_, at) => eventOf(0, n * 200 + at)));
    const taken = (n: number) =>
      expect.poll(async () => (await post(port, large(n)))?.status, { timeout: START, interval: 20 }).toBe(200);
    for (let n = 0; n < 30; n++) await taken(n);
    const before = memory();
    between.refuse(Number.POSITIVE_INFINITY);
    between.cut();
    const ends = performance.now() + OUTAGE;
    let [refused, most] = [0, 0];
    const sender = async () => {
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      while (performance.now() < ends) {
        const answer = await post(port, large(30), agent);
        expect([undefined, 503]).toContain(answer?.status);
        refused++;
        most = Math.max(most, memory());
        await pause(isWhole ? 20 : 1);
      }
      agent.destroy();
    };
    await Promise.all(Array.from({ length: 8 }, sender));
    expect(refused).toBeGreaterThan(8);
    expect(most - before, `${refused} refused`).toBeLessThan(MORE);
    between.refuse(0);
    await taken(30);
    child.kill("SIGTERM");
    expect(await end, said()).toBe(0);
    console.log(
      `${OUTAGE / 1000} s away: ${refused} refused, ${Math.round(most - before)} MB more than ${Math.round(before)}`,
    );
  },
  isWhole ? 3_600_000 : 120_000,
);
