import { expect, test } from "vitest";
import type { Failpoint } from "../../src/environment/failpoints.ts";
import { publishRelease, rollback } from "../../src/release/rollback.ts";
import { run as runGraph } from "../../src/run/run.ts";
import { declaration, incremental, postgres, table } from "../support/models.ts";
import { guarded, uniquePrefix } from "../support/roles.ts";
import { statuses, stepOf, warehouse } from "../support/warehouse.ts";

/** Does something once, when a run comes to a point. */
function at(point: Failpoint, work: () => Promise<unknown>) {
  let done = false;
  return async (reached: Failpoint) => {
    if (reached !== point || done) return;
    done = true;
    await work();
  };
}

test("what keeps a model from being published is found before it is built, where it can be; the rest is published", async () => {
  const role = uniquePrefix();
  const { run, rows, sql } = await warehouse({
    "fine.sqlx": table("select 1 as id", postgres('grants: { select: ["public"] }')),
    "aaa.sqlx": table("select 1 as id"),
    "granted.sqlx": table("select 1 as id", postgres(`grants: { select: ["public", "${role}"], insert: ["No body"] }`)),
    "reads_granted.sqlx": table('select * from ${ref("granted")}'),
    "counted.sqlx": table("select 1 as id", postgres("adopt: true")),
    "named.sqlx": table("select 1 as id"),
  });
  await sql("create schema marts; create sequence marts.counted; create domain marts.named as integer");
  const report = await run();
  expect(statuses(report)).toEqual({
    "marts.fine": "ok",
    "marts.aaa": "ok",
    "marts.granted": "failed",
    "marts.reads_granted": "skipped",
    "marts.counted": "failed",
    "marts.named": "failed",
  });
  expect(stepOf(report, "marts.granted").error).toMatchObject({
    message: `marts.granted cannot be published: it grants to ${role}, No body, roles that do not exist`,
    location: { file: "definitions/granted.sqlx" },
    hint: `create role ${role}; create role "No body"; or correct postgres: { grants }`,
  });
  expect(stepOf(report, "marts.counted").error?.message).toContain("a sequence that this project did not make");
  expect(stepOf(report, "marts.named").error?.message).toContain("a type that this project did not make");
  expect(report.errors).toEqual([]);
  expect(await rows("select relname from pg_class where relname ~ '^(granted|counted|named)_'")).toEqual([]);
  expect(await rows("select f.id, a.id from marts.fine f, marts.aaa a")).toEqual(["1|1"]);
});

/** Each refuses the second run's row in its own way; `code` is what PostgreSQL says. */
const refusals: Readonly<Record<string, { readonly code: string; readonly made: string }>> = {
  a_unique: { code: "23505", made: "create unique index on ${self()} (value)" },
  b_check: { code: "23514", made: "alter table ${self()} add check (value < 10)" },
  c_not_null: { code: "23502", made: "alter table ${self()} alter column more set not null" },
  d_exclusion: {
    code: "23P01",
    made: "alter table ${self()} add exclude using gist (int4range(value, value + 5) with &&)",
  },
  e_deferred: {
    code: "23505",
    made: "alter table ${self()} add unique (value) deferrable initially deferred",
  },
  f_foreign_key: { code: "23503", made: "alter table ${self()} add foreign key (value) references raw.known" },
  g_deferred_key: {
    code: "23503",
    made: "alter table ${self()} add foreign key (value) references raw.known deferrable initially deferred",
  },
  h_trigger: {
    code: "P0001",
    made: "create trigger no before insert on ${self()} for each row execute function raw.refuse()",
  },
  i_overflow: { code: "22003", made: "create index on ${self()} (((value * 3000)::smallint))" },
  j_expression: { code: "22012", made: "create index on ${self()} ((1 / (value - 11)))" },
  k_some_unique: { code: "23505", made: "create unique index on ${self()} (value) where more = 1" },
  l_some: { code: "22012", made: "create index on ${self()} (id) where 1 / (value - 11) < 1" },
  m_not_computed: { code: "22012", made: "alter table ${self()} add check (1 / (value - 11) < 1)" },
  n_function: { code: "23514", made: "alter table ${self()} add check (raw.is_small(value))" },
};

