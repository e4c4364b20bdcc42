import { randomUUID } from "node:crypto";
import { expect, onTestFinished, test, vi } from "vitest";
import { endSessions } from "../../src/environment/orphaned-sessions.ts";
import { reconnect } from "../../src/environment/reconnect.ts";
import type { ConnectionSettings } from "../../src/model/connection-settings.ts";
import { takeLock } from "../../src/postgres/advisory-lock.ts";
import { type Client, connect } from "../../src/postgres/client.ts";
import { type Seen, watching } from "../../src/postgres/watch.ts";
import { literal } from "../../src/sql/literals.ts";
import { sql } from "../../src/sql/sql.ts";
import { ownDatabase } from "../support/database.ts";
import { start } from "../support/program.ts";
import { tick, ticking } from "../support/ticking.ts";
import { statuses } from "../support/warehouse.ts";

/** Whether the processes of the server are on this machine and ours to stop. */
function isOurs({ processId }: Client): boolean {
  try {
    return process.kill(processId, 0);
  } catch {
    return false;
  }
}

/** A session whose process has been stopped: nothing ends it. */
async function stopped(settings: ConnectionSettings, applicationName: string, hold = sql`select 1`): Promise<Client> {
  const client = await connect(settings, { applicationName });
  onTestFinished(() => client.close());
  await client.script(hold);
  process.kill(client.processId, "SIGSTOP");
  onTestFinished(() => void (isOurs(client) && process.kill(client.processId, "SIGCONT")));
  return client;
}

test("a session of an earlier run that does not end is named with what to do; SIGTERM ends the wait, and so does time", async ({
  skip,
}) => {
  const { project, client, database, runOn } = await ticking(1);
  if (!isOurs(client)) skip();
  const dead = randomUUID();
  await client.query(
    sql`insert into _dataform.run (run_id, environment, fence, status) values ($1, 'main', 1, 'running')`,
    [dead],
  );
  const stuck = await stopped(database.settings, `dataform-build-${dead}`);
  const { child, said, end } = start(["run", "--project-dir", project.dir], database.url);
  const who = `process ${stuck.processId} (dataform-build-${dead}) of user ${database.settings.user}`;
  await expect
    .poll(said, { timeout: 60_000 })
    .toContain(`waiting: for sessions of a run to end, which the server was told to end: ${who}`);
  child.kill("SIGTERM");
  expect(await end).toBe(130);

  await expect(endSessions(database.settings, [`dataform-build-${dead}`], { patience: 0 })).rejects.toMatchObject({
    message: "sessions of a run that has lost them do not end, although the server was told to end them",
    found: expect.stringContaining(who),
    hint: expect.stringContaining("`kill -CONT`"),
    exitCode: 75,
  });
  process.kill(stuck.processId, "SIGCONT");
  expect((await runOn(database.settings)).status).toBe("success");
});

test("a session of ours that does not begin with what it is sent is told, and the run goes on once it does", async ({
  skip,
}) => {
  const { client, settings, runOn } = await ticking(1);
  if (!isOurs(client)) skip();
  const ours = sql`select pid from pg_stat_activity where application_name like 'dataform-run-%' and datname = current_database()`;
  let frozen = 0;
  const told: string[] = [];
  const goOn = () => {
    try {
      process.kill(frozen, "SIGCONT");
    } catch {
      // It has ended.
    }
  };
  onTestFinished(() => void (frozen && goOn()));
  const report = await runOn(settings, {
    failpoint: async (point) => {
      if (point !== "published") return;
      frozen = Number((await client.query<{ pid: string }>(ours)).rows[0]!.pid);
      process.kill(frozen, "SIGSTOP");
    },
    events: {
      waiting: (what) => {
        told.push(what);
        goOn();
      },
    },
  });
  expect(told).toEqual([
    `for process ${frozen} to begin with what it was sent: it is stopped, or the network to it is cut; after a minute it counts as lost`,
  ]);
  expect(report.status).toBe("success");
});

test("a session that begins with nothing for a minute counts as lost, one that is at work does not, and both are told", async () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const watched = async (seen: Seen | Error) => {
    const told: string[] = [];
    const outcome = { lostAfter: 0 };
    const begun = performance.now();
    const work = new Promise<void>((resolve) => {
      const watch = watching({
        processId: 7,
        look: async () => {
          if (seen instanceof Error) throw seen;
          return seen;
        },
        cancel: async () => {},
        hangUp: () => {
          outcome.lostAfter = performance.now() - begun;
          resolve();
        },
        tell: (what) => told.push(what),
      });
      void watch(() => new Promise<void>((end) => setTimeout(end, 600_000))).then(resolve);
    });
    await vi.advanceTimersByTimeAsync(600_000);
    await work;
    return { told, ...outcome };
  };
  const idle = await watched({ blocked: "", at: "", idleFor: () => true });
  expect(idle.lostAfter).toBeGreaterThanOrEqual(60_000);
  expect(idle.lostAfter).toBeLessThan(90_000);
  const busy = await watched({ blocked: "", at: "process 7, which waits for IO DataFileRead", idleFor: () => false });
  expect(busy).toEqual({
    lostAfter: 0,
    told: Array(busy.told.length).fill(expect.stringContaining("for an answer of")),
  });
  expect(busy.told.length).toBeGreaterThan(1);
  expect(busy.told.length).toBeLessThan(6);
  const away = await watched(new Error("no route to host"));
  expect(away.told[0]).toContain("a server that lets nobody in: no route to host");
  expect(away.lostAfter).toBe(0);
});

