import type { Catalog } from "../model/catalog.ts";
import { UserError } from "../model/errors.ts";
import { type CompiledGraph, isModel, type ProjectIdentity } from "../model/graph.ts";
import { targetKey } from "../model/target.ts";
import { fingerprint } from "../sql/fingerprint.ts";

export const NAME_IT = 'write "project": "its name" into the project file';

/**
 * An environment is the project's that is recorded with it. Names of models say nothing: a project may rename all of
 * them, and two projects may share some.
 *
 * Nobody is recorded where an earlier version, or a project without a name, published. Then the project goes on that has
 * most of what is published, with the same code unless it is in the same folder, and is recorded if it has a name.
 * @throws UserError when it is, or may be, another project's
 */
export function refuseOtherProject(graph: CompiledGraph, catalog: Catalog): void {
  refuseStranger(graph.project, catalog);
  const published = Object.keys(catalog.manifest);
  if (catalog.project !== undefined || !published.length) return;
  const models = new Map(graph.actions.filter(isModel).map((model) => [targetKey(model.target), model]));
  const known = published.filter((key) => models.has(key));
  if (known.length * 2 <= published.length)
    throw nobodys(graph.project, catalog, {
      what: "most of what it publishes is not in this project",
      expected: "more than half of the published models in the project",
      found: `${known.length} of ${published.length}: ${some(published)}`,
    });
  // A project changes its code where it is; a copy of it has the same.
  const { folder } = graph.project;
  if (catalog.folder === undefined || catalog.folder === folder) return;
  const other = known.filter((key) => fingerprint(models.get(key)!) !== catalog.manifest[key]!.fingerprint);
  if (other.length * 2 > known.length)
    throw nobodys(graph.project, catalog, {
      what: "most models of the same names have other code in this project",
      expected: `a copy of the project that published them, which was in ${catalog.folder}`,
      found: `${folder === undefined ? "" : `${folder}, and `}other code of ${some(other)}`,
    });
}

function some(keys: readonly string[]): string {
  return `${keys.slice(0, 3).join(", ")}${keys.length > 3 ? " …" : ""}`;
}

/** @throws UserError where another project is recorded as the owner of the environment */
export function refuseStranger(
  { name, packageName }: ProjectIdentity,
  { environment, project: owner }: Pick<Catalog, "environment" | "project">,
): void {
  if (owner === undefined || owner === name || owner === packageName) return;
  const takeOver =
    name === undefined
      ? `"project": ${JSON.stringify(owner)} in the project file says so`
      : `\`dataform env claim ${environment}\` records that`;
  throw new UserError({
    message: `environment ${environment} of this database belongs to another project`,
    expected:
      name === undefined ? "an environment of this project, which has no name" : `an environment of project ${name}`,
    found: `project ${owner}`,
    hint: `${ownEnvironment}; if it is this project's, ${takeOver}`,
  });
}

const ownEnvironment = "give this project an environment of its own: --environment name, or DATAFORM_ENVIRONMENT";

function nobodys(
  project: ProjectIdentity,
  { environment }: Catalog,
  { what, ...seen }: { readonly what: string; readonly expected: string; readonly found: string },
): UserError {
  const claim = `\`dataform env claim ${environment}\``;
  return new UserError({
    message: `nobody is recorded as the owner of environment ${environment}, and ${what}`,
    ...seen,
    hint: `if it is this project's, ${project.name === undefined ? `${NAME_IT} and send ${claim}` : claim}; otherwise ${ownEnvironment}`,
  });
}
