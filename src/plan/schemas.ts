import type { Catalog } from "../model/catalog.ts";
import { type Action, isModel, type Model, type Operations } from "../model/graph.ts";
import type { Statement } from "../model/plan.ts";
import { granteeName, grantUsage } from "../sql/ddl.ts";
import { id } from "../sql/identifiers.ts";
import { sql } from "../sql/sql.ts";
import { statement } from "../sql/statement.ts";

/** Schemas that the actions write to and that are not there. */
export function missingSchemas(chosen: readonly Action[], catalog: Catalog): string[] {
  const hasOutput = (action: Action): boolean => isModel(action) || (action as Operations).hasOutput === true;
  const wanted = new Set(chosen.filter(hasOutput).map((action) => action.target.schema));
  return [...wanted].filter((schema) => !catalog.schemas.includes(schema)).sort();
}

/** A schema that is new has no reader yet: whoever is granted a model in it may look into it. */
export function makeSchema(schema: string, models: ReadonlyMap<string, Model>): Statement[] {
  const inside = [...models.values()].filter(({ target, disabled }) => target.schema === schema && !disabled);
  const roles = inside.flatMap(({ postgres }) => Object.values(postgres.grants ?? {}).flat());
  return [
    statement("shape", sql`create schema if not exists ${id(schema)}`),
    ...[...new Set(roles.map(granteeName))].sort().map((grantee) => statement("label", grantUsage(schema, grantee))),
  ];
}
