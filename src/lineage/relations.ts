import type { ForeignKind } from "../model/lineage.ts";
import { type Target, targetKey } from "../model/target.ts";
import { type Client, withNames } from "../postgres/client.ts";
import { sql } from "../sql/sql.ts";

export interface Named {
  readonly name: string;
  readonly type: string;
}

/** A relation as the catalogue has it. */
export interface Described {
  readonly oid: string;
  readonly target: Target;
  /** "other": what has no columns that anybody asks for. */
  readonly kind: ForeignKind | "other";
  /** By their numbers, which go on counting where one was dropped. */
  readonly columns: ReadonlyMap<number, Named>;
  readonly isTemporary: boolean;
  /** PostgreSQL's own: `pg_catalog`, `information_schema`. */
  readonly isSystem: boolean;
}

/** What the catalogue says of relations, asked once each. */
export class Relations {
  readonly #client: Client;
  readonly #byOid = new Map<string, Described>();
  readonly #byKey = new Map<string, Described>();
  readonly #functions = new Map<string, string | undefined>();

  constructor(client: Client) {
    this.#client = client;
  }

  get(oid: string): Described | undefined {
    return this.#byOid.get(oid);
  }

  /** One that was learnt, by `schema.name`. */
  byKey(key: string): Described | undefined {
    return this.#byKey.get(key);
  }

  async learn(oids: Iterable<string>): Promise<void> {
    const unknown = [...new Set(oids)].filter((oid) => !this.#byOid.has(oid));
    if (unknown.length) await this.#read(sql`c.oid = any($1::oid[])`, [unknown]);
  }

  /** Those that are there, by `schema.name`. */
  async named(targets: readonly Target[]): Promise<Map<string, Described>> {
    if (!targets.length) return new Map();
    const found = await this.#read(
      sql`(n.nspname, c.relname) in (select * from unnest($1::name[], $2::name[])) and c.relkind = any('{r,v,m,f,p}')`,
      [targets.map(({ schema }) => schema), targets.map(({ name }) => name)],
    );
    return new Map(found.map((one) => [targetKey(one.target), one]));
  }

  async #read(condition: ReturnType<typeof sql>, parameters: readonly unknown[]): Promise<Described[]> {
    const { rows } = await withNames(this.#client, "ours", () =>
      this.#client.query<Record<"oid" | "schema" | "name" | "kind" | "columns" | "temporary" | "system", string>>(
        sql`
          select c.oid, n.nspname as schema, c.relname as name, c.relkind as kind, c.relpersistence = 't' as temporary,
            n.nspname in ('pg_catalog', 'information_schema') as system,
            (
              select coalesce(jsonb_agg(jsonb_build_array(a.attnum, a.attname, format_type(a.atttypid, a.atttypmod)) order by a.attnum), '[]')
              from pg_attribute as a
              where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
            ) as columns
          from pg_class as c
          join pg_namespace as n
            on n.oid = c.relnamespace
          where ${condition}`,
        parameters,
      ),
    );
    return rows.map((row) => {
      const columns = JSON.parse(row.columns) as [number, string, string][];
      const described: Described = {
        oid: row.oid,
        target: { schema: row.schema, name: row.name },
        kind: KINDS[row.kind] ?? "other",
        columns: new Map(columns.map(([number, name, type]) => [number, { name, type }])),
        isTemporary: row.temporary === "t",
        isSystem: row.system === "t",
      };
      this.#byOid.set(row.oid, described);
      this.#byKey.set(targetKey(described.target), described);
      return described;
    });
  }

  async learnFunctions(oids: Iterable<string>): Promise<void> {
    const unknown = [...new Set(oids)].filter((oid) => !this.#functions.has(oid));
    if (!unknown.length) return;
    const { rows } = await withNames(this.#client, "ours", () =>
      this.#client.query<{ oid: string; name: string }>(
        sql`
          select p.oid, p.oid::regprocedure::text as name
          from pg_proc as p
          join pg_language as l
            on l.oid = p.prolang
          where p.oid = any($1::oid[]) and p.provolatile <> 'i' and l.lanname not in ('c', 'internal')`,
        [unknown],
      ),
    );
    const names = new Map(rows.map(({ oid, name }) => [oid, name]));
    for (const oid of unknown) this.#functions.set(oid, names.get(oid));
  }

  /** Of functions that were learnt, those that may read what no tree tells: neither in C nor immutable. */
  readers(oids: Iterable<string>): string[] {
    return [...oids].flatMap((oid) => this.#functions.get(oid) ?? []);
  }
}

const KINDS: Readonly<Record<string, ForeignKind>> = {
  r: "table",
  v: "view",
  m: "materialized view",
  f: "foreign table",
  p: "partitioned table",
};

/** The columns in their order, as a person counts them. */
export function columnsOf({ columns }: Described): Named[] {
  return [...columns.values()];
}
