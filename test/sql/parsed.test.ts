import { expect, test } from "vitest";
import { classify } from "../../src/sql/classify.ts";
import { placesOf } from "../../src/sql/places.ts";
import { MARK, resolveReferences } from "../../src/sql/references.ts";
import { parse } from "../support/oracle.ts";

// Read by PostgreSQL's own parser and by ours. Relations that a model could be are written `r.name`.

/** Expressions that hold words of clauses. */
const EXPRESSIONS = [
  "extract(year from r.a.x)",
  "trim(both from r.a.x)",
  "trim(leading 'x' from y)",
  "substring(r.a.x from 1 for 2)",
  "overlay(x placing y from 1)",
  "position(x in y)",
  "x is distinct from r.a.y",
  "x is not distinct from r.a.y",
  "(x, y) is distinct from (r.a.x, 1)",
  "exists (select from r.b)",
  "x in (select y from r.b join r.c using (id) where b.z is distinct from c.z)",
  "(select max(x) from only r.b)",
  "array(select x from r.b order by x)",
  "array[x, y]",
  "case when x then y else z end",
  "sum(x) over (partition by y order by z rows between 1 preceding and current row exclude ties)",
  "sum(x) filter (where y) over w",
  "percentile_cont(0.5) within group (order by x)",
  "count(distinct x)",
  "cast(x as timestamp with time zone)",
  "x::numeric(10, 2)",
  "x at time zone 'utc' at local",
  'x collate "C"',
  "x between symmetric 1 and 2",
  "x operator(pg_catalog.+) y",
  "x similar to 'a' escape '#'",
  "x is json object",
  "json_value(x, '$.a' returning text default 'from' on empty)",
  "xmlelement(name from_, xmlattributes(x as y), z)",
  "f(x, variadic array[y]) + f(y => r.a.z, z := 1)",
  "(row(x, y)).f1",
  "(r.a.x).y[1:2]",
  "'from r.x' || $$ from r.y $$ || E'\\' from r.z'",
  '"from" + a.from + a."join"',
  "x -- from r.z\n + 1",
  "x /* from /* r.z */ , */ + 1",
  "current_date",
  "x = any (values (1), (2))",
  "x = any (table r.b)",
  "((select 1) union (select 2 from r.b))",
  "grouping(x)",
  "normalize(x, nfc) is nfc normalized",
  "interval '1' year",
  "(with q as (select 1 from r.b) select * from q)",
];

/** Where an expression may stand. */
const QUERIES = [
  (e: string) => `select ${e} from r.a`,
  (e: string) => `select 1 as from, ${e} as select from r.a x, r.b where ${e} order by ${e} limit 1`,
  (e: string) =>
    `select x from r.a join r.b on ${e} left join r.c on true, r.d group by rollup (x, y) having count(*) > 1`,
  (e: string) =>
    `with q as materialized (select ${e} from r.a), update (n) as (select 1) select * from q, update union all select ${e} from r.b`,
  (e: string) =>
    `insert into r.a (x, y) select ${e} from r.b on conflict (x) do update set x = excluded.x, y = ${e} where ${e} returning ${e}`,
  (e: string) => `update only r.a set x = ${e}, (y, z) = (select 1, 2 from r.b) from r.c where ${e} returning *`,
  (e: string) => `delete from r.a using r.b join r.c on ${e} where ${e}`,
  (e: string) =>
    `merge into r.a t using r.b join r.c on ${e} on ${e} when matched and ${e} then update set x = ${e}, y = default when not matched then insert values (${e})`,
  (e: string) => `create materialized view r.v as select ${e} from r.a with no data`,
];