test("new rows that their table refuses fail the model while it is built, whatever refuses them; the rest is published", async () => {
  const filled = (made: string) =>
    incremental(
      `select id, value, more from \${ref("raw", "rows")}\n\${when(incremental(), "where id > 1")}\npost_operations { \${when(!incremental(), \`${made}\`)} }`,
    );
  const { run, rows, sql } = await warehouse({
    "rows.sqlx": declaration("rows"),
    "z_fine.sqlx": filled("select 1"),
    "y_total.sqlx": table('select count(*) as n from ${ref("z_fine")}'),
    "x_reader.sqlx": table('select count(*) as n from ${ref("a_unique")}'),
    ...Object.fromEntries(Object.entries(refusals).map(([name, { made }]) => [`${name}.sqlx`, filled(made)])),
  });
  await sql(`
    create schema raw; create table raw.rows (id integer, value integer, more integer);
    create table raw.known (value integer primary key);
    create function raw.refuse() returns trigger language plpgsql as $$begin if new.value > 10 then raise 'no'; end if; return new; end$$;
    create function raw.is_small(integer) returns boolean immutable language sql as 'select $1 < 10';
    insert into raw.known values (1);
    insert into raw.rows values (1, 1, 1)`);
  expect((await run()).status).toBe("success");
  await sql("insert into raw.rows values (2, 11, null), (3, 1, 1)");
  const report = await run();
  expect(report.errors).toEqual([]);
  const failed = report.steps.filter(({ status }) => status === "failed");
  expect(failed.map(({ target, error }) => [target.name, error?.code, error?.location?.file]).sort()).toEqual(
    Object.entries(refusals).map(([name, { code }]) => [name, code, `definitions/${name}.sqlx`]),
  );
  expect(statuses(report)).toMatchObject({ "marts.z_fine": "ok", "marts.y_total": "ok", "marts.x_reader": "skipped" });
  expect(
    await rows(
      "select (select count(*) from marts.z_fine), n, (select count(*) from marts.a_unique) from marts.y_total",
    ),
  ).toEqual(["3|3|1"]);
});

test("new rows of which reading tells that their table takes them are written once, when they are published", async () => {
  const made = `
    create unique index on \${self()} (value) where more = 1; create index on \${self()} (name) where id > 0;
    alter table \${self()} add check (value < 10), alter column id set not null`;
  const { run, rows, sql } = await warehouse({
    "rows.sqlx": declaration("rows"),
    "taken.sqlx": incremental(
      `select * from \${ref("raw", "rows")}\n\${when(incremental(), "where id > 1")}\npost_operations { \${when(!incremental(), \`${made}\`)} }`,
    ),
  });
  await sql("create schema raw; create table raw.rows as select 1 as id, 1 as value, 1 as more, 'a' as name");
  expect((await run()).status).toBe("success");
  await sql("insert into raw.rows values (2, 1, null, 'b')");
  expect((await run()).status).toBe("success");
  const [storage] = await rows("select oid::regclass from pg_class where relname ~ '^taken_.*_1s$'");
  expect(await rows(`select ctid, id from ${storage}`)).toEqual(["(0,1)|1", "(0,2)|2"]);
});

/** The rows of the second run (id, value, room, span) on rows 1, 2 and 3; where they clash with what, with what code. */
const moved: Readonly<Record<string, { readonly rows: string; readonly code?: string }>> = {
  swapped: { rows: "(1, 2, 1, 10), (2, 1, 1, 0), (4, null, 1, 30), (5, null, 2, 0)" },
  left_by_another: { rows: "(1, 9, 2, 0), (4, 1, 1, 1)" },
  outside_of_the_condition: { rows: "(4, -3, 1, 40), (5, -3, 1, null)" },
  alike_among_themselves: { rows: "(4, 7, 1, 40), (5, 7, 1, 50)", code: "23505" },
  like_one_that_stays: { rows: "(1, 1, 1, 0), (4, 3, 1, 40)", code: "23505" },
  taken_back_from_its_successor: { rows: "(1, 2, 1, 0)", code: "23505" },
  overlapping_among_themselves: { rows: "(4, 4, 2, 0), (5, 5, 2, 4)", code: "23P01" },
  overlapping_one_that_stays: { rows: "(1, 1, 2, 0), (4, 4, 1, 12)", code: "23P01" },
  not_computed: { rows: "(4, 4, 2, 2147483647)", code: "22003" },
};