test("a lock whose holder ends while it is looked for is taken at once", async () => {
  const { settings } = await ownDatabase();
  const wanted = { reach: "session", taken: "another has it", hint: "wait", deadline: 0 } as const;
  const [holder, client] = [await connect(settings), await connect(settings)];
  onTestFinished(() => client.close());
  await takeLock(holder, "work", wanted);
  let answers = 0;
  const looking = new Proxy(client, {
    get: (target, key) => {
      const value = Reflect.get(target, key, target);
      if (key !== "query") return typeof value === "function" ? value.bind(target) : value;
      return async (...args: Parameters<Client["query"]>) => {
        const answer = await target.query(...args);
        if (++answers === 1) await holder.close();
        return answer;
      };
    },
  });
  await takeLock(looking, "work", wanted);
  expect(answers).toBeGreaterThan(2);
});

test("a lock that others hold is told with its holder: the record's is given up in time or with the signal, a table's is waited for", async () => {
  const { client, settings, runOn } = await ticking(1);
  const holder = await connect(settings, { applicationName: "psql" });
  onTestFinished(() => holder.close());
  const hold = (table: string) =>
    holder.script(sql`begin; lock table ${table === "record" ? sql`_dataform.environment` : sql`raw.tick`}`);
  const who = `process ${holder.processId} (psql) of user ${settings.user} from `;
  const onWait = (then: () => unknown) => {
    const told: string[] = [];
    const waiting = (what: string) => {
      told.push(what);
      void then();
    };
    return { told, events: { waiting } };
  };

  await hold("record");
  const short = { ...settings, options: "-c lock_timeout=50ms" };
  await expect(runOn(short)).rejects.toMatchObject({
    message: "another session kept environment main from this command for too long",
    exitCode: 75,
  });
  const stop = new AbortController();
  const claiming = onWait(() => stop.abort());
  await expect(runOn(settings, { ...claiming, signal: stop.signal })).rejects.toThrow("This operation was aborted");
  expect(claiming.told[0]).toContain(`lock on _dataform.environment, which is held by ${who}`);
  expect(claiming.told[0]).toContain("idle in transaction since ");
  await holder.query(sql`rollback`);

  await tick(client);
  await hold("raw.tick");
  const building = onWait(() => holder.query(sql`rollback`));
  const report = await runOn(settings, building);
  expect(building.told[0]).toContain(`lock on raw.tick, which is held by ${who}`);
  expect(new Set(Object.values(statuses(report)))).toEqual(new Set(["ok"]));
});

test("who waited too long for a lock is told who had it", async () => {
  const { database, settings } = await ticking(0);
  const [holder, waiter] = await Promise.all([
    connect(settings, { applicationName: "psql" }),
    connect({ ...settings, options: "-c lock_timeout=10s" }, { duty: "builder", onWait: () => {} }),
  ]);
  onTestFinished(() => Promise.all([holder.close(), waiter.close()]).then(() => {}));
  await holder.script(sql`begin; lock table raw.tick`);
  await expect(waiter.query(sql`select from raw.tick`)).rejects.toMatchObject({
    code: "55P03",
    detail: expect.stringContaining(`process ${holder.processId} (psql) of user ${database.settings.user}`),
  });
});

test("sessions that build wait five minutes for a lock and the record's one, unless the server, the role or the URL says otherwise", async () => {
  const { database, settings, client } = await ticking(0);
  const { name } = (await client.query<{ name: string }>(sql`select current_database() as name`)).rows[0]!;
  const timeout = async (given: ConnectionSettings, duty: "builder" | "publisher") => {
    const session = await connect(given, { duty });
    const read = async () =>
      (await session.query<{ lock_timeout: string }>(sql`show lock_timeout`)).rows[0]!.lock_timeout;
    const before = await read();
    await session.reset();
    expect(await read()).toBe(before);
    await session.close();
    return before;
  };
  expect([await timeout(settings, "builder"), await timeout(settings, "publisher")]).toEqual(["5min", "1min"]);
  expect(await timeout({ ...settings, options: "-c lock_timeout=7s" }, "builder")).toBe("7s");
  expect(await timeout({ ...settings, options: "-c lock_timeout=0" }, "builder")).toBe("0");
  await client.query(
    sql`do ${literal(`begin execute format('alter database %I set lock_timeout = ''9s''', '${name}'); end`)}`,
  );
  expect(await timeout(database.settings, "publisher")).toBe("9s");
});

test("a session of ours is not ended for being idle, however the database is set, from its beginning and after a step", async () => {
  const { database, client } = await ticking(0);
  const { name } = (await client.query<{ name: string }>(sql`select current_database() as name`)).rows[0]!;
  const idle = ["idle_session_timeout", "idle_in_transaction_session_timeout"];
  for (const setting of idle)
    await client.query(
      sql`do ${literal(`begin execute format('alter database %I set ${setting} = ''9s''', '${name}'); end`)}`,
    );
  for (const duty of ["builder", "publisher", "loader", "reader"] as const) {
    const session = await connect(database.settings, { duty });
    for (let n = 0; n < 2; n++) {
      for (const setting of idle)
        expect((await session.query(sql`select current_setting(${literal(setting)}) as value`)).rows).toEqual([
          { value: "0" },
        ]);
      await session.reset();
    }
    await session.close();
  }
});

test("a server that does not come back is not waited for once the signal has come", async () => {
  const { settings } = await ticking(0);
  const stop = new AbortController();
  const gone = reconnect({ ...settings, port: 1 }, { applicationName: "dataform-test", signal: stop.signal });
  stop.abort("enough");
  await expect(gone).rejects.toBe("enough");
});
