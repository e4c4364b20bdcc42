import { expect, test } from "vitest";
import { connect } from "../../src/postgres/client.ts";
import { again, CONFLICTS } from "../../src/run/again.ts";
import { sql as statement } from "../../src/sql/sql.ts";
import { statuses, stepOf, warehouse } from "../support/warehouse.ts";

test("builds and operations that deadlock each other, and what meets a lock, are tried again and told", async () => {
  const parent =
    'config { type: "table" }\nselect 1 as id\npost_operations { alter table ${self()} add primary key (id) }';
  const child = (first: string, second: string) =>
    `config { type: "table" }\nselect 1 as id\npost_operations {
  alter table \${self()} add foreign key (id) references \${ref("${first}")};
  select raw.meet('raw.builds');
  alter table \${self()} add foreign key (id) references \${ref("${second}")}
}`;
  const operation = (first: number, second: number) =>
    `config { type: "operations" }\nupdate raw.shared set n = n + 1 where id = ${first};
select raw.meet('raw.operations');
update raw.shared set n = n + 1 where id = ${second}`;
  const { run, rows, sql, database } = await warehouse({
    "p1.sqlx": parent,
    "p2.sqlx": parent,
    "c1.sqlx": child("p1", "p2"),
    "c2.sqlx": child("p2", "p1"),
    "o1.sqlx": operation(1, 2),
    "o2.sqlx": operation(2, 1),
    "reads.sqlx": 'config { type: "table" }\nselect * from ${ref("raw", "busy")}',
    "busy.sqlx": 'config { type: "declaration", schema: "raw", name: "busy" }',
  });
  // Both come to the meeting with a lock; who comes again finds that two were there.
  await sql(`create schema raw; create sequence raw.builds; create sequence raw.operations;
    create table raw.busy (); create table raw.shared as select id, 0 as n from generate_series(1, 2) id;
    create function raw.meet(who regclass) returns void language plpgsql as $$
    declare come bigint := nextval(who);
    begin
      while come < 2 loop
        perform pg_sleep(0.005);
        execute 'select last_value from ' || who into come;
      end loop;
    end $$`);
  const told: string[] = [];
  const actions = ["p1", "p2", "c1", "c2", "o1", "o2"];
  const report = await run({ actions, events: { again: (what) => told.push(what) } });
  expect({ told, statuses: statuses(report) }).toEqual({
    told: expect.arrayContaining([
      expect.stringMatching(/^table marts\.c[12] met a deadlock: tried again \(2 of 5\)$/),
      expect.stringMatching(/^operations marts\.o[12] met a deadlock: tried again/),
    ]),
    statuses: Object.fromEntries(actions.map((name) => [`marts.${name}`, "ok"])),
  });
  expect(await rows("select n from raw.shared")).toEqual(["2", "2"]);
  const holder = await connect(database.settings);
  await holder.script(statement`begin; lock table raw.busy`);
  await sql("do $$ begin execute format('alter database %I set lock_timeout = 20', current_database()); end $$");
  const locked: string[] = [];
  const again = (what: string) => void (locked.push(what) === 1 && holder.close());
  expect((await run({ actions: ["reads"], events: { again } })).status).toBe("success");
  expect(locked[0]).toBe("table marts.reads met a lock: tried again (2 of 5)");
});

test("what met a deadlock is tried again one after the other, and no longer with its like", async () => {
  const deadlock = Object.assign(new Error("deadlock detected"), { code: "40P01", severity: "ERROR" });
  const { signal } = new AbortController();
  let together = 0;
  const attempt = async (tries: { count: number }) => {
    if (++tries.count === 1) throw deadlock;
    if (++together > 1) throw new Error("two at once");
    await new Promise((resolve) => setImmediate(resolve));
    together--;
    return tries.count;
  };
  const eight = Array.from({ length: 8 }, (_, index) => {
    const tries = { count: 0 };
    const undo = async () => {};
    return again(() => attempt(tries), { what: `m${index}`, conflicts: CONFLICTS, undo }, { signal, events: {} });
  });
  expect(await Promise.all(eight)).toEqual(Array(8).fill(2));
});

test("a change at the same time is met four times at most, and what meets more fails with what the server said", async () => {
  const meets = (times: number) => `config { type: "table" }
select 1 as id
post_operations { do $$ begin if nextval('raw.times_${times}') <= ${times} then raise exception 'not now' using errcode = '40001'; end if; end $$ }`;
  const { run, sql, rows } = await warehouse({ "four.sqlx": meets(4), "five.sqlx": meets(5) });
  await sql("create schema raw; create sequence raw.times_4; create sequence raw.times_5");
  const told: string[] = [];
  const report = await run({ events: { again: (what) => told.push(what) } });
  expect(statuses(report)).toEqual({ "marts.four": "ok", "marts.five": "failed" });
  expect(stepOf(report, "marts.five").error).toMatchObject({
    code: "40001",
    message: expect.stringContaining("not now"),
  });
  const tries = (name: string) =>
    [2, 3, 4, 5].map((n) => `table marts.${name} met a change at the same time: tried again (${n} of 5)`);
  expect(told.sort()).toEqual([...tries("five"), ...tries("four")].sort());
  // Nothing is left of the attempts that failed.
  expect(await rows("select count(*) from marts.four")).toEqual(["1"]);
});

test("assertions that deadlock each other are asked again in the same snapshot", async () => {
  const assertion = (first: number, second: number) =>
    `config { type: "assertion", dependencies: ["a"] }\nselect raw.meet(${first}, ${second}) as met where raw.meet(${first}, ${second}) is not null`;
  const { run, sql } = await warehouse({
    "a.sqlx": 'config { type: "table" }\nselect 1 as id',
    "one.sqlx": assertion(1, 2),
    "two.sqlx": assertion(2, 1),
  });
  // Each takes its first lock and waits until the other has taken its own, or is through (3). Locks of sessions outlast an error.
  await sql(`create schema raw;
    create function raw.held(key int) returns boolean language sql volatile as
      $$ select exists (select from pg_locks where locktype = 'advisory' and granted and objid = key
         and database = (select oid from pg_database where datname = current_database()) and pid <> pg_backend_pid()) $$;
    create function raw.meet(first int, second int) returns int language plpgsql volatile as $$
    begin
      perform pg_advisory_lock(first);
      while not raw.held(second) and not raw.held(3) loop perform pg_sleep(0.005); end loop;
      perform pg_advisory_lock(second);
      perform pg_advisory_lock_shared(3);
      perform pg_advisory_unlock(first);
      perform pg_advisory_unlock(second);
      return null;
    exception when deadlock_detected then
      perform pg_advisory_unlock(first);
      raise;
    end $$`);
  const told: string[] = [];
  const report = await run({ events: { again: (what) => told.push(what) } });
  expect(statuses(report)).toMatchObject({ "assertions.one": "ok", "assertions.two": "ok" });
  expect(told).toEqual([
    expect.stringMatching(/^assertion assertions\.(?:one|two) met a deadlock: tried again \(2 of 5\)$/),
  ]);
});
