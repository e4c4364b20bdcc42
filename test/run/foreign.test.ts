import { expect, inject, test } from "vitest";
import type { Client } from "../../src/postgres/client.ts";
import { rollback } from "../../src/release/rollback.ts";
import { sql } from "../../src/sql/sql.ts";
import { declaration, incremental, postgres, table, view } from "../support/models.ts";
import { isWhole } from "../support/proof.ts";
import { randomFrom } from "../support/reader.ts";
import { warehouse } from "../support/warehouse.ts";

const OBJECTS = 100;
const RELEASES = inject("everyCase") ? 20 : 8;
const roles = ["bi_reader", "bi_writer"];

const INDEXED = postgres('indexes: [{ columns: ["id"] }]');

/** The project at one release: rows change with `raw.tick`, columns with the release. */
function models(release: number): Record<string, string> {
  const more = release >= 7 ? ", id * 2 as twice" : "";
  const last = release >= 14 ? ", now() as at" : "";
  return {
    "tick.sqlx": declaration("tick"),
    "a.sqlx": table(
      `select id, n as release, 'a' || id as name${more} from \${ref("tick")}, generate_series(1, 5) id`,
      INDEXED,
    ),
    "b.sqlx": view(`select id, release, name${last} from \${ref("a")}`),
    "c.sqlx": incremental(
      `select id, n as release, 'c' || id as name from \${ref("tick")}, generate_series(1, n) id\n\${when(incremental(), "where id > n - 3")}`,
      'uniqueKey: ["id"]',
    ),
  };
}

/** Statements that somebody else runs: objects on public views and on each other, with all that hangs on them. */
function foreignObjects(random: (below: number) => number): string[] {
  const pick = <T>(list: readonly T[]): T => list[random(list.length)]!;
  const sources = ["marts.a", "marts.b", "marts.c"];
  const statements = roles.map(
    (role) => `do $$ begin create role ${role}; exception when duplicate_object or unique_violation then null; end $$`,
  );
  statements.push("create schema bi");
  for (let n = 1; n <= OBJECTS; n++) {
    const name = `bi.object_${n}`;
    const source = pick(sources);
    const query = pick([
      `select id, release, name from ${source}`,
      `select id, release, upper(name) as name from ${source} where id > ${random(4)}`,
      `select x.id, y.release, x.name from ${source} x join ${pick(sources)} y using (id)`,
      `select max(id) as id, release, min(name) as name from ${source} group by release`,
      `with newest as (select max(release) as release from ${pick(sources)}) select s.id, newest.release, s.name from ${source} s, newest`,
    ]);
    const kind = pick(["view", "view", "view", "materialized view"]);
    const options = kind === "view" ? pick(["", " with (security_barrier)", " with (security_invoker = true)"]) : "";
    statements.push(`create ${kind} ${name}${options} as ${query}`);
    if (kind === "materialized view" && random(2)) statements.push(`create index on ${name} (id)`);
    if (random(2)) statements.push(`comment on ${kind} ${name} is 'object ${n}: it''s ours'`);
    if (random(2)) statements.push(`comment on column ${name}.release is 'release of ${n}'`);
    if (random(2)) statements.push(`grant select on ${name} to ${pick([...roles, "public"])}`);
    if (random(3) === 0) statements.push(`grant select on ${name} to ${pick(roles)} with grant option`);
    if (random(4) === 0) statements.push(`grant select (id) on ${name} to ${pick(roles)}`);
    // Nobody reads on what has an owner of its own: that owner may not read what we made.
    if (random(4)) sources.push(name);
    else {
      const role = pick(roles);
      statements.push(`grant usage, create on schema bi to ${role}; alter ${kind} ${name} owner to ${role}`);
    }
    if (kind === "view" && random(4) === 0) statements.push(`alter view ${name} alter column name set default 'none'`);
    if (random(6) === 0)
      statements.push(`create rule quiet_${n} as on insert to marts.${pick(["a", "b", "c"])} do instead nothing`);
  }
  // On the public views themselves.
  for (const name of ["a", "b", "c"]) {
    statements.push(`grant select on marts.${name} to ${pick(roles)} with grant option`);
    statements.push(`grant select (id) on marts.${name} to ${pick(roles)}`);
    if (random(2))
      statements.push(`alter view marts.${name} set (${pick(["security_barrier = true", "security_invoker = true"])})`);
  }
  return statements;
}

/** Everything that must stay as it is. */
async function snapshot(client: Client): Promise<unknown[]> {
  const { rows } = await client.query(
    sql`select c.oid, n.nspname || '.' || c.relname as name, c.relkind, c.relowner::regrole as owner, c.relacl::text as acl,
       (select string_agg(a.attname || ' ' || a.attacl::text, ', ' order by a.attnum) from pg_attribute a
        where a.attrelid = c.oid and a.attacl is not null) as column_acl,
       c.reloptions, obj_description(c.oid) as comment,
       (select string_agg(d.objsubid || ' ' || d.description, ', ' order by d.objsubid) from pg_description d
        where d.classoid = 'pg_class'::regclass and d.objoid = c.oid and d.objsubid > 0 and n.nspname = 'bi') as column_comments,
       (select string_agg(pg_get_expr(d.adbin, d.adrelid), ', ' order by d.adnum) from pg_attrdef d where d.adrelid = c.oid) as defaults,
       (select string_agg(r.rulename, ', ' order by r.rulename) from pg_rewrite r where r.ev_class = c.oid) as rules,
       (select string_agg(i.indexrelid::text || pg_get_indexdef(i.indexrelid), ', ' order by i.indexrelid) from pg_index i where i.indrelid = c.oid) as indexes,
       case when n.nspname = 'bi' then pg_get_viewdef(c.oid) end as definition
     from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where n.nspname in ('bi', 'marts') and c.relkind in ('v', 'm')
     order by 2`,
  );
  return [...rows];
}

/** What somebody else builds is another world each time; `npm run proof:properties` has ten. */
test.each(isWhole ? Array.from({ length: 10 }, (_, n) => n + 1) : [1])(
  `what others built is the same after ${RELEASES} releases and a rollback (seed %i)`,
  async (seed) => {
    const { project, client, database, run, rows, sql } = await warehouse(models(1));
    await sql("create schema raw; create table raw.tick as select 4 as n");
    expect((await run()).status).toBe("success");
    for (const statement of foreignObjects(randomFrom(seed * 7919))) await sql(statement);
    const before = await snapshot(client);
    expect(before).toHaveLength(OBJECTS + 3);
    for (let release = 2; release <= RELEASES; release++) {
      await sql("update raw.tick set n = n + 1");
      project.write(models(release));
      const report = await run({ retention: { releases: 3, age: 0 } });
      const failed = report.steps.filter(({ status }) => status !== "ok");
      expect({ release, errors: report.errors, failed, warnings: report.warnings }).toEqual({
        release,
        errors: [],
        failed: [],
        warnings: [],
      });
      if (release === 7 || release === 10) await rollback(database.settings);
    }
    expect(await snapshot(client)).toEqual(before);
    expect(await rows("select distinct release from marts.a")).toEqual(await rows("select n from raw.tick"));
  },
);
