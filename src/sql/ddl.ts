import type { Grant } from "../model/catalog.ts";
import type { IndexOptions } from "../model/graph.ts";
import type { Target } from "../model/target.ts";
import { expression, relation } from "./authored.ts";
import { id, relationId } from "./identifiers.ts";
import { indexColumn } from "./index-columns.ts";
import { dollarQuoted, literal, sqlLiteral } from "./literals.ts";
import { privateId } from "./names.ts";
import { empty, fixed, join, Sql, sql, writtenIn } from "./sql.ts";

/** What the comment on a private object says; read again to know litter from live objects. */
export interface ObjectLabel {
  readonly environment: string;
  readonly target: string;
  readonly release: number;
}

export function commentOnPrivate(kind: "table" | "view", name: string, label: ObjectLabel): Sql {
  return sql`comment on ${keyword(kind)} ${privateId(name)} is ${literal(JSON.stringify(label))}`;
}

/** A label as `JSON.stringify` writes it. Anybody may comment on what they made in the schema, and begin as we do. */
const labelWith = (text: string) =>
  literal(String.raw`^\{"environment":TEXT,"target":TEXT,"release":\d{1,15}\}$`.replaceAll("TEXT", text));
const LABEL = labelWith(String.raw`"(?:[^"\\\x01-\x1f]|\\["\\bfnrt]|\\u00(?:0[1-9a-f]|1[0-9a-f]))*"`);
/** The same of one without a backslash, as nearly all are: looked at in a fifth of the time. */
const PLAIN_LABEL = labelWith(String.raw`"[^"\x01-\x1f]*"`);

/** The label that a comment is, as jsonb; NULL where it is none. */
export function labelOf(comment: Sql): Sql {
  const isLabel = sql`case when strpos(${comment}, ${literal("\\")}) = 0 then ${comment} ~ ${PLAIN_LABEL} else ${comment} ~ ${LABEL} end`;
  return sql`(case when ${isLabel} then ${comment}::jsonb end)`;
}

/** A value of the label that a comment is, as text; NULL where it is none. */
export function labelled(comment: Sql, key: keyof ObjectLabel): Sql {
  return sql`(${labelOf(comment)} ->> ${literal(key)})`;
}

/** @param file whose config asks for it */
export function createIndex(table: string, index: IndexOptions, file: string): Sql {
  const columns = index.columns.map((column) =>
    writtenIn(file, column, indexColumn(column, "postgres.indexes: columns")),
  );
  const using = index.using ? sql` using ${id(index.using.toLowerCase())}` : empty;
  const include = index.include ? sql` include (${columnsIn(file, index.include)})` : empty;
  const condition = index.where && writtenIn(file, index.where, expression(index.where, "postgres.indexes: where"));
  const where = condition ? sql` where ${condition}` : empty;
  return sql`create ${index.unique ? sql`unique ` : empty}index on ${privateId(table)}${using} (${columns})${include}${where}`;
}

/** NULL is a key like any other: two rows with it are two rows with the same key. */
export function createUniqueKey(table: string, columns: readonly string[], file: string): Sql {
  return sql`create unique index on ${privateId(table)} (${columnsIn(file, columns)}) nulls not distinct`;
}

function columnsIn(file: string, names: readonly string[]): Sql[] {
  return names.map((name) => writtenIn(file, name, id(name)));
}

/**
 * Gives indexes and constraints that post_operations named a private name, because index names are unique in a
 * schema and the table of the release before still has its own.
 */
export function renameIndexes(table: string): Sql {
  const body = sql`
    declare
      item record;
    begin
      for item in
        select
          c.oid::pg_catalog.regclass as index,
          pg_catalog.format('%s_i%s', ${literal(table)}, pg_catalog.row_number() over (order by c.oid)) as name
        from pg_catalog.pg_index as x
        join pg_catalog.pg_class as c
          on c.oid = x.indexrelid
        where x.indrelid = ${sqlLiteral(privateId(table))}::pg_catalog.regclass::pg_catalog.oid
      loop
        execute pg_catalog.format('alter index %s rename to %I', item.index, item.name);
      end loop;
    end`;
  return sql`do ${dollarQuoted(body)}`;
}

export function commentOn(kind: RelationKind | "column" | "trigger" | "rule", name: Sql, text: string | null): Sql {
  return sql`comment on ${keyword(kind)} ${name} is ${literal(text)}`;
}

