import { Agent, request } from "node:http";
import { type AddressInfo, connect, createServer } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { expect, onTestFinished } from "vitest";
import { withClient } from "../../src/postgres/client.ts";
import { script } from "../../src/sql/authored.ts";
import { start } from "./program.ts";
import { isWhole, seed } from "./proof.ts";
import { randomFrom } from "./reader.ts";
import type { OwnServer } from "./servers/own-postgres.ts";

// What sends to collectors that are struck, and what must be true of it afterwards.

/** How many send at once. */
const SENDERS = 6;
/** Milliseconds until a collector takes events, and those without what it needs are over: the machine may be busy for as long. */
export const START = isWhole ? 600_000 : 60_000;

/** A project of two types of events. @param collect what its collectors are told, as YAML of one line */
export const filesOf = (collect: string) => ({
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
export function eventOf(sender: number, n: number) {
  const id = `${sender}-${n}`;
  if (n % 50 === 7) return { id, type: "viewed", data: {} };
  if (n % 50 === 19) return { id, type: "viewed", data: { url: "/", amount: 1e6 } };
  if (n % 50 === 31) return { id, type: "veiwed", data: {} };
  return n % 3 ? { id, type: "viewed", data: { url: `/${n}` } } : { id, type: "paid", data: { amount: n } };
}
/** By its schema, by its type, or by what the server alone knows: a number that its column has no room for. */
const isWrong = (id: string) => [7, 19, 31].includes(Number(id.split("-")[1]) % 50);

interface Told {
  readonly accepted: number;
  readonly duplicates: number;
  readonly rejected: readonly { readonly event: string; readonly reason: string }[];
}

/** Undefined where there is no answer. */
export function post(port: number, body: string, agent?: Agent): Promise<{ status: number; told: Told } | undefined> {
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
export async function balancer(ports: () => readonly number[]): Promise<number> {
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
export async function collector(dir: string, url: string) {
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

/** What was sent so far: events that were answered, requests, and those of them that were answered before. */
interface Sent {
  answered: number;
  tries: number;
  again: number;
}

/**
 * Sends so many events, by several at once: some are sent once more though they were answered, and some twice at once.
 * @param port where the collectors are
 * @param sent is counted up
 */
export async function sendAll(port: number, events: number, sent: Sent) {
  const each = Math.ceil(events / SENDERS);
  const sender = async (number: number) => {
    const choose = randomFrom(seed + number);
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    for (let from = 0; from < each; ) {
      const batch = Array.from({ length: Math.min(each - from, 1 + choose(40)) }, (_, n) => eventOf(number, from + n));
      for (let left = 1 + (choose(20) ? 0 : 1); left; ) {
        sent.tries++;
        const answer = await sendOnce(port, batch, !choose(30), agent);
        if (!answer) await pause(5);
        else if (--left) sent.again++;
      }
      from += batch.length;
      sent.answered += batch.length;
    }
    agent.destroy();
  };
  await Promise.all(Array.from({ length: SENDERS }, (_, number) => sender(number)));
}

/** Whether it was answered with what is true of these events. */
async function sendOnce(port: number, batch: readonly { id: string }[], isTwice: boolean, agent: Agent) {
  const answer = await post(port, JSON.stringify(isTwice ? [...batch, ...batch] : batch), agent);
  if (answer?.status !== 200) {
    expect([undefined, 503]).toContain(answer?.status);
    return false;
  }
  const { accepted, duplicates, rejected } = answer.told;
  expect(accepted + duplicates + rejected.length).toBe(batch.length * (isTwice ? 2 : 1));
  const places = (of: (id: string) => boolean) => batch.flatMap(({ id }, n) => (of(id) ? `event ${n + 1}` : []));
  // What only the server refuses is not known where a disk or a queue has it.
  const plainly = places((id) => isWrong(id) && !id.endsWith("19") && !id.endsWith("69"));
  if (!isTwice) expect([places(isWrong), plainly]).toContainEqual(rejected.map(({ event }) => event));
  return true;
}

/** How many of what is sent are right, and how many wrong. */
function judged(events: number) {
  const each = Array.from({ length: Math.ceil(events / SENDERS) }, (_, n) => isWrong(eventOf(0, n).id));
  const wrong = SENDERS * each.filter(Boolean).length;
  return { right: SENDERS * each.length - wrong, wrong };
}

const rowsOf = (server: OwnServer, text: string) =>
  withClient(server.settings, { applicationName: "proof" }, async (client) =>
    (await client.table(script(text))).rows.map((row) => row.join("|")),
  );

/** Each right event has landed once, and no wrong one, sooner or later. */
export async function expectAllLanded(server: OwnServer, events: number) {
  const { right } = judged(events);
  const landed = () =>
    rowsOf(
      server,
      `select count(*), count(distinct id), count(*) filter (where split_part(id, '-', 2)::int % 50 in (7, 19, 31))
       from (select _event_id as id from raw.viewed union all select _event_id from raw.paid) as e`,
    ).catch(() => []);
  await expect.poll(landed, { timeout: START, interval: 500 }).toEqual([`${right}|${right}|0`]);
}

/** That, and each wrong one is kept with why, and the ledger's counts are those of the tables: once nobody lands any more. */
export async function expectAllOnce(server: OwnServer, events: number) {
  await expectAllLanded(server, events);
  expect(
    await rowsOf(
      server,
      `select count(distinct coalesce(record::jsonb ->> '_event_id', record::jsonb ->> 'id')), string_agg(distinct reason, ', ') from raw._rejected`,
    ),
  ).toEqual([
    `${judged(events).wrong}|amount: numeric field overflow, type: "veiwed" is not declared; there are viewed, paid, did you mean "viewed"?, url: is missing`,
  ]);
  expect(
    await rowsOf(
      server,
      `select l.* from raw._load as l
       where l.status <> 'loaded'
         or l.rejected <> (select count(*) from raw._rejected as r where r.load_id = l.load_id)
         or l.rows <> (select count(*) from raw.viewed as r where r._load_id = l.load_id) + (select count(*) from raw.paid as r where r._load_id = l.load_id)`,
    ),
  ).toEqual([]);
  expect(
    await rowsOf(
      server,
      `select count(*) from (select _load_id from raw.viewed union select _load_id from raw.paid) as e where _load_id not in (select load_id from raw._load)`,
    ),
  ).toEqual(["0"]);
}
