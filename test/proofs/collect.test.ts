import { readdirSync, readFileSync } from "node:fs";
import { Agent, request } from "node:http";
import { type AddressInfo, connect, createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import { withClient } from "../../src/postgres/client.ts";
import { script } from "../../src/sql/authored.ts";
import { start } from "../support/program.ts";
import { testProject } from "../support/project.ts";
import { isWhole, rounds, seed } from "../support/proof.ts";
import { proxy } from "../support/proxy.ts";
import { randomFrom } from "../support/reader.ts";
import { ownServer } from "../support/servers/own-postgres.ts";

// Two collectors behind one address, struck again and again. `npm run proof:collect` does the whole of it; the seed repeats its
// choices, if not the microsecond.

const KILLS = rounds(3, 100);
const CRASHES = Math.ceil(KILLS / 10);
const EVENTS = KILLS * (isWhole ? 10_000 : 3_000);
const SENDERS = 6;
const OUTAGE = isWhole ? 600_000 : 1_500;
/** Milliseconds until a collector takes events, and those without PostgreSQL are over: the machine may be busy for as long. */
const START = isWhole ? 600_000 : 60_000;
/** How many megabytes a collector may take more while there is no PostgreSQL. */
const MORE = 64;

/** The first of two refuses while PostgreSQL is away, the second keeps what comes on its disk. */
const filesOf = (collect: string) => ({
  "dataform.json": JSON.stringify({ project: "shop", warehouse: "postgres", defaultSchema: "shop" }),
  "ingest/events.yaml": `version: 1
source: events
collect: ${collect}
streams:
  - name: viewed
    table: viewed
    recordSchema:
      type: object
      required: [url]
      properties: { url: { type: string }, amount: { type: number, postgresType: "numeric(6,2)" } }
  - name: paid
    table: paid
    recordSchema: { type: object, required: [amount], properties: { amount: { type: integer } } }
`,
});

/** What an event is, by its number: most are right; the others wrong by their schema, by what the server says, by their type. */
function eventOf(sender: number, n: number) {
  const id = `${sender}-${n}`;
  if (n % 50 === 7) return { id, type: "viewed", data: {} };
  if (n % 50 === 19) return { id, type: "viewed", data: { url: "/", amount: 1e6 } };
  if (n % 50 === 31) return { id, type: "veiwed", data: {} };
  return n % 3 ? { id, type: "viewed", data: { url: `/${n}` } } : { id, type: "paid", data: { amount: n } };
}
const isWrong = (id: string) => [7, 19, 31].includes(Number(id.split("-")[1]) % 50);

interface Told {
  readonly accepted: number;
  readonly duplicates: number;
  readonly rejected: readonly { readonly event: string; readonly reason: string }[];
}

/** Undefined where there is no answer. */
function post(port: number, body: string, agent?: Agent): Promise<{ status: number; told: Told } | undefined> {
  return new Promise((resolve) => {
    const asking = request(
      {
        port,
        path: "/events",
        method: "POST",
        agent,
        headers: { "content-type": "application/json" },
        timeout: 30_000,
      },
      (response) => {
        let text = "";
        response.on("data", (bytes) => (text += bytes));
        response.on("end", () => resolve({ status: response.statusCode!, told: JSON.parse(text) as Told }));
        response.on("error", () => resolve(undefined));
      },
    );
    asking.on("error", () => resolve(undefined));
    asking.on("timeout", () => asking.destroy());
    asking.end(body);
  });
}

/** One address for several ports: each connection goes to one of them that answers. */
async function balancer(ports: () => readonly number[]): Promise<number> {
  let next = 0;
  const listener = createServer((client) => {
    const all = ports();
    const to = all[next++ % Math.max(1, all.length)];
    if (to === undefined) return void client.destroy();
    const server = connect(to, "127.0.0.1");
    for (const [one, other] of [
      [client, server],
      [server, client],
    ] as const) {
      one.on("error", () => {});
      one.on("close", () => other.destroy());
      one.pipe(other);
    }
  }).listen(0, "127.0.0.1");
  await new Promise((listening) => listener.once("listening", listening));
  onTestFinished(() => void listener.close());
  return (listener.address() as AddressInfo).port;
}

/** A collector in a process of its own, once it takes events. */
async function collector(dir: string, url: string) {
  const running = start(["collect", "--port", "0", "--project-dir", dir], url);
  const port = () => Number(/taken at http:\/\/127\.0\.0\.1:(\d+)/.exec(running.said())?.[1]);
  const began = performance.now();
  while (Number.isNaN(port())) {
    if (performance.now() - began > START || running.child.exitCode !== null)
      throw new Error(`no collector after ${START / 1000} s: ${running.said()}`);
    await pause(20);
  }
  return { ...running, port: port() };
}

test(
  `${EVENTS} events, ${KILLS} kills of a collector, ${CRASHES} crashes of PostgreSQL: none missing, none doubled, each wrong one kept`,
  async () => {
    const server = await ownServer();
    const dirs = ["{}", "{ spool: {} }"].map((collect) => testProject(filesOf(collect)).dir) as [string, string];
    const random = randomFrom(seed);
    const running = [await collector(dirs[0], server.url), await collector(dirs[1], server.url)];
    const port = await balancer(() =>
      running.flatMap(({ child, port }) => ((child.exitCode ?? child.signalCode) === null ? port : [])),
    );
    let answered = 0;
    const tally = { kills: 0, crashes: 0, tries: 0, again: 0 };
    const sender = async (number: number) => {
      const choose = randomFrom(seed + number);
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      const most = Math.ceil(EVENTS / SENDERS);
      for (let from = 0; from < most; ) {
        const events = Array.from({ length: Math.min(most - from, 1 + choose(40)) }, (_, n) =>
          eventOf(number, from + n),
        );
        const wrong = events.flatMap(({ id }, n) => (isWrong(id) ? `event ${n + 1}` : []));
        // What only the server refuses is not known where the disk has it.
        const plainly = events.flatMap(({ id }, n) =>
          isWrong(id) && !id.endsWith("19") && !id.endsWith("69") ? `event ${n + 1}` : [],
        );
        // Some are sent once more though they were answered, and some twice at once.
        for (let left = 1 + (choose(20) ? 0 : 1); left; ) {
          const body = JSON.stringify(choose(30) ? events : [...events, ...events]);
          const twice = body.length > JSON.stringify(events).length;
          tally.tries++;
          const answer = await post(port, body, agent);
          if (answer?.status !== 200) {
            expect([undefined, 503]).toContain(answer?.status);
            await pause(5);
            continue;
          }
          const { accepted, duplicates, rejected } = answer.told;
          expect(accepted + duplicates + rejected.length).toBe(events.length * (twice ? 2 : 1));
          if (!twice) expect([wrong, plainly]).toContainEqual(rejected.map(({ event }) => event));
          if (--left) tally.again++;
        }
        from += events.length;
        answered += events.length;
      }
      agent.destroy();
    };
    let over = false;
    const strikes = async () => {
      for (let n = 1; n <= KILLS; n++) {
        while (!over && answered < (n - random(100) / 100) * (EVENTS / (KILLS + 1))) await pause(2);
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
    const sending = Promise.all(Array.from({ length: SENDERS }, (_, number) => sender(number))).finally(() => {
      over = true;
    });
    await Promise.all([sending, strikes()]);
    const spool = join(dirs[1], ".dataform/spool/events");
    await expect.poll(() => readdirSync(spool), { timeout: START, interval: 50 }).toEqual([]);
    for (const { child } of running) child.kill("SIGTERM");
    for (const { end, said } of running) expect(await end, said()).toBe(0);
    await withClient(server.settings, { applicationName: "proof" }, async (client) => {
      const rows = async (text: string) => (await client.table(script(text))).rows.map((row) => row.join("|"));
      const all = Array.from({ length: SENDERS }, (_, number) =>
        Array.from({ length: Math.ceil(EVENTS / SENDERS) }, (_, n) => eventOf(number, n).id),
      ).flat();
      const right = all.filter((id) => !isWrong(id)).length;
      const landed = "(select _event_id as id from raw.viewed union all select _event_id from raw.paid) as e";
      expect(
        await rows(
          `select count(*), count(distinct id), count(*) filter (where split_part(id, '-', 2)::int % 50 in (7, 19, 31)) from ${landed}`,
        ),
      ).toEqual([`${right}|${right}|0`]);
      expect(
        await rows(
          `select count(distinct coalesce(record::jsonb ->> '_event_id', record::jsonb ->> 'id')), string_agg(distinct reason, ', ') from raw._rejected`,
        ),
      ).toEqual([
        `${all.length - right}|amount: numeric field overflow, type: "veiwed" is not declared; there are viewed, paid, did you mean "viewed"?, url: is missing`,
      ]);
      expect(
        await rows(`
          select l.* from raw._load as l
          where l.status <> 'loaded'
            or l.rejected <> (select count(*) from raw._rejected as r where r.load_id = l.load_id)
            or l.rows <> (select count(*) from raw.viewed as r where r._load_id = l.load_id) + (select count(*) from raw.paid as r where r._load_id = l.load_id)`),
      ).toEqual([]);
      expect(
        await rows(
          `select count(*) from (select _load_id from raw.viewed union select _load_id from raw.paid) as e where _load_id not in (select load_id from raw._load)`,
        ),
      ).toEqual(["0"]);
    });
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
