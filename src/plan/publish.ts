import type { BuiltObject, Catalog, Column, Grant, Manifest, ManifestEntry, PublicRelation } from "../model/catalog.ts";
import { UserError } from "../model/errors.ts";
import type { BuildStep, PublishPlan, Statement } from "../model/plan.ts";
import { compareTargets, targetKey } from "../model/target.ts";
import { quoteIdentifier, quoteLiteral, quoteTarget } from "../sql/identifiers.ts";
import { commentOn, createPublicView, dollarQuote, grantOn } from "../sql/statements.ts";
import { plain } from "./statement.ts";

export interface PublishInput {
  readonly catalog: Catalog;
  readonly runId: string;
  readonly fence: number;
  readonly release: number;
  /** What is published, each with the object its build made. */
  readonly built: readonly { readonly step: BuildStep; readonly object: BuiltObject }[];
}

/** SQLSTATE of a publish that comes too late: another run has taken over. */
export const FENCED = "DF001";

/**
 * How the public view of one model can follow its new private object.
 * @throws UserError when it cannot without breaking what others built upon it.
 */
export function checkPublic(step: BuildStep, object: BuiltObject, catalog: Catalog): void {
  publicColumns(step, object, catalog);
}

/** The statements that make the built objects the public ones, in one commit. Pure. */
export function planPublish(input: PublishInput): PublishPlan {
  // Sorted, so that two publishers take their locks in the same order.
  const built = [...input.built].sort((a, b) => compareTargets(a.step.target, b.step.target));
  const manifest: Record<string, ManifestEntry> = { ...input.catalog.manifest };
  const views: Statement[] = [];
  for (const { step, object } of built) {
    const key = targetKey(step.target);
    const path = publicColumns(step, object, input.catalog);
    views.push(...publicView(step, object, path, input.catalog));
    manifest[key] = { ...step.entry, columns: object.columns };
  }
  return {
    release: input.release,
    targets: built.map(({ step }) => step.target),
    deltas: built.flatMap(({ step }) => step.delta?.statements ?? []),
    views: publishMessage(input, views, manifest),
    manifest,
  };
}

interface PublicPath {
  readonly how: "create" | "replace" | "recreate";
  readonly columns: readonly Column[];
}

function publicColumns(step: BuildStep, object: BuiltObject, catalog: Catalog): PublicPath {
  const key = targetKey(step.target);
  const relation = catalog.relations[key];
  if (!relation) return { how: "create", columns: object.columns };
  if (relation.kind !== "view" || !catalog.manifest[key]) throw notOurs(step, relation);
  const built = new Map(object.columns.map((column) => [column.name, column]));
  const stays = relation.columns.every((column) => sameColumn(built.get(column.name), column));
  if (stays) {
    // New columns go last, whatever the order of the query: readers by position see no change.
    const known = new Set(relation.columns.map(({ name }) => name));
    const added = object.columns.filter(({ name }) => !known.has(name));
    return { how: "replace", columns: [...relation.columns, ...added] };
  }
  if (relation.dependents.length) throw dependentsWouldBreak(step, relation, built);
  return { how: "recreate", columns: object.columns };
}

function sameColumn(a: Column | undefined, b: Column): boolean {
  return a !== undefined && a.type === b.type && a.collation === b.collation;
}

function publicView(step: BuildStep, object: BuiltObject, path: PublicPath, catalog: Catalog): Statement[] {
  const key = targetKey(step.target);
  const relation = catalog.relations[key];
  const before = path.how === "replace" ? catalog.manifest[key] : undefined;
  const source = step.delta ? step.entry.storage! : step.entry.object;
  return [
    ...(path.how === "recreate" ? [`drop view ${quoteTarget(step.target)}`] : []),
    createPublicView(step.target, path.columns, source, relation?.options ?? [], path.how === "replace"),
    ...comments(step.entry, path.columns, before),
    ...grants(step, object, relation, path).map((grant) => grantOn(step.target, grant)),
  ].map(plain);
}