/**
 * Makes a schema where there is none. `create schema if not exists` wants the right to make schemas even when there is
 * nothing to make, and a role of least privilege has not got it.
 */
export function createSchemaOnce(schema: string, owner?: string): Sql {
  const body = sql`
    begin
      if to_regnamespace(${sqlLiteral(id(schema))}) is null then
        create schema ${id(schema)}${owner === undefined ? empty : sql` authorization ${id(owner)}`};
      end if;
    end`;
  return sql`do ${dollarQuoted(body)}`;
}

/** A column of a public view: the private column itself, or an expression that stands for one that changed. */
export interface PublicColumn {
  readonly name: string;
  readonly expression?: Sql;
}

/** A thin public view: an explicit column list over one private object, options restated. */
export function createPublicView(
  target: Target,
  columns: readonly PublicColumn[],
  object: string,
  options: readonly string[],
  replace: boolean,
): Sql {
  const list = columns.map(({ name, expression }) => (expression ? sql`${expression} as ${id(name)}` : id(name)));
  return sql`
    create ${replace ? sql`or replace ` : empty}view ${relationId(target)}${withOptions(options)} as
    select
      ${list}
    from ${privateId(object)}`;
}

/** A private view over private tables. What is not restated when it is replaced is gone. */
export function createPrivateView(object: string, query: Sql, { replace = false, perReader = false } = {}): Sql {
  const options = perReader ? sql` with (security_invoker = true)` : empty;
  return sql`
    create ${replace ? sql`or replace ` : empty}view ${privateId(object)}${options} as
    ${query}`;
}

/** Makes a private view unless it is there. */
export function createPrivateViewOnce(object: string, query: Sql, options: { perReader?: boolean }): Sql {
  const body = sql`
    begin
      if pg_catalog.to_regclass(${sqlLiteral(privateId(object))}) is null then
        ${createPrivateView(object, query, options)};
      end if;
    end`;
  return sql`do ${dollarQuoted(body)}`;
}

/** Options as the catalog keeps them: `security_barrier=true`. */
export function withOptions(options: readonly string[]): Sql {
  if (!options.length) return empty;
  const list = options.map((option) => {
    const [, name, value] = /^([^=]+)=([\s\S]*)$/.exec(option)!;
    return sql`${id(name!)} = ${literal(value!)}`;
  });
  return sql` with (${join(list, ", ")})`;
}

export function grantOn(target: Target, { grantee, privilege, grantable, column }: Grant): Sql {
  const what = column === undefined ? keyword(privilege) : sql`${keyword(privilege)} (${id(column)})`;
  return sql`grant ${what} on ${relationId(target)} to ${roleId(grantee)}${grantable ? sql` with grant option` : empty}`;
}

/** The name of a grantee, as a config says it, in the way of the catalog. */
export function granteeName(role: string): string {
  return role.toLowerCase() === "public" ? "PUBLIC" : role;
}

export function grantUsage(schema: string, grantee: string): Sql {
  return sql`grant usage on schema ${id(schema)} to ${roleId(grantee)}`;
}

function roleId(role: string): Sql {
  return role === "PUBLIC" ? sql`public` : id(role);
}

/** Takes away what default privileges give to these, so that a relation that was just made has no rights but its owner's. */
export function withoutDefaultGrants(target: Target, grantees: readonly string[]): Sql[] {
  if (!grantees.length) return [];
  const name = relationId(target);
  return [sql`revoke all on ${name} from ${grantees.map(roleId)}`, sql`grant all on ${name} to current_user`];
}

export type RelationKind = "table" | "view" | "materialized view" | "foreign table";

/** Words of SQL that the catalog gives: kinds of relations, privileges. */
export function keyword(words: string): Sql {
  if (!/^[a-z]+(?: [a-z]+)*$/i.test(words)) throw new TypeError(`expected words of SQL, got ${JSON.stringify(words)}`);
  return new Sql(fixed(words.toLowerCase()));
}

/** A collation as the catalog gives it: a name that may have a schema, quoted where it must be. */
export function collation(name: string): Sql {
  return relation(name, "a collation");
}

/** What the server itself says of an object: a definition as pg_get_viewdef prints it, without its semicolon. */
export function fromCatalog(definition: string): Sql {
  return new Sql(fixed(definition.replace(/;\s*$/, "")));
}