/** Shapes of FROM, of set operations and of statements. */
const SHAPES = [
  "select 1 from r.a, lateral (select 1 from r.b) x, lateral f(r.a.x) with ordinality as g (y, n), r.c",
  "select 1 from rows from (f(1), g(2) as (x int)) with ordinality, r.a",
  "select 1 from (r.a cross join r.b) as j join (r.c natural left join r.d) on true",
  "select 1 from ((select 1 from r.a) x join r.b on true)",
  "select 1 from ((select 1 from r.a) union (select 2 from r.b)) x",
  "select 1 from ((((select 1 from r.a)))) x",
  "select 1 from r.a tablesample bernoulli (1) repeatable (2), r.b b tablesample system (1)",
  "select 1 from only (r.a), only r.b, r.c *",
  'select 1 from r.a a1, r.b as a2 (x, y), r.c "A3", r.d set, r.e values',
  "select 1 from r.a inner join r.b using (id) as u full outer join r.c using (id) right join r.d on true",
  "select 1 from r.a natural inner join r.b cross join r.c natural full join r.d",
  "select 1 from json_table('[]', '$[*]' columns (x int path '$.from')) j, r.a",
  "select 1 from xmltable('/a' passing x columns y int path 'from') z, r.a",
  "select 1 from current_date, r.a, user, generate_series(1, 2)",
  "select 1 from r.a window w as (partition by x order by y range between current row and unbounded following)",
  "select 1 from r.a order by x offset 1 row fetch next 2 rows only for no key update of r.a skip locked",
  "select 1 from r.a a, r.b for update of a nowait for share",
  "select 1 into temporary table x from r.a",
  "select distinct on (x) x from r.a",
  "select all from r.a",
  "table r.a",
  "table r.a union all table r.b order by 1",
  "values (1, (select 2 from r.a)), (3, 4)",
  "(select 1 from r.a) intersect all (select 2 from r.b) except table r.c",
  "select 1 from r.a union select 2 from r.b intersect select 3 from r.c",
  "with recursive t (n) as (values (1) union all select n + 1 from t) search breadth first by n set o cycle n set c to true default false using p select * from t, r.a",
  "with insert as (select 1), delete as (insert into r.a values (1) returning *) table delete",
  "with q as (select 1) (select * from q, r.a)",
  "with q as (update r.a set x = 1 from r.b returning *) delete from r.c using q",
  "insert into r.a default values returning *",
  "insert into r.a as t overriding user value values (1) on conflict on constraint k do nothing",
  "insert into r.a (select 1 from r.b)",
  "insert into r.a with q as (select 1 from r.b) select * from q",
  "insert into r.a table r.b",
  "update r.a * as t set x[1] = 2 where current of c",
  "update r.a set set = 1",
  "delete from only (r.a) t where true",
  "delete from r.a where x in (select y from r.b) returning (select 1 from r.c)",
  "merge into only r.a using (select 1 from r.b) s on true when not matched by source then delete when not matched then do nothing returning merge_action()",
  "merge into r.a using r.b on x is distinct from y when matched then do nothing",
  "create table r.t as (select 1 from r.a) with no data",
  "create temporary table t on commit drop as values (1)",
  "create view r.v with (security_barrier) as table r.a",
  "create table r.t (like r.a including all, x int default extract(year from now()), check (x is distinct from 1))",
  "create table r.t partition of r.a for values from (1) to (2)",
  "create index on r.a (extract(year from x)) include (y) where x is distinct from 1",
  "create statistics s on x, y from r.a",
  "create policy p on r.a using (exists (select 1 from r.b)) with check (x in (select 1 from r.c))",
  "create trigger t after update of x on r.a referencing old table as o for each row when (old.x is distinct from new.x) execute function f()",
  "create rule w as on update to r.a where old.x is distinct from new.x do instead (insert into r.b select 1 from r.c; delete from r.d)",
  "create rule w as on delete to r.a do also select 1 from r.b",
  "create function f(x int) returns int begin atomic select 1 from r.a; insert into r.b select case when x > 1 then 2 end from r.c; end",
  "create function f() returns int return (select 1 from r.a)",
  "create function f() returns int language sql as $$ select 1 from r.a $$",
  "create schema s create view v as select 1",
  "create domain d as int check (value is distinct from 1)",
  "create type t as enum ('from', 'join')",
  "create cast (a as b) without function as assignment",
  "create aggregate g (int) (sfunc = f, stype = int)",
  "create publication p for table r.a where (x is distinct from 1), r.b",
  "create sequence r.s as bigint owned by none",
  "create extension if not exists hstore from unpackaged".replace(" from unpackaged", ""),
  "alter table r.a alter column x type int using extract(year from x)::int, add check (x is distinct from 2)",
  "alter table r.a attach partition r.b for values from (minvalue) to (1)",
  "alter type mood add value 'x' before 'y'",
  "drop table if exists r.a, r.b restrict",
  "truncate r.a, only r.b restart identity",
  "copy r.a (x) from stdin with (format csv) where x is distinct from 1",
  "copy (select 1 from r.a join r.b using (id)) to stdout",
  "explain (analyze, costs off) select 1 from r.a",
  "explain analyze verbose update r.a set x = 1 from r.b",
  "explain create table t as select 1 from r.a",
  "prepare p (int) as select $1 from r.a where x = $2",
  "execute p ((select 1 from r.a))",
  "declare c scroll cursor with hold for select 1 from r.a for update",
  "fetch 2 from c",
  "move forward all from c",
  "grant select, update (x) on r.a to public with grant option",
  "revoke all on all tables in schema r from x",
  "comment on column r.a.x is 'from r.b'",
  "lock table only r.a in share mode",
  "call r.p((select 1 from r.a), 2)",
  "do $$ begin delete from r.a; end $$",
  "refresh materialized view r.a with no data",
  "import foreign schema x from server s into r",
  "security label on table r.a is 'x'",
  "set local work_mem = '1MB'",
  "listen x",
  "vacuum (analyze) r.a (x)",
  "analyze r.a",
  "reassign owned by a to b",
];