test("new rows that replace others are set beside those that stay: written once where no two clash, refused where two do", async () => {
  const made = `
    create unique index on \${self()} (value) where value > 0;
    alter table \${self()} add exclude using gist (room with =, int4range(span, span + 9) with &&) where (span is not null)`;
  const first = "(1, 1, 1, 0), (2, 2, 1, 10), (3, 3, 1, 20)";
  const { run, rows } = await warehouse(
    Object.fromEntries(
      Object.entries(moved).map(([name, { rows: second }]) => [
        `${name}.sqlx`,
        incremental(
          `        select id, value, int4range(room, room, '[]') as room, span
        from (values \${when(incremental(), "${second}", "${first}")}) as given (id, value, room, span)
        post_operations { \${when(!incremental(), \`${made}\`)} }`,
          'uniqueKey: ["id"]',
        ),
      ]),
    ),
  );
  expect((await run()).status).toBe("success");
  const report = await run();
  expect(Object.fromEntries(report.steps.map(({ target, error }) => [target.name, error?.code]))).toEqual(
    Object.fromEntries(Object.entries(moved).map(([name, { code }]) => [name, code])),
  );
  for (const name of ["swapped", "left_by_another", "outside_of_the_condition"]) {
    const [storage] = await rows(`select oid::regclass from pg_class where relname ~ '^${name}_.*_1s$'`);
    expect(await rows(`select min(ctid), count(*) from ${storage} where _dataform_release > 1`), name).toEqual([
      `(0,4)|${moved[name]!.rows.split("), (").length}`,
    ]);
  }
});

test("what fails at publishing all the same is put down to its model; that and what depends on it stay out, the rest is published", async () => {
  const role = uniquePrefix();
  const grows = incremental('select n as id from ${ref("raw", "tick")}');
  const { run, rows, sql, database, project } = await warehouse({
    "tick.sqlx": declaration("tick"),
    "a.sqlx": table('select n as id from ${ref("raw", "tick")}'),
    "checked.sqlx": grows,
    "reads_checked.sqlx": table('select max(id) as id from ${ref("checked")}'),
    "deferred.sqlx": grows,
    "z.sqlx": grows,
  });
  await sql("create schema raw; create table raw.tick as select 1 as n");
  expect((await run()).status).toBe("success");
  project.write({
    "granted.sqlx": table("select 1 as id", postgres(`grants: { select: ["${role}"] }`)),
    "reads_granted.sqlx": table('select * from ${ref("granted")}'),
    "lost.sqlx": table("select 1 as id"),
    "taken.sqlx": table("select 1 as id"),
    "late.sqlx": table("select 1 as id"),
    "elsewhere.sqlx": table("select 1 as id", 'schema: "other"'),
  });
  await sql(`update raw.tick set n = 2; create role ${role}`);
  const before = at("horizon passed", () =>
    sql(`
      drop schema other;
      create view marts.taken as select 1 as mine;
      do $$ begin execute (select 'drop table _dataform.' || relname from pg_class where relname ~ '^lost_'); end $$`),
  );
  const during = at("publish begun", () =>
    sql(`
      revoke usage on schema marts from ${role};
      drop role ${role};
      create type marts.late as enum ('x');
      do $$
      declare
        checked text := (select relname from pg_class where relname ~ '^checked_.*_1s$');
        put_off text := (select relname from pg_class where relname ~ '^deferred_.*_1s$');
      begin
        execute format('alter table _dataform.%I add check (id < 2)', checked);
        execute format('alter table _dataform.%I add constraint once unique (_dataform_release, id) deferrable initially deferred', put_off);
        execute format('insert into _dataform.%I values (2, 2)', put_off);
      end $$`),
  );
  const report = await run({
    failpoint: async (point) => {
      await before(point);
      await during(point);
    },
  });
  expect(statuses(report)).toEqual({
    "marts.a": "ok",
    "marts.checked": "failed",
    "marts.reads_checked": "held",
    "marts.deferred": "failed",
    "marts.z": "ok",
    "marts.granted": "failed",
    "marts.reads_granted": "held",
    "marts.lost": "failed",
    "marts.taken": "failed",
    "marts.late": "failed",
    "other.elsewhere": "failed",
  });
  const told = (name: string) => stepOf(report, name).error;
  expect(told("marts.checked")).toMatchObject({ code: "23514", location: { file: "definitions/checked.sqlx" } });
  expect(told("marts.deferred")).toMatchObject({ code: "23505", location: { file: "definitions/deferred.sqlx" } });
  expect(told("marts.granted")?.message).toContain(role);
  expect(told("marts.lost")?.found).toContain("somebody dropped _dataform.lost_");
  expect(told("marts.taken")?.message).toContain("a view that this project did not make");
  expect(told("marts.late")?.message).toContain("a type that this project did not make");
  expect(told("other.elsewhere")?.message).toContain("schema other was dropped during the run");
  expect(report.errors).toEqual([]);
  expect(
    await rows("select a.id, (select max(id) from marts.z), (select max(id) from marts.checked) from marts.a"),
  ).toEqual(["2|2|1"]);
  expect(await rows("select mine from marts.taken")).toEqual(["1"]);
  // The models that failed are built again by the next run.
  await sql("drop view marts.taken; drop type marts.late");
  const next = statuses(await run());
  expect(
    Object.keys(next)
      .filter((name) => next[name] !== "ok")
      .sort(),
  ).toEqual(["marts.checked", "marts.granted", "marts.reads_checked", "marts.reads_granted"]);
  // A release that is there already is published whole or not at all.
  await sql("drop view marts.a; create view marts.a as select 1 as mine");
  await expect(rollback(database.settings)).rejects.toMatchObject({
    message: expect.stringContaining("marts.a cannot be published: a view that this project did not make"),
  });
  expect(await rows("select max(release_id) filter (where status = 'published') from _dataform.release")).toEqual([
    "3",
  ]);
});

