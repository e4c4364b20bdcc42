import type { Catalog, Column, Dependent, Grant, ManifestEntry, PublicRelation } from "../model/catalog.ts";
import { UserError } from "../model/errors.ts";
import { ownValue } from "../model/own-value.ts";
import type { PublishItem, Statement } from "../model/plan.ts";
import { targetKey } from "../model/target.ts";
import { typeName } from "../sql/authored.ts";
import { collation, commentOn, createPublicView, grantOn, keyword, type PublicColumn } from "../sql/ddl.ts";
import { id, relationId } from "../sql/identifiers.ts";
import { PRIVATE_SCHEMA, privateId, privateName } from "../sql/names.ts";
import { empty, type Sql, sql } from "../sql/sql.ts";
import { statement } from "../sql/statement.ts";
import { castsAlike, followsSession } from "../sql/types.ts";
import { dropDependents, makeDependents, refuseToRebuild } from "./dependents.ts";
import { refuseOurNames } from "./our-names.ts";

/** How the public view of one model follows its new private object. */
export interface PublicPath {
  readonly how: /** There was nothing of that name. */
    | "create"
    /** The published columns are all there: new ones go last. */
    | "replace"
    /** Others read columns that changed: they are served in their old shape. */
    | "shim"
    /** Columns changed and nobody else reads the view: it is dropped and made again. */
    | "recreate"
    /** Columns changed and what others built is made anew with it. */
    | "rebuild"
    /** A relation that the project did not make is moved aside. */
    | "adopt";
  readonly columns: readonly (PublicColumn & Pick<Column, "type">)[];
  /** What a person should know. */
  readonly warning?: string;
  /** Queries that must return no row, or the path cannot be taken. */
  readonly checks: readonly Sql[];
}

/**
 * Chooses the path.
 * @throws UserError when every path would break what others built.
 */
export function choosePath(item: PublishItem, catalog: Catalog): PublicPath {
  refuseOurNames(item, item.object.columns);
  const key = targetKey(item.target);
  const relation = catalog.relations[key];
  const { columns } = item.object;
  if (!relation) return { how: "create", columns, checks: [] };
  if (relation.kind !== "view" || !catalog.manifest[key]) return adopt(item, relation);
  const built = new Map(columns.map((column) => [column.name, column]));
  const known = new Set(relation.columns.map(({ name }) => name));
  const added = columns.filter(({ name }) => !known.has(name));
  if (relation.columns.every((column) => sameColumn(built.get(column.name), column))) {
    // New columns go last, whatever the order of the query: readers by position see no change.
    return { how: "replace", columns: [...relation.columns, ...added], checks: [] };
  }
  if (!relation.dependents.length) return { how: "recreate", columns, checks: [] };
  if (item.publishing.rebuildDependents) return rebuild(item, relation);
  return shim(item, relation, built, added);
}

function sameColumn(a: Column | undefined, b: Column): boolean {
  return a !== undefined && a.type === b.type && a.collation === b.collation;
}

function rebuild(item: PublishItem, relation: PublicRelation): PublicPath {
  for (const dependent of relation.dependents) refuseToRebuild(item, dependent);
  const names = relation.dependents.map(({ target }) => targetKey(target)).join(", ");
  return {
    how: "rebuild",
    columns: item.object.columns,
    warning: `${targetKey(item.target)}: made anew with it: ${names}`,
    checks: [],
  };
}

/** Keeps serving the old list: changed columns cast back where no value suffers, dropped ones as NULL. */
function shim(
  item: PublishItem,
  relation: PublicRelation,
  built: ReadonlyMap<string, Column>,
  added: readonly Column[],
): PublicPath {
  const object = privateId(item.entry.object);
  const typeOf = (column: Column) => typeName(column.type, `the type of ${column.name}`);
  const served = relation.columns.map((column) => {
    const now = built.get(column.name);
    if (sameColumn(now, column)) return column;
    const collate = column.collation ? sql` collate ${collation(column.collation)}` : empty;
    const value = now ? id(column.name) : sql`null`;
    return { ...column, expression: sql`${value}::${typeOf(column)}${collate}`, was: now };
  });
  const changed = served.filter((column): column is typeof column & { was?: Column } => "expression" in column);
  const words = changed.map(({ name, type, was }) =>
    was ? `${name} as ${type} (it is ${was.type})` : `${name} as NULL (it is gone)`,
  );
  const readers = relation.dependents.map(({ target }) => targetKey(target)).join(", ");
  // Readers cast in their own sessions: that it is the same value in ours says nothing of theirs.
  const differing = changed.flatMap(({ name, type, was }) =>
    was && castsAlike(was.type, type) === false ? [`${name} as ${type} (it is ${was.type})`] : [],
  );
  if (differing.length) {
    const settings = "would follow each reader's settings (time zone, DateStyle, extra_float_digits and the like)";
    throw shimChangesValues(item, `${differing.join(", ")} ${settings}; read by ${readers}`);
  }
  return {
    how: "shim",
    columns: [...served, ...added],
    warning: `${targetKey(item.target)} goes on serving ${words.join(", ")}, because others read it: ${readers}`,
    checks: changed.flatMap(({ was, ...column }) => {
      if (!was) return [];
      const name = id(column.name);
      return [
        ...(castsAlike(was.type, column.type) === "unknown" ? [followsSession(was.type, column.type)] : []),
        sql`select 1 from ${object} where (${name}::${typeOf(column)})::${typeOf(was)} is distinct from ${name} limit 1`,
      ];
    }),
  };
}