const STATEMENTS = [...QUERIES.flatMap((query) => EXPRESSIONS.map(query)), ...SHAPES];

test("there are a few hundred statements, of every shape", () => {
  expect(STATEMENTS.length).toBeGreaterThan(400);
});

test.each(STATEMENTS)("relations and their aliases are found as PostgreSQL finds them: %s", (sql) => {
  const found = placesOf(sql).map(({ start, hasAlias }) => ({ start, hasAlias }));
  const [parsed, ...others] = parse(sql);
  expect(others).toEqual([]);
  expect(found.sort((a, b) => a.start - b.start)).toEqual(parsed!.relations);
});

test.each(STATEMENTS)("what the planner makes of references is SQL, and every relation keeps its name: %s", (sql) => {
  const marked = placesOf(sql)
    .filter(({ name }) => name[0]!.text === "r")
    .reduceRight(
      (text, { start, name }) =>
        `${text.slice(0, start)}"${MARK}r"."${name[1]!.text}"${text.slice(name[1]!.start + name[1]!.text.length)}`,
      sql.replaceAll(/\br\.a\.(?=\w)/g, "a.  "),
    );
  const resolved = resolveReferences(marked, ({ name }) => ({ sql: `p.${name}_1`, renamed: true }));
  expect(parse(resolved)[0]!.node).toBe(parse(sql)[0]!.node);
  const mayHaveAlias = placesOf(resolved).filter(
    ({ use, name }) => name[0]!.text === "p" && use !== "insert" && use !== "table" && use !== "lock",
  );
  expect(mayHaveAlias.filter(({ hasAlias }) => !hasAlias)).toEqual([]);
});

/** PostgreSQL's names of what our words mean. */
const NODES: Readonly<Record<string, RegExp>> = {
  select: /^SelectStmt$/,
  insert: /^InsertStmt$/,
  update: /^UpdateStmt$/,
  delete: /^DeleteStmt$/,
  merge: /^MergeStmt$/,
  "create table": /^Create(?:TableAs)?Stmt$/,
  "create materialized view": /^CreateTableAsStmt$/,
  "create view": /^ViewStmt$/,
  "create index": /^IndexStmt$/,
  "create statistics": /^CreateStatsStmt$/,
  "create policy": /^CreatePolicyStmt$/,
  "create trigger": /^CreateTrigStmt$/,
  "create rule": /^RuleStmt$/,
  "create function": /^CreateFunctionStmt$/,
  "create schema": /^CreateSchemaStmt$/,
  "create domain": /^CreateDomainStmt$/,
  "create type": /^CreateEnumStmt$/,
  "create cast": /^CreateCastStmt$/,
  "create aggregate": /^DefineStmt$/,
  "create publication": /^CreatePublicationStmt$/,
  "create sequence": /^CreateSeqStmt$/,
  "create extension": /^CreateExtensionStmt$/,
  "alter table": /^AlterTableStmt$/,
  "alter type": /^AlterEnumStmt$/,
  "drop table": /^DropStmt$/,
  truncate: /^TruncateStmt$/,
  copy: /^CopyStmt$/,
  explain: /^ExplainStmt$/,
  prepare: /^PrepareStmt$/,
  execute: /^ExecuteStmt$/,
  declare: /^DeclareCursorStmt$/,
  fetch: /^FetchStmt$/,
  move: /^FetchStmt$/,
  grant: /^GrantStmt$/,
  revoke: /^GrantStmt$/,
  comment: /^CommentStmt$/,
  lock: /^LockStmt$/,
  call: /^CallStmt$/,
  do: /^DoStmt$/,
  "refresh materialized view": /^RefreshMatViewStmt$/,
  import: /^ImportForeignSchemaStmt$/,
  security: /^SecLabelStmt$/,
  set: /^VariableSetStmt$/,
  listen: /^ListenStmt$/,
  vacuum: /^VacuumStmt$/,
  analyze: /^VacuumStmt$/,
  reassign: /^ReassignOwnedStmt$/,
};

test.each(STATEMENTS)("a statement is what PostgreSQL says it is: %s", (sql) => {
  const { command } = classify(`-- delete from x;\n/* vacuum */ ${sql}`);
  expect(NODES[command]).toBeDefined();
  expect(parse(sql)[0]!.node).toMatch(NODES[command]!);
});