test("under roles: an owner that was changed is found before building, a right that was taken during the run is told of its models", async () => {
  const prefix = uniquePrefix();
  const house = await guarded(prefix, {
    "a.sqlx": table("select 1 as id"),
    "b.sqlx": incremental("select 1 as id"),
    "c.sqlx": table("select 1 as id"),
  });
  await house.apply();
  const settings = await house.login("builder", "publisher");
  const graph = await house.project.compile();
  expect((await runGraph(graph, settings)).status).toBe("success");
  await house.sql("alter view marts.a owner to current_user");
  const changed = await runGraph(graph, settings, {
    failpoint: at("publish begun", async () => {
      const [storage] = await house.rows("select relname from pg_class where relname ~ '^b_.*s$'");
      await house.sql(`revoke insert on _dataform."${storage}" from ${prefix}_builder`);
    }),
  });
  expect(statuses(changed)).toEqual({ "marts.a": "failed", "marts.b": "failed", "marts.c": "ok" });
  expect(stepOf(changed, "marts.a").error?.message).toMatch(/^marts.a cannot be published: its view belongs to /);
  expect(stepOf(changed, "marts.b").error).toMatchObject({ code: "42501", location: { file: "definitions/b.sqlx" } });
  const closed = await runGraph(graph, settings, {
    failpoint: at("horizon passed", () => house.sql(`revoke create on schema marts from ${prefix}_publisher`)),
  });
  expect(stepOf(closed, "marts.c").error?.message).toBe(
    "marts.c cannot be published: no right to make anything in schema marts",
  );
});

test("a release that the server has no room for the locks of waits for it, with the setting to raise", async () => {
  const { run, sql, rows, database } = await warehouse({ "a.sqlx": table("select 1 as id") });
  await sql("create schema marts");
  await sql(`create function public.full() returns event_trigger language plpgsql as $$ begin
      if exists (select from pg_event_trigger_ddl_commands() where object_identity = 'marts.a') then
        raise exception 'out of shared memory' using errcode = '53200', hint = 'You might need to increase "max_locks_per_transaction".';
      end if;
    end $$;
    create event trigger full_up on ddl_command_end execute function public.full()`);
  const report = await run();
  expect(statuses(report)).toEqual({ "marts.a": "waiting" });
  expect(report.errors).toMatchObject([
    {
      message: expect.stringMatching(/^release 1 is built and waits, 1 model to publish .* no room for so many locks$/),
      found: expect.stringContaining("max_locks_per_transaction = "),
      hint: expect.stringMatching(/^alter system set max_locks_per_transaction = \d+, .* then `dataform publish`/),
    },
  ]);
  await sql("drop event trigger full_up");
  await publishRelease(database.settings);
  expect(await rows("select id from marts.a")).toEqual(["1"]);
});
