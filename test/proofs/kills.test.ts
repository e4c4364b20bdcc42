import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import { UserError } from "../../src/model/errors.ts";
import { type Client, withClient } from "../../src/postgres/client.ts";
import { connectionLost } from "../../src/postgres/sqlstate.ts";
import { script } from "../../src/sql/authored.ts";
import { sql } from "../../src/sql/sql.ts";
import { program } from "../support/built.ts";
import { litter, sessions } from "../support/litter.ts";
import { testProject } from "../support/project.ts";
import { isWhole, rounds, seed } from "../support/proof.ts";
import { keepReading, modes, noReadings, randomFrom } from "../support/reader.ts";
import { type OwnServer, ownServer } from "../support/servers/own-postgres.ts";
import { differencesAt, ordersOf, others, shopContents, shopFiles } from "../support/shop.ts";

/** `npm run proof:kills` does the whole of it; the seed repeats its choices, if not the microsecond. */
const ROUNDS = rounds(2, 200);

/** How long a command may take that has been struck, or that comes after one. Milliseconds. */
const HANGS = 120_000;

// Those that no other test has come first.
const FAULTS = ["the server", "a backend", "the process", "a session"] as const;
type Fault = (typeof FAULTS)[number];
const COMMANDS = ["run", "run", "ingest", "rollback"] as const;
type Command = (typeof COMMANDS)[number];

interface Ended {
  readonly code: number | null;
  readonly said: string;
}

interface Running {
  readonly child: ChildProcess;
  readonly end: Promise<Ended>;
  isOver(): boolean;
}

test(
  `${ROUNDS} rounds of kills while everything is read: no bad read, no litter, nothing doubled or lost`,
  async () => {
    const server = await ownServer();
    const { dir } = testProject(shopFiles);
    const random = randomFrom(seed);
    const start = (...args: readonly string[]) => startCommand([...args, "--project-dir", dir], server.url);
    const succeeds = async (...args: readonly string[]) => {
      const { code, said } = await endOf(start(...args));
      expect(code, `${args.join(" ")}\n${said}`).toBe(0);
    };
    const asking = <T>(work: (client: Client) => Promise<T>) =>
      withClient(server.settings, { applicationName: "kills" }, work);

    let n = 0;
    const deliver = () => {
      n++;
      writeFileSync(
        join(dir, `data/${n}.ndjson`),
        ordersOf(n)
          .map((one) => `${JSON.stringify(one)}\n`)
          .join(""),
      );
    };
    const usual = new Map<Command, number>();
    mkdirSync(join(dir, "data"));
    deliver();
    await succeeds("ingest");
    await succeeds("run");
    await asking((client) => client.script(script(others)));
    deliver();
    for (const command of ["ingest", "run", "rollback"] as const)
      usual.set(command, await timeOf(start(command), asking));
    await succeeds("run");
    const before = await asking(inventory);

    const tally: Record<string, number> = {};
    const count = (what: string) => {
      tally[what] = (tally[what] ?? 0) + 1;
    };
    const readings = modes.map(() => noReadings());
    let over = false;
    // They leave something of the machine to those who are struck.
    const more = () => pause(isWhole ? 3 : 100).then(() => !over);
    const readers = modes.map((mode, index) => readOn(server, readings[index]!, { mode, index, more }));
    try {
      for (let round = 1; round <= ROUNDS; round++) {
        const fault = FAULTS[(round - 1) % FAULTS.length]!;
        const command = COMMANDS[random(COMMANDS.length)]!;
        deliver();
        if (command === "run") await succeeds("ingest");
        const moment = random(usual.get(command)! + 1);
        const where = `round ${round} of seed ${seed}: ${fault} at ${moment} ms of ${command}`;
        const struck = start(command);
        if (await strike(fault, { struck, moment, server, random, asking })) count(`${fault}, ${command}`);
        else count("ended before");
        const { code, said } = await endOf(struck, where);
        expect(said, where).not.toMatch(/^\s+at .+:\d+:\d+\)?$/m);
        expect([0, 1, 2, 75, null], `${where}\n${said}`).toContain(code);
        await answering(asking);
        await succeeds("ingest");
        await succeeds("run", "--wait");
        expect(await asking(published), where).toEqual(shopContents.models.map((model) => shopContents.at(model, n)));
        await expect.poll(() => asking(left), { message: where, timeout: 20_000, interval: 20 }).toEqual([]);
        expect(await asking(inventory), where).toEqual(before);
        for (const { wrong, examples } of readings)
          expect({ wrong, examples }, where).toEqual({ wrong: {}, examples: [] });
        if (round % 10 && round < ROUNDS) continue;
        // Row by row, for sums can agree by chance.
        for (const query of differencesAt(n))
          expect((await asking((client) => client.query(script(query)))).rows, where).toEqual([]);
        const reads = readings.reduce((sum, { reads }) => sum + reads, 0);
        console.log(
          `seed ${seed}, round ${round} of ${ROUNDS}, ${reads} relations read, 0 of them bad; struck: ${JSON.stringify(tally)}`,
        );
      }
    } finally {
      over = true;
      await Promise.allSettled(readers);
    }
    await Promise.all(readers);
    expect(readings.reduce((sum, { reads }) => sum + reads, 0)).toBeGreaterThan(ROUNDS);
  },
  isWhole ? 4 * 3_600_000 : 240_000,
);