function comments(
  entry: Omit<ManifestEntry, "columns">,
  columns: readonly Column[],
  before: ManifestEntry | undefined,
): string[] {
  const view = quoteTarget(entry.target);
  const changed = columns.filter(({ name }) => entry.columnDescriptions[name] !== before?.columnDescriptions[name]);
  return [
    ...(entry.description === before?.description ? [] : [commentOn("view", view, entry.description)]),
    ...changed.map(({ name }) =>
      commentOn("column", `${view}.${quoteIdentifier(name)}`, entry.columnDescriptions[name]),
    ),
  ];
}

/** Configured grants, grants that post_operations put on the private object, and those a dropped view had. */
function grants(step: BuildStep, object: BuiltObject, relation: PublicRelation | undefined, path: PublicPath): Grant[] {
  const configured = Object.entries(step.publicGrants).flatMap(([privilege, roles]) =>
    roles.map((grantee) => ({
      grantee: grantee.toLowerCase() === "public" ? "PUBLIC" : grantee,
      privilege: privilege.toUpperCase(),
      grantable: false,
    })),
  );
  const kept = path.how === "recreate" ? (relation?.grants ?? []) : [];
  const present = path.how === "replace" ? (relation?.grants ?? []) : [];
  const seen = new Set(present.map(grantKey));
  return [...kept, ...configured, ...object.grants].filter((grant) => {
    const key = grantKey(grant);
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}

function grantKey({ grantee, privilege, grantable }: Grant): string {
  return `${privilege} ${grantable} ${grantee}`;
}

/**
 * One message: it holds locks only while the server works, never while it waits for us. The block as a whole is
 * one statement, so `statement_timeout` bounds how long any reader can be held.
 */
function publishMessage(input: PublishInput, views: readonly Statement[], manifest: Manifest): Statement[] {
  const { catalog, release, fence, runId } = input;
  const environment = quoteLiteral(catalog.environment);
  const base = catalog.releaseId === null ? "is null" : `= ${catalog.releaseId}`;
  const body = [
    "begin",
    `update _dataform.environment set release_id = ${release} where name = ${environment} and release_id ${base} and fence = ${fence};`,
    `if not found then raise exception 'another run has taken over environment %', ${environment} using errcode = '${FENCED}'; end if;`,
    ...views.map(({ sql }) => `${sql};`),
    `insert into _dataform.release (environment, release_id, base_release_id, run_id, manifest) values (${environment}, ${release}, ${catalog.releaseId ?? "null"}, ${quoteLiteral(runId)}, ${quoteLiteral(JSON.stringify(manifest))});`,
    `perform pg_notify('dataform_release', ${quoteLiteral(JSON.stringify({ environment: catalog.environment, release }))});`,
    "end",
  ].join("\n");
  return [
    plain(`set local lock_timeout = '5ms'`),
    plain(`set local statement_timeout = '${statementTimeout(views.length)}ms'`),
    plain(`set local synchronous_commit = on`),
    plain(`do ${dollarQuote(body)}`),
    plain("commit"),
  ];
}

/** 250 ms, and room for the catalog work of very many views. */
function statementTimeout(views: number): number {
  return Math.max(250, views);
}

function notOurs(step: BuildStep, relation: PublicRelation): UserError {
  const key = targetKey(step.target);
  return new UserError({
    message: `${key} cannot be published: a ${relation.kind} that this project did not make has that name`,
    location: { file: step.file },
    expected: "no relation of that name, or one that an earlier release made",
    found: `a ${relation.kind} owned by ${relation.owner}`,
    hint: `rename it (alter ${relation.kind} ${quoteTarget(step.target)} rename to …) or give the model another name or schema`,
  });
}

function dependentsWouldBreak(
  step: BuildStep,
  relation: PublicRelation,
  built: ReadonlyMap<string, Column>,
): UserError {
  const key = targetKey(step.target);
  const changes = relation.columns.flatMap((column) => {
    const now = built.get(column.name);
    if (!now) return [`${column.name} is gone`];
    return sameColumn(now, column) ? [] : [`${column.name} was ${column.type} and is ${now.type}`];
  });
  return new UserError({
    message: `${key} cannot be published: others read columns that it no longer has`,
    location: { file: step.file },
    expected: "the published columns, new ones added",
    found: `${changes.join(", ")}; read by ${relation.dependents.join(", ")}`,
    hint: "keep the column (cast it to its old type), or drop the dependents first",
  });
}