function adopt(item: PublishItem, relation: PublicRelation): PublicPath {
  if (relation.published) throw otherEnvironment(item);
  if (!item.publishing.adopt) throw notOurs(item, relation);
  if (relation.dependents.length && !item.publishing.rebuildDependents) throw dependentsStay(item, relation);
  for (const dependent of relation.dependents) refuseToRebuild(item, dependent);
  return {
    how: "adopt",
    columns: item.object.columns,
    warning: `${targetKey(item.target)}: the ${relation.kind} of that name is moved to schema ${PRIVATE_SCHEMA}`,
    checks: [],
  };
}

/** The statements of the path, without the transaction around them. */
export function publicViewStatements(item: PublishItem, path: PublicPath, catalog: Catalog): Statement[] {
  const key = targetKey(item.target);
  const relation = catalog.relations[key];
  const { how } = path;
  const replaced = how === "replace" || how === "shim";
  const before = replaced ? catalog.manifest[key] : undefined;
  const dependents = how === "rebuild" || how === "adopt" ? (relation?.dependents ?? []) : [];
  return [
    ...dropDependents(dependents),
    ...(how === "recreate" || how === "rebuild" ? [statement("shape", sql`drop view ${relationId(item.target)}`)] : []),
    ...(how === "adopt" ? moveAside(item, relation!, catalog) : []),
    statement(
      "shape",
      createPublicView(
        item.target,
        path.columns,
        item.entry.object,
        how === "adopt" ? [] : (relation?.options ?? []),
        replaced,
      ),
    ),
    ...comments(item.entry, path.columns, before),
    ...grants(item, relation, replaced).map((grant) => statement("label", grantOn(item.target, grant))),
    ...makeDependents(dependents),
  ];
}

/** Nothing is lost: the relation keeps its rows, indexes and grants under a private name. */
function moveAside(item: PublishItem, relation: PublicRelation, catalog: Catalog): Statement[] {
  const kind = keyword(relation.kind === "partitioned table" ? "table" : relation.kind);
  const aside = privateName(catalog.environment, item.target, item.entry.release, "a");
  return [
    sql`alter ${kind} ${relationId(item.target)} rename to ${id(aside)}`,
    sql`alter ${kind} ${id(item.target.schema, aside)} set schema ${id(PRIVATE_SCHEMA)}`,
  ].map((one) => statement("shape", one));
}

function comments(
  entry: PublishItem["entry"],
  columns: readonly PublicColumn[],
  before: ManifestEntry | undefined,
): Statement[] {
  const view = relationId(entry.target);
  const changed = columns.filter(
    ({ name }) => ownValue(entry.columnDescriptions, name) !== ownValue(before?.columnDescriptions, name),
  );
  return [
    ...(entry.description === before?.description ? [] : [commentOn("view", view, entry.description)]),
    ...changed.map(({ name }) =>
      commentOn("column", sql`${view}.${id(name)}`, ownValue(entry.columnDescriptions, name)),
    ),
  ].map((one) => statement("label", one));
}

/** Configured grants, grants that post_operations put on the private object, and those a dropped view had. */
function grants(item: PublishItem, relation: PublicRelation | undefined, replaced: boolean): Grant[] {
  const configured = Object.entries(item.publishing.grants).flatMap(([privilege, roles]) =>
    roles.map((role) => ({
      grantee: role.toLowerCase() === "public" ? "PUBLIC" : role,
      privilege: privilege.toUpperCase(),
      grantable: false,
    })),
  );
  const had = relation?.grants ?? [];
  const seen = new Set(replaced ? had.map(grantKey) : []);
  return [...(replaced ? [] : had), ...configured, ...item.object.grants].filter((grant) => {
    const key = grantKey(grant);
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}

function grantKey({ grantee, privilege, grantable }: Grant): string {
  return `${privilege} ${grantable} ${grantee}`;
}

function otherEnvironment(item: PublishItem): UserError {
  return new UserError({
    message: `${targetKey(item.target)} cannot be published: another environment of this database publishes that name`,
    location: { file: item.file },
    hint: "run with the environment it belongs to, or write to other schemas: --schema-suffix",
  });
}

function notOurs(item: PublishItem, relation: PublicRelation): UserError {
  return new UserError({
    message: `${targetKey(item.target)} cannot be published: a ${relation.kind} that this project did not make has that name`,
    location: { file: item.file },
    expected: "no relation of that name, or one that an earlier release made",
    found: `a ${relation.kind} owned by ${relation.owner}${readBy(relation.dependents)}`,
    hint: `postgres: { adopt: true } in the model moves it to schema ${PRIVATE_SCHEMA} and takes its place; or rename one of them`,
  });
}

function dependentsStay(item: PublishItem, relation: PublicRelation): UserError {
  return new UserError({
    message: `${targetKey(item.target)} cannot take the place of the ${relation.kind}: what others built on it would stay there`,
    location: { file: item.file },
    found: readBy(relation.dependents).slice(2),
    hint: "postgres: { adopt: true, rebuildDependents: true } makes them anew on the model, in the same transaction",
  });
}

function readBy(dependents: readonly Dependent[]): string {
  return dependents.length ? `, read by ${dependents.map(({ target }) => targetKey(target)).join(", ")}` : "";
}

/** The refusal when a shim would change values that others read. */
export function shimChangesValues(item: PublishItem, found: string): UserError {
  return new UserError({
    message: `${targetKey(item.target)} cannot be published: others read columns whose new values do not fit their old type`,
    location: { file: item.file },
    found,
    hint: "keep the column's type, or let postgres: { rebuildDependents: true } make the dependents anew",
  });
}
