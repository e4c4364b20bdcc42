import { expect, test } from "vitest";
import { connect } from "../../src/postgres/client.ts";
import { sql as statement } from "../../src/sql/sql.ts";
import { statuses, warehouse } from "../support/warehouse.ts";

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
