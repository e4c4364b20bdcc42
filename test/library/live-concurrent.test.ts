import { expect, onTestFinished, test } from "vitest";
import { type Client, connect } from "../../src/postgres/client.ts";
import { script } from "../../src/sql/authored.ts";
import { liveFiles, makeEvents } from "../support/live.ts";
import { warehouse } from "../support/warehouse.ts";

// Writers open loads, commit to them, roll back and close them; runs take in what is closed and publish; a reader compares mart and
// raw in one statement, again and again.

const ENOUGH = { looks: 60, written: 60, rolled: 3 };

test("a mart is exact in every snapshot, while loads come and close and runs publish", {
  timeout: 120_000,
}, async () => {
  const house = await warehouse({
    ...liveFiles,
    "definitions/live.js": `
      live.publish("pages", { from: ["raw", "viewed"], by: ["path"], measures: { n: "count(*)", sum: "sum(amount)" }, distinct: { visitors: "visitor" } });
      live.sessions("visits", { from: ["raw", "viewed"], visitor: "visitor", time: "_event_at", gap: "5 seconds", measures: { n: "count(*)" } });`,
  });
  await house.sql(makeEvents);
  await house.run();
  const session = async () => {
    const client = await connect(house.database.settings, { applicationName: "test" });
    onTestFinished(() => client.close());
    return client;
  };
  const work = { isOver: false, written: 0, looks: 0, wrong: [] as string[] };
  const writers = await Promise.all([1, 2, 3].map(session));
  const reader = await session();
  const all = Promise.all([...writers.map((client, index) => write(client, index, work)), look(reader, work)]);
  for (let rolled = 0; rolled < ENOUGH.rolled || work.looks < ENOUGH.looks || work.written < ENOUGH.written; )
    rolled += (await house.run()).releases.length;
  work.isOver = true;
  await all;
  expect(work.wrong).toEqual([]);
  // What is open is nobody's any more: with the last run everything is in the stores.
  await house.sql("update raw._load set status = 'loaded' where status = 'loading'");
  const { steps } = await house.run();
  expect(steps.filter(({ status }) => status !== "ok")).toEqual([]);
  expect(await house.rows(DIFFERENT)).toEqual([]);
});

interface Work {
  isOver: boolean;
  written: number;
  looks: number;
  readonly wrong: string[];
}

/** A collector: two of three are of one stream, so that several of its loads are open at once. */
async function write(client: Client, index: number, work: Work): Promise<void> {
  const stream = index === 2 ? "app" : "web";
  for (let turn = 0; !work.isOver; turn++) {
    // Under the lock of its stream, so that numbers become visible in their order.
    const opened = await client.script(
      script(`begin; select pg_advisory_xact_lock(hashtext('${stream}'));
        insert into raw._load (source, stream, table_name, status) values ('${stream}', 'viewed', 'viewed', 'loading') returning load_id;
        commit`),
    );
    const load = opened[2]!.rows[0]!.load_id;
    for (let commit = 0; commit < 1 + (turn % 4); commit++) {
      const end = (turn + commit) % 5 === 4 ? "rollback" : "commit";
      await client.script(
        script(`begin; insert into raw.viewed select ${load}, clock_timestamp() - interval '1 second' * (random() * 20)::int, '/' || n % 3, 'v' || (random() * 5)::int, n
          from generate_series(1, 3) as n; select pg_sleep(0.01); ${end}`),
      );
      if (end === "commit") work.written++;
    }
    await client.script(
      script(
        `update raw._load set status = 'loaded', rows = (select count(*) from raw.viewed where _load_id = ${load}) where load_id = ${load}`,
      ),
    );
  }
}

const DIFFERENT = `
  with pages as (
    select path, count(*) as n, sum(amount) as sum, count(distinct visitor) as visitors from raw.viewed group by 1
  ),
  paired as (select *, lag(_event_at) over (partition by visitor order by _event_at) as before from raw.viewed),
  numbered as (
    select *, count(*) filter (where (_event_at < before + interval '5 seconds') is not true) over (partition by visitor order by _event_at) as visit
    from paired
  ),
  visits as (select visitor, min(_event_at) as started_at, max(_event_at) as ended_at, count(*) as n from numbered group by visitor, visit)
  (select 'missing', to_jsonb(p)::text from (table pages except select path, n, sum, visitors from marts.pages) as p)
  union all (select 'made up', to_jsonb(p)::text from (select path, n, sum, visitors from marts.pages except table pages) as p)
  union all (select 'missing', to_jsonb(v)::text from (table visits except select visitor, started_at, ended_at, n from marts.visits) as v)
  union all (select 'made up', to_jsonb(v)::text from (select visitor, started_at, ended_at, n from marts.visits except table visits) as v)`;

async function look(client: Client, work: Work): Promise<void> {
  for (; !work.isOver; work.looks++) {
    const { rows } = await client.table(script(DIFFERENT));
    work.wrong.push(...rows.map((row) => row.join(": ")));
  }
}
