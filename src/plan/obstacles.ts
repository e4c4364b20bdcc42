import type { Catalog, Dependent, PublicRelation } from "../model/catalog.ts";
import { UserError } from "../model/errors.ts";
import type { BuildStep } from "../model/plan.ts";
import { targetKey } from "../model/target.ts";
import { PRIVATE_SCHEMA } from "../sql/names.ts";
import { othersComments } from "./attachments.ts";

/**
 * Private views that were built on the relation read it where it is moved, and parts of what was moved before refer to it there;
 * what others built would be left behind.
 */
export function leftBehind(relation: PublicRelation): Dependent[] {
  return relation.dependents.filter(({ kind, on }) => kind !== "private" && !on?.startsWith(`${PRIVATE_SCHEMA}.`));
}

/** What a model says of itself before it is built. */
type Publishable = Pick<BuildStep, "target" | "file" | "publishing">;

/** Kinds that can be moved aside. */
const MOVABLE: ReadonlySet<PublicRelation["kind"]> = new Set([
  "view",
  "table",
  "materialized view",
  "foreign table",
  "partitioned table",
]);

/** Whether the public name is a view of ours, which the release turns; otherwise what has the name is moved aside first. */
export function isOurView(
  { target }: Pick<Publishable, "target">,
  { relations, manifest }: Pick<Catalog, "relations" | "manifest">,
): boolean {
  const key = targetKey(target);
  const relation = relations[key];
  return relation?.kind === "view" && relation.published && manifest[key] !== undefined;
}

/** Whether others read the public view, or put anything on it: new columns may not be for them. */
export function isAttached({ target }: Pick<Publishable, "target">, catalog: Catalog): boolean {
  const relation = catalog.relations[targetKey(target)];
  if (!relation) return false;
  const { dependents, parts, fixed, defaults, grants, comments } = relation;
  return (
    !isOurView({ target }, catalog) ||
    dependents.length + parts.length + fixed.length + Object.keys(defaults).length > 0 ||
    grants.some(({ column }) => column !== undefined) ||
    Object.keys(othersComments(comments, catalog.manifest[targetKey(target)])).length > 0
  );
}

/**
 * The catalog for one release. What is moved aside in it goes on reading what it read, where that is moved aside, too, and so does
 * what is a part of it: nothing of that is left behind.
 */
export function withAdopted(catalog: Catalog, models: readonly Pick<Publishable, "target" | "publishing">[]): Catalog {
  const isMoved = (model: (typeof models)[number]) =>
    model.publishing.adopt && catalog.relations[targetKey(model.target)] && !isOurView(model, catalog);
  const moved = new Set(models.filter(isMoved).map(({ target }) => targetKey(target)));
  if (moved.size < 2) return catalog;
  const relations = Object.entries(catalog.relations).map(([key, relation]): [string, PublicRelation] => {
    if (!moved.has(key)) return [key, relation];
    const left = relation.dependents.filter(
      ({ kind, target, on }) => !moved.has(kind === "other" ? (on ?? "") : targetKey(target)),
    );
    return [key, { ...relation, dependents: left }];
  });
  return { ...catalog, relations: Object.fromEntries(relations) };
}

/**
 * Whatever keeps a model from being published that can be seen without its columns, so before it is built.
 * @throws UserError
 */
export function refuseUnpublishable(model: Publishable, catalog: Catalog): void {
  const relation = catalog.relations[targetKey(model.target)];
  if (relation && !isOurView(model, catalog)) refuseTaken(model, relation);
  if (relation?.outOfReach) throw beyondReach(model, relation, catalog);
  if (relation?.unreadable && !isOurView(model, catalog)) throw unreadable(model, relation, catalog);
  if (catalog.closedSchemas?.includes(model.target.schema)) throw closed(model);
  refuseUnknownGrantees(model, catalog);
}

/**
 * Of a schema that the run made, or found: it was dropped since.
 * @throws UserError
 */
export function refuseWithoutSchema(model: Publishable, { schemas }: Catalog): void {
  if (schemas.includes(model.target.schema)) return;
  throw new UserError({
    message: `${targetKey(model.target)} cannot be published: schema ${model.target.schema} was dropped during the run`,
    location: { file: model.file },
    hint: "run again: the run makes the schema",
  });
}

function refuseTaken(model: Publishable, relation: PublicRelation): void {
  const { adopt, rebuildDependents, adoptDependents } = model.publishing;
  if (relation.published && !relation.unrecorded) throw otherEnvironment(model, relation);
  if (relation.unrecorded && !adopt) throw unrecorded(model);
  if (!adopt || !MOVABLE.has(relation.kind)) throw notOurs(model, relation);
  if (leftBehind(relation).length && !rebuildDependents && !adoptDependents) throw dependentsStay(model, relation);
}