/** The command line in a process of its own. */
function startCommand(args: readonly string[], url: string): Running {
  const child = spawn(process.execPath, [program, ...args], {
    env: { ...process.env, DATABASE_URL: url, NO_COLOR: "1" },
    stdio: ["ignore", "ignore", "pipe"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  let said = "";
  let over = false;
  child.stderr.on("data", (bytes) => (said += bytes));
  const end = once(child, "close").then(([code]) => {
    over = true;
    return { code: code as number | null, said };
  });
  return { child, end, isOver: () => over };
}

async function endOf({ end, child }: Running, where = ""): Promise<Ended> {
  const late = new AbortController();
  const hangs = pause(HANGS, undefined, { signal: late.signal }).then(() => {
    child.kill("SIGKILL");
    throw new Error(`it hangs ${where}`);
  });
  hangs.catch(() => {});
  return Promise.race([end, hangs]).finally(() => late.abort());
}

type Asking = <T>(work: (client: Client) => Promise<T>) => Promise<T>;

/** Sessions of the commands. */
async function pids(client: Client): Promise<number[]> {
  const { rows } = await client.query<{ pid: string }>(
    sql`select pid from pg_stat_activity where application_name like 'dataform%' and backend_type = 'client backend' order by pid`,
  );
  return rows.map(({ pid }) => Number(pid));
}

async function hasSessions({ isOver }: Running, asking: Asking): Promise<boolean> {
  return asking(async (client) => {
    while (!isOver()) if ((await pids(client)).length) return true;
    return false;
  });
}

/** How long a command works in the database, when nobody disturbs it. Milliseconds. */
async function timeOf(running: Running, asking: Asking): Promise<number> {
  await hasSessions(running, asking);
  const began = performance.now();
  expect((await running.end).code).toBe(0);
  return Math.ceil(performance.now() - began);
}

interface Strike {
  readonly struck: Running;
  /** Milliseconds after its first session. */
  readonly moment: number;
  readonly server: OwnServer;
  readonly random: (below: number) => number;
  readonly asking: Asking;
}

/** Returns whether there was something left to strike. */
async function strike(fault: Fault, { struck, moment, server, random, asking }: Strike): Promise<boolean> {
  if (!(await hasSessions(struck, asking))) return false;
  await pause(moment);
  if (struck.isOver()) return false;
  if (fault === "the process") return struck.child.kill("SIGKILL");
  if (fault === "the server") {
    await server.crash();
    return true;
  }
  return asking(async (client) => {
    const found = await pids(client);
    const pid = found[random(found.length)];
    if (pid === undefined) return false;
    if (fault === "a backend") process.kill(pid, "SIGKILL");
    else await client.query(sql`select pg_terminate_backend($1)`, [pid]);
    return true;
  });
}

/** Returns when the server lets anybody in again. */
async function answering(asking: Asking): Promise<void> {
  const answers = () =>
    asking((client) => client.query(sql`select 1`))
      .then(() => true)
      .catch(() => false);
  await expect.poll(answers, { message: "the server does not come back", timeout: 60_000, interval: 20 }).toBe(true);
}

interface Reader {
  readonly mode: (typeof modes)[number];
  readonly index: number;
  readonly more: () => Promise<boolean>;
}

/** Reads while there is a server, and comes back after each time that there was none. */
async function readOn(
  { settings }: OwnServer,
  readings: ReturnType<typeof noReadings>,
  { mode, index, more }: Reader,
): Promise<void> {
  const way = { mode, more, random: randomFrom(seed + index + 1), contents: shopContents };
  while (await more())
    await keepReading(settings, readings, way).catch(async (error) => {
      if (!connectionLost(error) && !(error instanceof UserError)) throw error;
      await pause(10);
    });
}

async function published(client: Client): Promise<string[]> {
  const texts = shopContents.models.map((model) => `(${shopContents.query(model)})`);
  const { rows } = await client.table(script(`select ${texts.join(", ")}`));
  return rows[0]!.map((text) => text ?? "nothing");
}

/** What should be gone by now: objects, sessions, locks. */
async function left(client: Client): Promise<string[]> {
  const { rows } = await client.query<{ what: string }>(sql`
    select 'lock ' || locktype || ' of ' || pid as what from pg_locks where locktype = 'advisory'
    union all select 'prepared ' || gid from pg_prepared_xacts
    union all select 'load ' || status from raw._load where status not in ('loaded', 'failed')`);
  return [...(await litter(client)), ...(await sessions(client)), ...rows.map(({ what }) => what)];
}

/** All that a person would see in the database, and its rights: no round changes it. */
async function inventory(client: Client): Promise<string[]> {
  const { rows } = await client.query<{ what: string }>(sql`
    select 'schema ' || nspname as what from pg_namespace where nspname !~ '^pg_(toast_)?temp'
    union all select 'role ' || rolname from pg_roles
    union all select format('%s %s.%s %s %s', relkind, relnamespace::regnamespace, relname, oid, relacl) from pg_class
    where relnamespace::regnamespace::text in ('marts', 'bi', 'assertions') and relkind <> 'i'
    union all select format('%s %s.%s', relkind, relnamespace::regnamespace, relname) from pg_class
    where relnamespace::regnamespace::text in ('raw', 'public')
    union all select 'comment ' || description from pg_description where description = 'read by the bank'
    order by what`);
  return rows.map(({ what }) => what);
}
