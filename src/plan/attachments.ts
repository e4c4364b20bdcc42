import type { Attachments, Column, ManifestEntry, Part, PublicRelation } from "../model/catalog.ts";
import type { Statement } from "../model/plan.ts";
import type { Target } from "../model/target.ts";
import { commentOn, fromCatalog, grantOn, keyword, withoutDefaultGrants } from "../sql/ddl.ts";
import { id, relationId } from "../sql/identifiers.ts";
import { type Sql, sql } from "../sql/sql.ts";
import { statement } from "../sql/statement.ts";

/** What a relation that was just made must be given, so that it has what the one before had. */
export function restored(target: Target, kind: "view" | "materialized view", had: Attachments): Statement[] {
  const name = relationId(target);
  const label = (text: Sql) => statement("label", text);
  return [
    ...withoutDefaultGrants(target, had.grantedByDefault).map(label),
    // While the one who made it still owns it. A change of owner hands the rights on.
    ...had.ownerLacks.map((right) => label(sql`revoke ${keyword(right)} on ${name} from current_user`)),
    label(sql`alter ${keyword(kind)} ${name} owner to ${id(had.owner)}`),
    ...had.grants.map((grant) => label(grantOn(target, grant))),
    ...Object.entries(had.comments).map(([column, text]) =>
      label(column === "" ? commentOn(kind, name, text) : commentOn("column", sql`${name}.${id(column)}`, text)),
    ),
    ...Object.entries(had.defaults).map(([column, value]) =>
      statement("shape", sql`alter view ${name} alter column ${id(column)} set default ${fromCatalog(value)}`),
    ),
    ...had.parts.flatMap((part) => makePart(part, name)),
  ];
}

function makePart({ kind, name, definition, comment }: Part, relation: Sql): Statement[] {
  return [
    statement("shape", fromCatalog(definition)),
    ...(comment === undefined ? [] : [statement("label", commentOn(kind, sql`${id(name)} on ${relation}`, comment))]),
  ];
}

/** What stands in the way of dropping a view for new columns, though nobody reads it: it could not be put on again. */
export function inTheWay(relation: PublicRelation, columns: readonly Column[]): string[] {
  const { parts, defaults, fixed } = relation;
  const changed = changedColumns(relation, columns);
  return [
    ...fixed,
    ...parts
      .filter((part) => part.columns.some((name) => changed.has(name)))
      .map(({ kind, name }) => `${kind} ${name}`),
    // What is gone takes its default along; another type may not take it.
    ...Object.keys(defaults).flatMap((name) => (changed.get(name) ? [`default of ${name}`] : [])),
  ];
}

/** What others put on the relation that needs the column. */
export function needing({ parts, defaults }: Pick<Attachments, "parts" | "defaults">, column: string): string[] {
  return [
    ...parts.filter(({ columns }) => columns.includes(column)).map(({ kind, name }) => `${kind} ${name}`),
    ...(Object.hasOwn(defaults, column) ? [`default of ${column}`] : []),
  ];
}

/** Columns that are gone (undefined), or have another type or collation now. */
function changedColumns(relation: PublicRelation, columns: readonly Column[]): Map<string, Column | undefined> {
  const built = new Map(columns.map((column) => [column.name, column]));
  return new Map(
    relation.columns.flatMap((column): [string, Column | undefined][] => {
      const now = built.get(column.name);
      return sameColumn(now, column) ? [] : [[column.name, now]];
    }),
  );
}

export function sameColumn(a: Column | undefined, b: Column): boolean {
  return a !== undefined && a.type === b.type && a.collation === b.collation;
}

/** What is left of it when its columns are these. */
export function withColumns(had: Attachments, columns: readonly Column[]): Attachments {
  const names = new Set(columns.map(({ name }) => name));
  const kept = <T>(values: Readonly<Record<string, T>>) =>
    Object.fromEntries(Object.entries(values).filter(([name]) => name === "" || names.has(name)));
  return {
    ...had,
    grants: had.grants.filter(({ column }) => column === undefined || names.has(column)),
    comments: kept(had.comments),
    defaults: kept(had.defaults),
  };
}

/** The comments that the model did not give its view. */
export function othersComments(
  comments: Readonly<Record<string, string>>,
  own: Pick<ManifestEntry, "description" | "columnDescriptions"> | undefined,
): Record<string, string> {
  const ours = new Map([["", own?.description], ...Object.entries(own?.columnDescriptions ?? {})]);
  return Object.fromEntries(Object.entries(comments).filter(([name, text]) => ours.get(name) !== text));
}

/** What goes with columns that are gone, in words. */
export function goesWithColumns(had: Attachments, columns: readonly Column[]): string[] {
  const left = withColumns(had, columns);
  const gone = (before: Readonly<Record<string, string>>, after: Readonly<Record<string, string>>, what: string) =>
    Object.keys(before).flatMap((name) => (Object.hasOwn(after, name) ? [] : [`${what} ${name}`]));
  return [
    ...had.grants
      .filter((grant) => !left.grants.includes(grant))
      .map(({ privilege, column, grantee }) => `${privilege.toLowerCase()} (${column}) for ${grantee}`),
    ...gone(had.comments, left.comments, "comment on"),
    ...gone(had.defaults, left.defaults, "default of"),
  ];
}
