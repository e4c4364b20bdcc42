import { mkdirSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import type { RecordedDue } from "../../src/model/schedule.ts";
import { withClient } from "../../src/postgres/client.ts";
import { script } from "../../src/sql/authored.ts";
import { until } from "../../src/wait/until.ts";
import { cli, succeeds } from "../support/cli.ts";
import { type JudgedLine, minutesInBerlin, wrongWith } from "../support/judged-dues.ts";
import { hasFakeClock, simulatedClock } from "../support/month/clock.ts";
import { start } from "../support/program.ts";
import { testProject } from "../support/project.ts";
import { isWhole, rounds, seed } from "../support/proof.ts";
import { randomFrom } from "../support/reader.ts";
import { ownServerByClock } from "../support/servers/own-postgres.ts";

// Two schedulers over a month in which the clocks change, struck once in each round. `npm run proof:schedule-kills` does the whole of
// it; the seed repeats its choices, if not the microsecond. What came of it is judged by the public record and by what steps left.

const ROUNDS = rounds(2, 200);
const [MINUTE, HOUR] = [60_000, 3_600_000];
/** 200 of them are 30 days. */
const ROUND = 3.6 * HOUR;
const BEGIN = Date.parse(isWhole ? "2026-03-12T00:05:00+01:00" : "2026-03-28T20:05:00+01:00");
const END = BEGIN + (ROUNDS + 2) * ROUND;
/** So long before a due the clock stands in rounds that are to see it come. */
const BEFORE = 1_000;
/** A strike falls within so long after the clock was set: while what is due is found, begun, and at work. */
const WITHIN = 2_500;
/** Minutes of an hour around which nothing is due. */
const QUIET_MINUTES = [6, 9, 24, 26, 35, 39, 50, 54];
/** How long anything may take. */
const HANGS = 180_000;

// Those that no other test has come first.
const FAULTS = ["session", "server", "step", "kill", "stop", "end", "both", "clock"] as const;
type Fault = (typeof FAULTS)[number];

const YAML = `timezone: Europe/Berlin
schedules:
  chain:
    cron: "30 */4 * * *"
    retries: 20
    retryDelay: 0s
    steps:
      - ingest: { sources: [feed] }
      - run: { wait: true }
      - export: { source: marts.total, path: total.csv, to: csv }
  all:
    cron: "45 */3 * * *"
    catchUp: all
    jitter: 90s
    retries: 20
    retryDelay: 0s
    steps: [{ ingest: { sources: [beat] } }]
  nightly:
    cron: "30 2 * * *"
    catchUp: all
    overlap: queue
    retries: 20
    retryDelay: 0s
    steps: [{ export: { source: "select 1 as id", path: nightly.csv, to: csv } }]
  hourly:
    cron: "0 * * * *"
    catchUp: skip
    retries: 20
    retryDelay: 0s
    steps: [{ export: { source: "select 1 as id", path: hourly.csv, to: csv } }]
  resting:
    cron: "20 * * * *"
    retries: 20
    retryDelay: 0s
    blackout: [{ from: 2026-03-29, until: 2026-03-30 }]
    steps: [{ export: { source: "select 1 as id", path: resting.csv, to: csv } }]
  loaded:
    on: { load: feed.feed }
    retries: 20
    retryDelay: 0s
    steps: [{ export: { source: "select 1 as id", path: loaded.csv, to: csv } }]
  arrived:
    on: { file: files.files, every: 1s }
    retries: 20
    retryDelay: 0s
    steps: [{ ingest: { sources: [files] } }]
`;

/** One row a load, of the moment at which it was read. */
const source = (name: string) => ({
  [`ingest/${name}.yaml`]: `version: 1
source: ${name}
sql: { url: "\${FEED_URL}" }
streams:
  - name: ${name}
    query: "select (extract(epoch from clock_timestamp()) * 1000000)::bigint as at"
    table: ${name}
    recordSchema: schemas/at.json
`,
});

const FILES = {
  ...source("feed"),
  ...source("beat"),
  "ingest/files.yaml": `version: 1
source: files
files: { at: data }
streams: [{ name: files, files: "*.csv", format: csv, table: files, recordSchema: schemas/at.json }]
`,
  "ingest/schemas/at.json": '{ "type": "object", "properties": { "at": { "type": "integer", "format": "int64" } } }',
  "feed.sqlx": 'config { type: "declaration", schema: "raw", name: "feed" }',
  "total.sqlx": 'config { type: "view" }\nselect max(_load_id) as load from ${ref("raw", "feed")}',
  "log.sqlx": 'config { type: "operations" }\ninsert into raw.log (load) select load from ${ref("total")}',
  "schedules.yaml": YAML,
};

function clockLines(): readonly JudgedLine[] {
  const line = (name: string, isDue: (hour: number, minute: number) => boolean): JudgedLine => ({
    ...{ name, catchUp: "once", overlap: "skip", within: 7 * 24 * HOUR, jitter: 0, steps: 1, blackout: null },
    dues: minutesInBerlin(BEGIN, END, isDue),
  });
  const nightly = line("nightly", (hour, minute) => hour === 2 && minute === 30);
  // That night has no 02:30: the first instant after the gap.
  const dues = [...nightly.dues, Date.parse("2026-03-29T01:00:00Z")].sort((a, b) => a - b);
  return [
    { ...line("chain", (hour, minute) => hour % 4 === 0 && minute === 30), steps: 3 },
    { ...line("all", (hour, minute) => hour % 3 === 0 && minute === 45), catchUp: "all", jitter: 90_000 },
    { ...nightly, dues, catchUp: "all", overlap: "queue" },
    { ...line("hourly", (_, minute) => minute === 0), catchUp: "skip" },
    {
      ...line("resting", (_, minute) => minute === 20),
      blackout: [Date.parse("2026-03-29T00:00:00+01:00"), Date.parse("2026-03-30T00:00:00+02:00")],
    },
  ];
}

test.skipIf(!hasFakeClock)(
  `${ROUNDS} kills and stops of two schedulers, their steps and PostgreSQL: each due ran once or was skipped by its policy, no step ran on what was not committed`,
  async () => {
    const random = randomFrom(seed);
    const month = await openMonth();
    const lines = clockLines();
    const soon = lines.flatMap(({ dues, jitter }) => (jitter ? [] : dues)).sort((a, b) => a - b);
    const spans: [number, number][] = [];
    const pauses: [number, number][] = [];
    const tally: Record<string, number> = {};
    const judge = async () => {
      const knownAt = (due: number) => Math.max(due, spans.find(([, end]) => end >= due)![0]);
      const isPaused = (line: string, at: number) =>
        line === "resting" && pauses.some(([from, until]) => from <= at && at <= until);
      const last = spans.at(-1)![1];
      const wrong: string[] = [];
      for (const line of lines) {
        const dues = line.dues.filter((due) => due <= last);
        wrong.push(...wrongWith({ ...line, dues }, await month.history(line.name), { knownAt, isPaused }));
      }
      return [...wrong, ...(await month.wrongEffects())];
    };
    for (let round = 1; round <= ROUNDS; round++) {
      const fault = FAULTS[(round - 1) % FAULTS.length]!;
      const isOnTime = random(3) === 0;
      const hour = Math.floor((BEGIN + round * ROUND) / HOUR) * HOUR;
      const moment = isOnTime
        ? soon.find((due) => due > hour)! - BEFORE
        : hour + QUIET_MINUTES[random(QUIET_MINUTES.length)]! * MINUTE;
      const after = random(isOnTime ? BEFORE + WITHIN : WITHIN);
      const where = `round ${round} of seed ${seed}: ${fault} ${after} ms after ${new Date(moment).toISOString()}`;
      if (round % 40 === 20) pauses.push([await month.pauseOf("resting"), Number.POSITIVE_INFINITY]);
      if (round % 40 === 30) pauses.at(-1)![1] = await month.resumeOf("resting");
      if (random(3) === 0) month.deliver(round);
      month.advanceTo(moment);
      await month.redeliver();
      await pause(after);
      if (await month.strike(fault, random)) tally[fault] = (tally[fault] ?? 0) + 1;
      await pause(Math.max(0, moment + BEFORE + 200 - month.now()));
      await month.redeliver();
      // Sometimes the next dues come while these go on.
      const isLeft = random(4) === 0 && round < ROUNDS && round % 10 !== 9;
      if (!isLeft) await month.settled(where);
      spans.push([moment, month.now()]);
      if (!isLeft && isWhole && round % 10 === 0) expect(await judge(), where).toEqual([]);
      if (isWhole && round % 10 === 0) console.log(`${where}; struck: ${JSON.stringify(tally)}`);
    }
    await month.end();

    expect(await judge()).toEqual([]);
    expect(tally.session).toBeGreaterThan(0);
  },
  isWhole ? 2 * HOUR : 10 * MINUTE,
);

async function openMonth() {
  const server = await ownServerByClock(new Date(BEGIN));
  const project = testProject(FILES);
  const { dir } = project;
  mkdirSync(join(dir, "data"));
  const env = { DATABASE_URL: server.url, FEED_URL: server.url };
  const rows = (text: string) =>
    withClient(server.settings, { applicationName: "month" }, async (client) =>
      (await client.table(script(text))).rows.map((row) => row.join("|")),
    );
  await rows("create schema raw");
  await rows("create table raw.log (load bigint, at timestamptz default clock_timestamp())");
  for (const name of ["feed", "beat"]) await succeeds(cli(dir, ["ingest", name], env));
  await succeeds(cli(dir, ["run"], env));
  await rows("truncate raw.log");
  const [before] = await rows("select max(load_id) from raw._load");
  const isTrue = async (question: string) => (await rows(question).catch(() => []))[0] === "t";
  const waitFor = async (question: string, where: string) => {
    const found = await until({
      look: async () => ((await isTrue(question)) ? true : undefined),
      every: 200,
      deadline: HANGS,
      describe: () => question,
    });
    if (!found)
      expect([where, await rows(OPEN)], schedulers.map(({ said }) => said()).join("\n----\n")).toBe("settled");
  };
  // Each on a machine of its own, whose clock is set apart from the others; steps live by that of whoever began them.
  const machines = [0, 1].map((one) => {
    const folder = join(dir, "machines", `${one}`);
    mkdirSync(folder, { recursive: true });
    const clock = simulatedClock(folder);
    clock.set(new Date());
    return clock;
  });
  const begin = (one: number) =>
    start(["--project-dir", dir, "schedule", "--lost-after", "4s"], server.url, { ...env, ...machines[one]!.env });
  const schedulers = [begin(0), begin(1)];
  await waitFor("select count(*) = 7 and count(seen) = 2 from _dataform.schedule", "at the start");

  let delivered: string[] = [];
  const strikes: Record<Fault, (one: number, random: (below: number) => number) => Promise<boolean>> = {
    stop: async (one) => {
      const { child } = schedulers[one]!;
      child.kill("SIGSTOP");
      await pause(2_000);
      return child.kill("SIGCONT");
    },
    kill: async (one) => {
      const isKilled = schedulers[one]!.child.kill("SIGKILL");
      schedulers[one] = begin(one);
      return isKilled;
    },
    both: async () => {
      const areKilled = schedulers.map(({ child }) => child.kill("SIGKILL"));
      for (const one of [0, 1]) schedulers[one] = begin(one);
      return areKilled.every(Boolean);
    },
    end: async (one) => {
      const { child, end, said } = schedulers[one]!;
      child.kill("SIGTERM");
      schedulers[one] = begin(one);
      // One that has not read its lines yet has nothing to wait for.
      const code = await end;
      expect(code, said()).toBe(said().includes("of schedules.yaml") ? 0 : 130);
      return true;
    },
    server: async () => {
      await server.crash();
      return true;
    },
    step: async () => {
      const found = await until({
        look: async () => {
          const [pid] = await rows("select process_id from _dataform.schedule_step where status = 'running' limit 1");
          return pid && kill(Number(pid)) ? true : undefined;
        },
        every: 20,
        deadline: 5_000,
        describe: () => "for a step",
      });
      return found ?? false;
    },
    session: async () =>
      isTrue(`
        select coalesce(bool_and(pg_terminate_backend(pid)), false)
        from (select pid from pg_stat_activity where datname = current_database() and application_name in ('dataform-schedule', 'dataform-step') order by random() limit 2) as two`),
    clock: async (one, random) => {
      machines[one]!.set(new Date(Date.now() - (1 + random(48)) * HOUR));
      return true;
    },
  };
  const scheduled = (...words: string[]) => succeeds(cli(dir, ["schedule", ...words], env));
  const history = async (line: string): Promise<readonly RecordedDue[]> =>
    JSON.parse((await scheduled("history", line, "--json", "--count", "1000")).stdout);
  const { clock } = server;
  onTestFinished(() => schedulers.forEach(({ child }) => void child.kill("SIGKILL")));
  return {
    history,
    now: () => clock.now().getTime(),
    advanceTo: (moment: number) => clock.set(new Date(moment)),
    pauseOf: async (line: string) => {
      await scheduled("pause", line);
      return clock.now().getTime();
    },
    resumeOf: async (line: string) => {
      await scheduled("resume", line);
      return clock.now().getTime();
    },
    strike: (fault: Fault, random: (below: number) => number) => strikes[fault](random(2), random),
    deliver: (round: number) => {
      const name = `${round}.csv`;
      writeFileSync(join(dir, "data", name), `at\n${round}\n`);
      utimesSync(join(dir, "data", name), 0, 0);
      delivered = [...delivered, name];
    },
    /** What wakes, once more. */
    redeliver: () =>
      rows(
        "select pg_notify('dataform_load', ''), pg_notify('dataform_schedule', ''), pg_notify('dataform_schedule', '')",
      ).catch(() => []),
    settled: async (where: string) => {
      await waitFor(SETTLED(delivered.length), where);
    },
    end: async () => {
      // One that was struck last may not have begun yet; each that has looks for loads on a second session.
      await waitFor(
        "select count(*) = 4 from pg_stat_activity where application_name = 'dataform-schedule'",
        "at the end",
      );
      for (const { child } of schedulers) child.kill("SIGTERM");
      expect(await Promise.all(schedulers.map(({ end }) => end))).toEqual([0, 0]);
    },
    wrongEffects: async () => [
      ...wrongLoads("beat", await history("all"), await rows(loadsOf("beat", before!))),
      ...wrongLoads("feed", await history("chain"), await rows(loadsOf("feed", before!))),
      ...wrongRuns(await history("chain"), await rows("select load, extract(epoch from at) * 1000 from raw.log")),
      ...wrongArrivals("loaded", await history("loaded"), await rows(loadsOf("feed", before!))),
      ...wrongArrivals("arrived", await history("arrived"), delivered),
      ...(await rows("select count(*), count(distinct at) from raw.files"))
        .filter((found) => found !== `${delivered.length}|${delivered.length}`)
        .map((found) => `${delivered.length} files are ${found} rows`),
    ],
  };
}

function kill(pid: number): boolean {
  try {
    return process.kill(pid, "SIGKILL");
  } catch {
    return false;
  }
}

const loadsOf = (source: string, after: string) =>
  `select load_id from raw._load where source = '${source}' and status = 'loaded' and load_id > ${after} order by load_id`;

const OPEN = `select due_id, schedule, due, status, definition ->> 'overlap' from _dataform.schedule_due where status in ('queued', 'running')`;
const SETTLED = (files: number) => `
  select not exists (select from _dataform.schedule where start_at <= clock_timestamp())
    and not exists (select from _dataform.schedule_due where status in ('queued', 'running'))
    and (select seen #>> '{}' from _dataform.schedule where name = 'loaded')::bigint
      = (select max(load_id) from raw._load where source = 'feed' and status = 'loaded')
    and (select count(*) from jsonb_object_keys((select seen from _dataform.schedule where name = 'arrived'))) = ${files}`;

/** Each step that ended well made a load of its own; another load is of an attempt that could not say so. */
function wrongLoads(line: string, dues: readonly RecordedDue[], loads: readonly string[]): string[] {
  const attempts = dues.flatMap(({ steps }) => steps.filter(({ command }) => command === "ingest"));
  const good = attempts.filter(({ status }) => status === "success");
  const named = good.flatMap(({ loadIds }) => loadIds);
  const others = loads.filter((load) => !named.includes(load)).length;
  return [
    ...(named.length === good.length && new Set(named).size === good.length ? [] : [`${line}: loads ${named}`]),
    ...named.filter((load) => !loads.includes(load)).map((load) => `${line}: load ${load} is not there`),
    ...(others > attempts.length - good.length ? [`${line}: ${others} loads are of no attempt`] : []),
  ];
}

/** What a run wrote, it wrote while an attempt of a due went on, and saw what the step before had committed. */
function wrongRuns(dues: readonly RecordedDue[], log: readonly string[]): string[] {
  const attempts = dues.flatMap(({ steps }) => {
    const [load] = steps.flatMap(({ loadIds, status }) => (status === "success" ? loadIds : []));
    return steps.filter(({ command }) => command === "run").map((step) => ({ ...step, load: Number(load) }));
  });
  const wrote = log.map((row) => {
    const [load, at] = row.split("|").map(Number) as [number, number];
    const attempt = attempts.find(
      ({ madeAt, finishedAt }) => Date.parse(madeAt) <= at && at <= Date.parse(finishedAt!) + 1,
    );
    return { load, at, attempt };
  });
  return [
    ...wrote
      .filter(({ attempt }) => !attempt)
      .map(({ at }) => `a run at ${new Date(at).toISOString()} is of no attempt`),
    ...wrote
      .filter(({ attempt, load }) => attempt && load < attempt.load)
      .map(({ load, attempt }) => `a run behind load ${attempt!.load} saw ${load}`),
    ...attempts
      .filter((one) => wrote.filter(({ attempt }) => attempt === one).length !== 1 && one.status === "success")
      .map(({ madeAt }) => `the run of ${madeAt} did not write once`),
  ];
}

/** Each thing that came is named by one due, whatever told of it how often. */
function wrongArrivals(line: string, dues: readonly RecordedDue[], came: readonly string[]): string[] {
  const named = dues.flatMap(({ causedBy }) => causedBy?.files ?? causedBy?.loads ?? []);
  return [
    ...came.filter((one) => named.filter((other) => other === one).length !== 1).map((one) => `${line}: ${one}`),
    ...dues
      .filter(({ status, reason }) => status !== "success" && reason !== "overlap")
      .map(({ due, status }) => `${line} ${due}: ${status}`),
  ];
}
