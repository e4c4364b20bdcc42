/** A number below `below`. */
export type Choose = (below: number) => number;

interface Query {
  readonly sql: string;
  readonly columns: readonly string[];
}

/** What generated queries read: each column is an integer, so that whatever is put together fits. */
export const generatedGround = `create schema ground; create table ground.a (x int primary key, y int, z int);
  create table ground.b (x int, gone int, y int, w int); alter table ground.b drop column gone;
  create table ground.c (v int, x int); create view ground.d as select x, y + z as s from ground.a where y > 1`;

const tables: readonly Query[] = [
  { sql: "ground.a", columns: ["x", "y", "z"] },
  { sql: "ground.b", columns: ["x", "y", "w"] },
  { sql: "ground.c", columns: ["v", "x"] },
  { sql: "ground.d", columns: ["x", "s"] },
];

/** A random query of from, join, CTE, recursion, set operation, subselect, window, group and whole row, in one another. */
export function generatedQuery(choose: Choose, depth = 4): string {
  return query(choose, depth).sql;
}

let count = 0;
const fresh = () => `q${++count}`;

function query(choose: Choose, depth: number): Query {
  const one = <T>(list: readonly T[]): T => list[choose(list.length)]!;
  const source = (): { readonly from: string; readonly alias: string; readonly columns: readonly string[] } => {
    const alias = fresh();
    if (depth <= 0 || choose(3) === 0) {
      const { sql, columns } = one(tables);
      return { from: `${sql} as ${alias}`, alias, columns };
    }
    const inner = query(choose, depth - 1);
    return { from: `(${inner.sql}) as ${alias}`, alias, columns: inner.columns };
  };
  const s = source();
  const column = (of = s) => `${of.alias}.${one(of.columns)}`;
  const forms: (() => Query)[] = [
    () => ({
      sql: `select ${column()} as c1, ${column()} + 1 as c2 from ${s.from} where ${column()} > 1`,
      columns: ["c1", "c2"],
    }),
    () => ({ sql: `select * from ${s.from}`, columns: s.columns }),
    () => {
      const t = source();
      const kind = one(["join", "left join", "right join", "full join"]);
      return {
        sql: `select ${column()} as c1, coalesce(${column(t)}, ${column()}) as c2 from ${s.from} ${kind} ${t.from} on ${column()} = ${column(t)}`,
        columns: ["c1", "c2"],
      };
    },
    () => {
      const [name, other] = [fresh(), fresh()];
      return {
        sql: `with ${name} as (select * from ${s.from}), ${other} as (select ${one(s.columns)} as k, ${one(s.columns)} as l from ${name}) select k as c1, l as c2 from ${one([`${other}`, `${other} join ${name} on ${other}.k = ${name}.${one(s.columns)}`])}`,
        columns: ["c1", "c2"],
      };
    },
    () => {
      const t = source();
      const operation = one(["union", "union all", "intersect", "except", "except all"]);
      return {
        sql: `(select ${column()} as c1, ${column()} as c2 from ${s.from}) ${operation} (select ${column(t)}, ${column(t)} * 2 from ${t.from})`,
        columns: ["c1", "c2"],
      };
    },
    () => {
      const t = source();
      const link = one([
        `(select max(${column(t)}) from ${t.from} where ${column(t)} = ${column()})`,
        `(case when exists (select from ${t.from} where ${column(t)} > ${column()}) then 1 else 0 end)`,
        `(${column()} in (select ${column(t)} from ${t.from}))::int`,
        `cardinality(array(select ${column(t)} from ${t.from} order by ${column(t)}))`,
      ]);
      return { sql: `select ${column()} as c1, ${link} as c2 from ${s.from}`, columns: ["c1", "c2"] };
    },
    () => ({
      sql: `select ${column()} as c1, (sum(${column()}) over (partition by ${column()} order by ${column()}))::int as c2 from ${s.from}`,
      columns: ["c1", "c2"],
    }),
    () => {
      const key = column();
      const by = one([key, `grouping sets ((${key}), ())`, `rollup (${key})`]);
      return {
        sql: `select ${key} as c1, (sum(${column()}) filter (where ${column()} > 0))::int as c2 from ${s.from} group by ${by} having max(${column()}) > 1`,
        columns: ["c1", "c2"],
      };
    },
    () => {
      const t = source();
      const alias = fresh();
      return {
        sql: `select ${column()} as c1, ${alias}.l as c2 from ${s.from} cross join lateral (select ${column(t)} + ${column()} as l from ${t.from} order by ${column(t)} limit 1) as ${alias}`,
        columns: ["c1", "c2"],
      };
    },
    () => {
      const name = fresh();
      return {
        sql: `with recursive ${name} (c1, c2, c3) as (select ${column()}, ${column()}, 1 from ${s.from} union all select c2, c3, c1 + a.x from ${name} join ground.a on a.y = c2) select c1, c2 from ${name}`,
        columns: ["c1", "c2"],
      };
    },
    () => ({
      sql: `select (to_jsonb(${s.alias}) ->> 'x')::int as c1, ${column()} as c2 from ${s.from}`,
      columns: ["c1", "c2"],
    }),
    () => ({
      sql: `select distinct on (${column()}) ${column()} as c1, n.n as c2 from ${s.from}, generate_series(1, ${column()}) as n(n)`,
      columns: ["c1", "c2"],
    }),
    () => {
      const t = source();
      const shared = s.columns.find((name) => t.columns.includes(name));
      if (shared === undefined) return { sql: `select ${column()} as c1 from ${s.from}, ${t.from}`, columns: ["c1"] };
      return {
        sql: `select ${shared} as c1, ${column(t)} as c2 from ${s.from} ${one(["", "left ", "full "])}join ${t.from} using (${shared})`,
        columns: ["c1", "c2"],
      };
    },
  ];
  return one(forms)();
}
