import type { Catalog } from "../model/catalog.ts";
import { type Action, isModel, type Model, type Operations } from "../model/graph.ts";
import type { Statement } from "../model/plan.ts";
import { granteeName, grantUsage } from "../sql/ddl.ts";
import { id } from "../sql/identifiers.ts";
import { sql } from "../sql/sql.ts";
import { statement } from "../sql/statement.ts";

/** Schemas that the actions write to and that are not there. */
export function missingSchemas(chosen: readonly Action[], catalog: Pick<Catalog, "schemas">): string[] {
  const hasOutput = (action: Action): boolean => isModel(action) || (action as Operations).hasOutput === true;
  const wanted = new Set(chosen.filter(hasOutput).map((action) => action.target.schema));
  return [...wanted].filter((schema) => !catalog.schemas.includes(schema)).sort();
}

/**
 * Makes the schemas that are missing. Into a schema that a run made, this one or one before, whoever is granted a model in it
 * may look; a role that is not there is told of its model.
 */
export function prepareSchemas(
  missing: readonly string[],
  { madeSchemas = {}, roles }: Catalog,
  models: readonly Model[],
): Statement[] {
  const may = new Map([...Object.entries(madeSchemas), ...missing.map((schema) => [schema, []] as const)]);
  const isThere = (grantee: string) => grantee === "PUBLIC" || !roles || roles.includes(grantee);
  return [
    ...missing.map((schema) => statement("shape", sql`create schema if not exists ${id(schema)}`)),
    ...[...may].flatMap(([schema, already]) =>
      granteesIn(schema, models)
        .filter((grantee) => isThere(grantee) && !already.includes(grantee))
        .map((grantee) => statement("label", grantUsage(schema, grantee))),
    ),
  ];
}

function granteesIn(schema: string, models: readonly Model[]): string[] {
  const inside = models.filter(({ target, disabled }) => target.schema === schema && !disabled);
  const roles = inside.flatMap(({ postgres }) => Object.values(postgres.grants ?? {}).flat());
  return [...new Set(roles.map(granteeName))].sort();
}
