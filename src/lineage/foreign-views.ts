import { targetKey } from "../model/target.ts";
import { type Client, withNames } from "../postgres/client.ts";
import { PRIVATE_SCHEMA } from "../sql/names.ts";
import { sql } from "../sql/sql.ts";
import { type Analysed, analysed } from "./analysed.ts";
import { reasonOf, treeOfRule } from "./ask.ts";
import { type Draft, draftOf, type NameOf, untoldDraft } from "./draft.ts";
import { columnsOf, type Described, type Relations } from "./relations.ts";
import { required } from "./tree/nodes.ts";

/** Views that the project did not make, by oid, with what their own queries say. */
export class ForeignViews {
  readonly #client: Client;
  readonly #relations: Relations;
  readonly #nameOf: NameOf;
  readonly drafts = new Map<string, Draft>();
  readonly #seen = new Set<string>();

  constructor(client: Client, relations: Relations, nameOf: NameOf) {
    this.#client = client;
    this.#relations = relations;
    this.#nameOf = nameOf;
  }

  /** These, and the views that they read in turn. */
  async follow(first: readonly Described[]): Promise<void> {
    let views = first.filter((one) => this.#isView(one));
    while (views.length) {
      for (const { oid } of views) this.#seen.add(oid);
      const found = await this.#read(views);
      const next = found.flatMap((one) => ("refused" in one ? [] : [...one.relations]));
      views = [...new Set(next)].flatMap((oid) => this.#relations.get(oid) ?? []).filter((one) => this.#isView(one));
    }
  }

  #isView(relation: Described): boolean {
    const { kind, oid, isSystem, isTemporary } = relation;
    const isOurs = relation.target.schema === PRIVATE_SCHEMA;
    return (
      (kind === "view" || kind === "materialized view") && !isSystem && !isTemporary && !isOurs && !this.#seen.has(oid)
    );
  }

  async #read(views: readonly Described[]): Promise<(Analysed | { readonly refused: string })[]> {
    const { rows } = await withNames(this.#client, "ours", () =>
      this.#client.query<{ oid: string; tree: string }>(
        sql`select ev_class as oid, ev_action::text as tree from pg_rewrite where ev_class = any($1::oid[]) and rulename = '_RETURN'`,
        [views.map(({ oid }) => oid)],
      ),
    );
    const trees = new Map(rows.map(({ oid, tree }) => [oid, tree]));
    const found = views.map(({ oid }) => readingOf(trees.get(oid) ?? ""));
    const read = found.flatMap((one) => ("refused" in one ? [] : [one]));
    await this.#relations.learn(read.flatMap(({ relations }) => [...relations]));
    await this.#relations.learnFunctions(read.flatMap(({ functions }) => [...functions]));
    for (const [index, view] of views.entries()) {
      const one = found[index]!;
      const draft =
        "refused" in one
          ? untoldDraft(one.refused, columnsOf(view))
          : draftOf(one, this.#relations, this.#nameOf, this.#relations.readers(one.functions));
      this.drafts.set(targetKey(view.target), draft);
    }
    return found;
  }
}

function readingOf(action: string): Analysed | { readonly refused: string } {
  try {
    return analysed(required(treeOfRule(action), "query"));
  } catch (error) {
    return { refused: reasonOf(error) };
  }
}

/**
 * The views of others that read one of these relations, and are none of them, directly or through others. Public views over private objects that are
 * not of this environment are another's.
 * @param privateNames the private objects of this environment
 */
export async function findReaders(
  client: Client,
  relations: readonly string[],
  privateNames: readonly string[],
): Promise<string[]> {
  const { rows } = await withNames(client, "ours", () =>
    client.query<{ oid: string }>(readersQuery, [relations, PRIVATE_SCHEMA, privateNames]),
  );
  return rows.map(({ oid }) => oid);
}

// From the views of others on down: those of the project itself, thousands where they are few, are not followed.
const readersQuery = sql`
with recursive other as (
  select c.oid
  from pg_class as c
  join pg_namespace as n
    on n.oid = c.relnamespace
  where c.relkind = any('{v,m}') and c.relpersistence <> 't'
    and n.nspname <> all(array['pg_catalog', 'information_schema', $2])
    and format('%s.%s', n.nspname, c.relname) <> all($1::text[])
),
edge as (
  select distinct w.ev_class as reader, d.refobjid as source
  from other as o
  join pg_rewrite as w
    on w.ev_class = o.oid and w.rulename = '_RETURN'
  join pg_depend as d
    on d.classid = 'pg_rewrite'::regclass and d.objid = w.oid
  where d.refclassid = 'pg_class'::regclass and d.refobjid <> w.ev_class
),
strange as (
  select c.oid
  from pg_class as c
  join pg_namespace as n
    on n.oid = c.relnamespace
  where n.nspname = $2 and c.relname <> all($3::name[]) and c.relkind = any('{r,v,p}')
),
ground as (
  select c.oid
  from pg_class as c
  join pg_namespace as n
    on n.oid = c.relnamespace
  where format('%s.%s', n.nspname, c.relname) = any($1::text[]) or (n.nspname = $2 and c.relname = any($3::name[]))
),
reader as (
  select e.reader
  from edge as e
  where e.source in (select oid from ground)
  union
  select e.reader
  from reader as r
  join edge as e
    on e.source = r.reader
)
select r.reader as oid
from reader as r
where not exists (select from edge as e where e.reader = r.reader and e.source in (select oid from strange))
order by r.reader`;
