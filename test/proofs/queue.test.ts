import { rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import { cli } from "../support/cli.ts";
import { balancer, collector, expectAllLanded, expectAllOnce, filesOf, sendAll } from "../support/collecting.ts";
import { start } from "../support/program.ts";
import { testProject } from "../support/project.ts";
import { isWhole, rounds, seed } from "../support/proof.ts";
import { randomFrom } from "../support/reader.ts";
import { noKafka, startKafka, withDriver } from "../support/servers/kafka.ts";
import { ownServer } from "../support/servers/own-postgres.ts";

// A queue between: two collectors that send to it, two who follow it, its broker and PostgreSQL, struck again and again.
// `npm run proof:collect` does it; test/collect/queue.test.ts has each kind of it in small.

const STRIKES = rounds(0, 40);
const EVENTS = STRIKES * 5_000;
const PARTITIONS = 4;

test.skipIf(!isWhole || noKafka)(
  `${EVENTS} events through a queue, ${STRIKES} strikes at collectors, followers, broker and PostgreSQL: none missing, none doubled`,
  async () => {
    const [kafka, server] = await Promise.all([startKafka(), ownServer()]);
    onTestFinished(() => kafka.stop());
    await kafka.topic("events", PARTITIONS);
    const { dir } = testProject(filesOf(`{ produce: { brokers: "${kafka.brokers}", topic: events } }`));
    rmSync(join(dir, "node_modules"), { recursive: true, force: true });
    symlinkSync(join(withDriver, "node_modules"), join(dir, "node_modules"));
    const pick = randomFrom(seed);
    const collectors = [await collector(dir, server.url), await collector(dir, server.url)];
    const follower = () => start(["ingest", "--follow", "events", "--project-dir", dir], server.url);
    const followers = [follower(), follower()];
    const port = await balancer(() =>
      collectors.flatMap(({ child, port }) => ((child.exitCode ?? child.signalCode) === null ? port : [])),
    );
    const tally = { collectors: 0, followers: 0, brokers: 0, crashes: 0, answered: 0, tries: 0, again: 0 };
    const strike = [
      async () => {
        const which = pick(2);
        const { child, end } = collectors[which]!;
        child.kill("SIGKILL");
        await end;
        collectors[which] = await collector(dir, server.url);
        tally.collectors++;
      },
      async () => {
        const which = pick(2);
        const { child, end } = followers[which]!;
        child.kill(pick(3) ? "SIGKILL" : "SIGTERM");
        await end;
        followers[which] = follower();
        tally.followers++;
      },
      async () => {
        await kafka.kill();
        await pause(pick(3_000));
        await kafka.start();
        tally.brokers++;
      },
      async () => {
        await server.crash();
        tally.crashes++;
      },
    ];
    let isOver = false;
    const strikes = async () => {
      for (let n = 1; n <= STRIKES; n++) {
        while (!isOver && tally.answered < (n - pick(100) / 100) * (EVENTS / (STRIKES + 1))) await pause(2);
        await strike[n % strike.length]!();
      }
    };
    const sending = sendAll(port, EVENTS, tally).finally(() => {
      isOver = true;
    });
    await Promise.all([sending, strikes()]);
    await expectAllLanded(server, EVENTS);
    const { stdout } = await cli(dir, ["ingest", "state", "events", "--json", "--url", server.url]);
    expect((JSON.parse(stdout) as { lag: number }[]).map(({ lag }) => lag)).toEqual([0, 0]);
    for (const { child } of [...collectors, ...followers]) child.kill("SIGTERM");
    for (const { end, said } of collectors) expect(await end, said()).toBe(0);
    for (const { end, said } of followers) expect(await end, said()).toBe(0);
    await expectAllOnce(server, EVENTS);
    console.log(`seed ${seed}: ${EVENTS} events, ${JSON.stringify(tally)}`);
  },
  7_200_000,
);