function refuseUnknownGrantees(model: Publishable, { roles }: Catalog): void {
  if (!roles) return;
  const named = new Set(Object.values(model.publishing.grants).flat());
  const unknown = [...named].filter((role) => role.toLowerCase() !== "public" && !roles.includes(role));
  if (!unknown.length) return;
  const [names, there] = [
    unknown.join(", "),
    unknown.length > 1 ? "roles that do not exist" : "a role that does not exist",
  ];
  throw new UserError({
    message: `${targetKey(model.target)} cannot be published: it grants to ${names}, ${there}`,
    location: { file: model.file },
    expected: "roles of this server",
    hint: `create role ${unknown.map((name) => (/^[a-z_][a-z0-9_]*$/.test(name) ? name : `"${name}"`)).join("; create role ")}; or correct postgres: { grants }`,
  });
}

function beyondReach(model: Publishable, { kind, owner }: PublicRelation, { publisher }: Catalog): UserError {
  return new UserError({
    message: `${targetKey(model.target)} cannot be published: its ${kind} belongs to ${owner}, and only the owner may replace it`,
    location: { file: model.file },
    hint: publisher
      ? `give it to the role that publishes, \`alter ${kind} ${targetKey(model.target)} owner to ${publisher}\`; then ${applied(publisher)} lets the others read it`
      : `give it back with \`alter ${kind} ${targetKey(model.target)} owner to …\`, or grant ${owner} to the role that publishes`,
  });
}

/** The command that gives the roles what they need. */
function applied(publisher: string): string {
  return `\`dataform roles --prefix ${publisher.replace(/_publisher$/, "")} --apply\``;
}

/** What is moved aside is read before by the role that builds. */
function unreadable(model: Publishable, { kind }: PublicRelation, { publisher = "" }: Catalog): UserError {
  return new UserError({
    message: `${targetKey(model.target)} cannot take the place of the ${kind}: the role that builds may not read it`,
    location: { file: model.file },
    hint: `${applied(publisher)}, as an administrator, lets it`,
  });
}

/** @throws UserError where readers would be refused what is built */
export function refuseUnread({ buildsUnread, publisher = "" }: Catalog): void {
  if (!buildsUnread) return;
  throw new UserError({
    message: `what is built could not be read by ${publisher}, so that readers of the public views would be refused`,
    expected: `default privileges in schema ${PRIVATE_SCHEMA} that let ${publisher} select from what the role that builds makes`,
    found: "they were taken away",
    hint: `${applied(publisher)}, as an administrator, gives them again`,
  });
}

function closed(model: Publishable): UserError {
  const { schema } = model.target;
  return new UserError({
    message: `${targetKey(model.target)} cannot be published: no right to make anything in schema ${schema}`,
    location: { file: model.file },
    hint: `grant usage, create on schema ${schema} to the role that publishes`,
  });
}

function otherEnvironment(model: Publishable, { environment }: PublicRelation): UserError {
  return new UserError({
    message: `${targetKey(model.target)} cannot be published: another environment of this database publishes that name`,
    location: { file: model.file },
    ...(environment === undefined ? {} : { found: `environment ${environment}` }),
    hint: "run with the environment it belongs to (--environment), or write to other schemas: --schema-suffix",
  });
}

const TAKE_BACK =
  "--adopt in one run takes the views over as they are, with the rows of incremental models; or put back the record from a backup";

function unrecorded(model: Publishable): UserError {
  return new UserError({
    message: `${targetKey(model.target)} cannot be published: no release has what its view reads: somebody altered the record by hand`,
    location: { file: model.file },
    hint: TAKE_BACK,
  });
}

/**
 * One cause is one error where the record has lost all of an environment.
 * @throws UserError
 */
export function refuseLostRecord({ environment, manifest, relations }: Catalog): void {
  const lost = Object.keys(relations).filter((key) => relations[key]!.unrecorded);
  if (!lost.length || Object.keys(manifest).length) return;
  throw new UserError({
    message: `the record of environment ${environment} was lost: views that runs published are there, and it has no release`,
    expected: `the release that they are of, in ${PRIVATE_SCHEMA}.environment and ${PRIVATE_SCHEMA}.release`,
    found: `${lost.slice(0, 3).join(", ")}${lost.length > 3 ? ` and ${lost.length - 3} more` : ""}`,
    hint: TAKE_BACK,
  });
}

function notOurs(model: Publishable, { kind, owner, dependents }: PublicRelation): UserError {
  return new UserError({
    message: `${targetKey(model.target)} cannot be published: a ${kind} that this project did not make has that name`,
    location: { file: model.file },
    expected: "no relation of that name, or one that an earlier release made",
    found: `a ${kind} owned by ${owner}${readBy(dependents)}`,
    hint: MOVABLE.has(kind)
      ? `--adopt in one run, for all models, or postgres: { adopt: true } in this one, moves it to schema ${PRIVATE_SCHEMA} and takes its place, an incremental model with its rows; or rename one of them`
      : "rename one of them",
  });
}

function dependentsStay(model: Publishable, relation: PublicRelation): UserError {
  return new UserError({
    message: `${targetKey(model.target)} cannot take the place of the ${relation.kind}: what others built on it would stay there`,
    location: { file: model.file },
    found: readBy(leftBehind(relation)).slice(2),
    hint: "--adopt in one run, or postgres: { adopt: true, rebuildDependents: true }, makes them anew on the model, in the same transaction",
  });
}

function readBy(dependents: readonly Dependent[]): string {
  return dependents.length ? `, read by ${dependents.map(({ what }) => what).join(", ")}` : "";
}
