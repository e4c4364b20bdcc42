import { expect, test } from "vitest";
import {
  type FeedLoad,
  historyFiles,
  landing,
  makeFeed,
  makeLedger,
  scd2Files,
  showVersions,
} from "../support/history.ts";
import { type Warehouse, warehouse } from "../support/warehouse.ts";

// The same batches through the SQL of a dbt snapshot and of dataform-scd, as docs/history.md shows them. If a claim about
// them is no longer true of what they do, it is this SQL that has to change first.

type State = Readonly<Record<string, readonly [v: string, updatedAt: number]>>;

const days: readonly State[] = [
  { aba: ["A", 1], stamp: ["x", 1], back: ["x", 1], gone: ["x", 1], late: ["x", 1] },
  { aba: ["B", 2], stamp: ["y", 1], late: ["x", 1] },
  { aba: ["A", 3], stamp: ["y", 1], back: ["x", 1], late: ["y", 2] },
];
const at = (day: number) => `2024-01-0${day} 00:00Z`;
const records = (state: State) => Object.entries(state).map(([k, [v, src]]) => ({ k, v, src: at(src) }));

/** Puts a day's state into `source`, as a copy of the system that is read. */
async function put({ sql }: Warehouse, state: State): Promise<void> {
  await sql("truncate source");
  for (const { k, v, src } of records(state)) await sql(`insert into source values ('${k}', '${v}', '${src}')`);
}

/** strategy timestamp, hard_deletes invalidate: dbt-adapters' staging query and dbt-postgres' two statements. */
const dbtSnapshot = (now: string) => `
  create temporary table staging as
  with current_rows as (select * from snapshot where dbt_valid_to is null),
  source_rows as (select *, md5(coalesce(k, '') || '|' || coalesce(src::text, '')) as scd_id from source)
  select 'insert' as change, s.k, s.v, s.src, s.scd_id, s.src as valid_from, null::timestamptz as valid_to
    from source_rows s left join current_rows c on c.k = s.k where c.k is null or c.dbt_valid_from < s.src
  union all
  select 'update', s.k, s.v, s.src, c.dbt_scd_id, null, s.src
    from source_rows s join current_rows c on c.k = s.k where c.dbt_valid_from < s.src
  union all
  select 'delete', c.k, c.v, c.src, c.dbt_scd_id, null, '${now}'
    from current_rows c left join source_rows s on s.k = c.k where s.k is null;
  update snapshot set dbt_valid_to = staging.valid_to from staging
    where staging.scd_id = snapshot.dbt_scd_id and staging.change in ('update', 'delete') and snapshot.dbt_valid_to is null;
  insert into snapshot select k, v, src, scd_id, valid_from, valid_to from staging where change = 'insert';
  drop table staging`;

const makeSnapshot = `
  create table snapshot (k text, v text, src timestamptz, dbt_scd_id text, dbt_valid_from timestamptz, dbt_valid_to timestamptz);
  create view dbt as select k, v, dbt_valid_from as valid_from, dbt_valid_to as valid_to,
    case when dbt_valid_to is not null then 'ended' end as ended_by from snapshot`;

/** uniqueKey, timestamp and hash given: what its incremental table runs, and its view. */
const dataformScd = `
  insert into updates
  with ids_to_update as (select k, md5(v) from source except select k, hash from updates)
  select k, v, md5(v), src from source
  where src > (select coalesce(max(src), '-infinity') from updates) and k in (select k from ids_to_update)`;

const makeUpdates = `
  create table updates (k text, v text, hash text, src timestamptz);
  create view dataform_scd as select *, case when valid_to is not null then 'ended' end as ended_by
    from (select k, v, src as valid_from, lead(src) over (partition by k order by src) as valid_to from updates) as versions`;

async function together(): Promise<Warehouse> {
  const made = await warehouse({
    ...scd2Files,
    ...historyFiles("h", 'key: "k", attributes: { v: "text" }, effectiveAt: "src"'),
  });
  await made.sql(`${makeLedger}; ${makeFeed("h", "k text, v text, src timestamptz")};
    create table source (k text, v text, src timestamptz); ${makeSnapshot}; ${makeUpdates}`);
  return made;
}

async function pass(made: Warehouse, day: number, state: State, status: FeedLoad["status"] = "loaded") {
  await put(made, state);
  await made.sql(dbtSnapshot(`2024-01-0${day} 01:00Z`));
  await made.sql(dataformScd);
  await made.sql(landing("h", day, { kind: "full", asOf: day, loaded: day, status, records: records(state) }));
  expect((await made.run()).status).toBe("success");
}

const versions = ({ rows }: Warehouse, relation: string) => rows(showVersions(relation, "k", ["v"]));

test("three days of full batches: this history, a dbt snapshot and dataform-scd", async () => {
  const made = await together();
  for (const [index, state] of days.entries()) await pass(made, index + 1, state);
  expect(await versions(made, "marts.h")).toEqual([
    "aba A 01-01..01-02 change",
    "aba B 01-02..01-03 change",
    "aba A 01-03..-",
    "back x 01-01..01-02 delete",
    "back x 01-03..-",
    "gone x 01-01..01-02 delete",
    "late x 01-01..01-02 change",
    "late y 01-02..-",
    "stamp x 01-01..01-02 change",
    "stamp y 01-02..-",
  ]);
  expect(await versions(made, "dbt")).toEqual([
    "aba A 01-01..01-02 ended",
    "aba B 01-02..01-03 ended",
    "aba A 01-03..-",
    "back x 01-01..01-02 01:00:00.000000 ended", // overlaps the next one, and has its dbt_scd_id
    "back x 01-01..-",
    "gone x 01-01..01-02 01:00:00.000000 ended", // when the job ran, not what the batch was a picture of
    "late x 01-01..01-02 ended",
    "late y 01-02..-",
    "stamp x 01-01..-", // y is missing
  ]);
  expect(await made.rows("select count(distinct dbt_scd_id) from snapshot where k = 'back'")).toEqual(["1"]);
  expect(await versions(made, "dataform_scd")).toEqual([
    "aba A 01-01..01-02 ended",
    "aba B 01-02..-", // the return to A is missing
    "back x 01-01..-", // no gap
    "gone x 01-01..-", // never ends
    "late x 01-01..-", // y is missing: another key had a change as late
    "stamp x 01-01..-", // y is missing
  ]);
});

test("an empty file: landing refuses it and nothing ends here, a dbt snapshot ends everything", async () => {
  const made = await together();
  await pass(made, 1, { a: ["x", 1], b: ["x", 1] });
  await pass(made, 2, {}, "failed");
  expect(await versions(made, "marts.h")).toEqual(["a x 01-01..-", "b x 01-01..-"]);
  expect(await versions(made, "dbt")).toEqual([
    "a x 01-01..01-02 01:00:00.000000 ended",
    "b x 01-01..01-02 01:00:00.000000 ended",
  ]);
});

test("a file of January 2 that comes after that of January 3: here it takes its place, a dbt snapshot ignores it", async () => {
  const made = await together();
  await pass(made, 1, { a: ["x", 1] });
  await pass(made, 3, { a: ["z", 3] });
  await pass(made, 2, { a: ["y", 2] });
  expect(await versions(made, "marts.h")).toEqual([
    "a x 01-01..01-02 change",
    "a y 01-02..01-03 change",
    "a z 01-03..-",
  ]);
  expect(await versions(made, "dbt")).toEqual(["a x 01-01..01-03 ended", "a z 01-03..-"]);
  expect(await versions(made, "dataform_scd")).toEqual(["a x 01-01..01-03 ended", "a z 01-03..-"]);
});
