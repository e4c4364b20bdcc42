import type { Grant } from "../model/catalog.ts";
import type { IndexOptions } from "../model/graph.ts";
import type { Target } from "../model/target.ts";
import { quoteIdentifier, quoteList, quoteLiteral, quoteTarget } from "./identifiers.ts";
import { indexColumn } from "./index-columns.ts";
import { quotePrivate } from "./names.ts";

/** What the comment on a private object says; read again to know litter from live objects. */
export interface ObjectLabel {
  readonly environment: string;
  readonly target: string;
  readonly release: number;
}

export function commentOnPrivate(kind: "table" | "view", name: string, label: ObjectLabel): string {
  return `comment on ${kind} ${quotePrivate(name)} is ${quoteLiteral(JSON.stringify(label))}`;
}

export function createIndex(table: string, index: IndexOptions): string {
  const columns = index.columns.map((column) => indexColumn(column, "postgres.indexes: columns"));
  return [
    `create ${index.unique ? "unique " : ""}index on ${quotePrivate(table)}`,
    index.using ? ` using ${index.using}` : "",
    ` (${columns.join(", ")})`,
    index.include ? ` include (${quoteList(index.include)})` : "",
    index.where ? ` where ${index.where}` : "",
  ].join("");
}

/** NULL is a key like any other: two rows with it are two rows with the same key. */
export function createUniqueKey(table: string, columns: readonly string[]): string {
  return `create unique index on ${quotePrivate(table)} (${quoteList(columns)}) nulls not distinct`;
}

/**
 * Gives indexes and constraints that post_operations named a private name, because index names are unique in a
 * schema and the table of the release before still has its own.
 */
export function renameIndexes(table: string): string {
  const relation = quoteLiteral(quotePrivate(table));
  return `do $$
declare item record;
begin
  for item in
    select c.oid::regclass as index, ${quoteLiteral(table)} || '_i' || row_number() over (order by c.oid) as name
    from pg_index x join pg_class c on c.oid = x.indexrelid
    where x.indrelid = ${relation}::regclass
  loop
    execute format('alter index %s rename to %I', item.index, item.name);
  end loop;
end $$`;
}

export function commentOn(kind: "view" | "column", name: string, text: string | undefined): string {
  return `comment on ${kind} ${name} is ${text === undefined ? "null" : quoteLiteral(text)}`;
}

/**
 * Makes a schema where there is none. `create schema if not exists` wants the right to make schemas even when there is
 * nothing to make, and a role of least privilege has not got it.
 */
export function createSchemaOnce(schema: string, owner?: string): string {
  const name = quoteIdentifier(schema);
  const made = `create schema ${name}${owner === undefined ? "" : ` authorization ${quoteIdentifier(owner)}`}`;
  const body = `begin if to_regnamespace(${quoteLiteral(name)}) is null then ${made}; end if; end`;
  return `do ${dollarQuote(body, "schema")}`;
}

/** A column of a public view: the private column itself, or an expression that stands for one that changed. */
export interface PublicColumn {
  readonly name: string;
  readonly expression?: string;
}

/** A thin public view: an explicit column list over one private object, options restated. */
export function createPublicView(
  target: Target,
  columns: readonly PublicColumn[],
  object: string,
  options: readonly string[],
  replace: boolean,
): string {
  const list = columns.map(({ name, expression }) =>
    expression === undefined ? quoteIdentifier(name) : `${expression} as ${quoteIdentifier(name)}`,
  );
  return `create ${replace ? "or replace " : ""}view ${quoteTarget(target)}${withOptions(options)} as select ${list.join(", ")} from ${quotePrivate(object)}`;
}

export function withOptions(options: readonly string[]): string {
  return options.length ? ` with (${options.join(", ")})` : "";
}

export function grantOn(target: Target, { grantee, privilege, grantable }: Grant): string {
  const role = grantee === "PUBLIC" ? "public" : quoteIdentifier(grantee);
  return `grant ${privilege.toLowerCase()} on ${quoteTarget(target)} to ${role}${grantable ? " with grant option" : ""}`;
}

/** A text as a dollar-quoted body, with a tag that the text does not contain. */
export function dollarQuote(body: string, name: string): string {
  let tag = `$${name}$`;
  for (let n = 1; body.includes(tag); n++) tag = `$${name}${n}$`;
  return `${tag}\n${body}\n${tag}`;
}
