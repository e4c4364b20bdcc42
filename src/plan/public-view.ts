import type { Attachments, Catalog, Grant, PublicRelation } from "../model/catalog.ts";
import { ownValue } from "../model/own-value.ts";
import type { PublishItem, Statement } from "../model/plan.ts";
import { targetKey } from "../model/target.ts";
import { commentOn, createPublicView, granteeName, grantOn, keyword } from "../sql/ddl.ts";
import { id, relationId } from "../sql/identifiers.ts";
import { PRIVATE_SCHEMA } from "../sql/names.ts";
import { sql } from "../sql/sql.ts";
import { statement } from "../sql/statement.ts";
import { restored, withColumns } from "./attachments.ts";
import { dropDependents, makeDependents } from "./dependents.ts";
import { leftBehind } from "./obstacles.ts";
import { asideName, givesParts, type PublicPath } from "./public-path.ts";
import { optionsFor } from "./row-security.ts";

/** The statements of the path, without the transaction around them. */
export function publicViewStatements(item: PublishItem, path: PublicPath, catalog: Catalog): Statement[] {
  const relation = catalog.relations[targetKey(item.target)];
  const { how } = path;
  const replaced = how === "replace" || how === "shim";
  const dependents = how === "rebuild" ? relation!.dependents : how === "adopt" ? leftBehind(relation!) : [];
  const options = viewOptions(item, catalog);
  return [
    ...dropDependents(dependents),
    ...(goes(how, relation) ? [statement("shape", sql`drop view ${relationId(item.target)}`)] : []),
    ...(how === "adopt" && !relation!.unrecorded ? moveAside(item, relation!, catalog) : []),
    statement("shape", createPublicView(item.target, path.columns, item.entry.object, options, replaced)),
    ...(relation && !replaced ? restored(item.target, "view", takenOver(item, relation)) : []),
    ...comments(item, path, catalog),
    ...newGrants(item, relation).map((grant) => statement("label", grantOn(item.target, grant))),
    ...makeDependents(dependents),
  ];
}

/** A view of our own holds nothing; put aside, it would keep for ever what it reads. */
function goes(how: PublicPath["how"], relation: PublicRelation | undefined): boolean {
  return how === "recreate" || how === "rebuild" || (how === "adopt" && relation!.unrecorded === true);
}

/** Options of a table are not those of a view. */
export function viewOptions(item: PublishItem, catalog: Catalog): string[] {
  const key = targetKey(item.target);
  const relation = catalog.relations[key];
  return optionsFor(item, relation?.kind === "view" ? relation.options : [], catalog.manifest[key]);
}

/** What the view is given of what the relation before had. */
function takenOver(item: PublishItem, relation: PublicRelation): Attachments {
  const had = withColumns(relation, item.object.columns);
  return {
    ...had,
    ...(relation.kind === "view" ? {} : { defaults: {} }),
    parts: givesParts(item, relation) ? had.parts : [],
    comments: {},
  };
}

/** Nothing is lost: the relation keeps its rows, indexes and grants under a private name. */
function moveAside(item: PublishItem, relation: PublicRelation, catalog: Catalog): Statement[] {
  const kind = keyword(relation.kind === "partitioned table" ? "table" : relation.kind);
  const aside = asideName(item, catalog);
  return [
    sql`alter ${kind} ${relationId(item.target)} rename to ${id(aside)}`,
    sql`alter ${kind} ${id(item.target.schema, aside)} set schema ${id(PRIVATE_SCHEMA)}`,
  ].map((one) => statement("shape", one));
}

/** What the model says where that changed; what others said of a view that is made anew. */
function comments(item: PublishItem, { how, columns }: PublicPath, catalog: Catalog): Statement[] {
  const { entry, target } = item;
  const relation = catalog.relations[targetKey(target)];
  const before = how === "create" || how === "adopt" ? undefined : catalog.manifest[targetKey(target)];
  const anew = how !== "replace" && how !== "shim";
  const view = relationId(target);
  /** The text to set; undefined where it is right as it is. */
  const said = (name: string, now: string | undefined, then: string | undefined) =>
    now !== then ? (now ?? (anew ? undefined : null)) : anew ? ownValue(relation?.comments, name) : undefined;
  const whole = said("", entry.description, before?.description);
  return [
    ...(whole === undefined ? [] : [commentOn("view", view, whole)]),
    ...columns.flatMap(({ name }) => {
      const text = said(name, ownValue(entry.columnDescriptions, name), ownValue(before?.columnDescriptions, name));
      return text === undefined ? [] : [commentOn("column", sql`${view}.${id(name)}`, text)];
    }),
  ].map((one) => statement("label", one));
}

/** Configured grants, and those that post_operations put on the private object. */
export function declaredGrants({ publishing, object }: PublishItem): Grant[] {
  const configured = Object.entries(publishing.grants).flatMap(([privilege, roles]) =>
    roles.map((role) => ({ grantee: granteeName(role), privilege: privilege.toUpperCase(), grantable: false })),
  );
  return [...configured, ...object.grants];
}

/** Those that the view has not yet. */
function newGrants(item: PublishItem, relation: PublicRelation | undefined): Grant[] {
  const seen = new Set((relation?.grants ?? []).map(grantKey));
  return declaredGrants(item).filter((grant) => {
    const key = grantKey(grant);
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}

function grantKey({ grantee, privilege, grantable, column }: Grant): string {
  return JSON.stringify([privilege, grantable, grantee, column ?? null]);
}
