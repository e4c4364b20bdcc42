import type { DeclaredEndpoint } from "../../model/api.ts";
import type { Manifest, ManifestEntry } from "../../model/catalog.ts";
import { UserError } from "../../model/errors.ts";
import { targetKey } from "../../model/target.ts";
import { currentQuery, historicalQuery } from "../../sql/delta.ts";
import { relationId } from "../../sql/identifiers.ts";
import { privateId } from "../../sql/names.ts";
import { type Relation, sql } from "../../sql/sql.ts";
import { cellOf } from "./cells.ts";
import type { Source } from "./statements.ts";

/** Columns of a relation that is in no release, with their types, in order. */
export type Columns = readonly { readonly name: string; readonly type: string }[];

/**
 * What an endpoint reads of a release: its private objects, so that no publishing waits for a reader, and none changes what is
 * being read.
 * @param isCurrent whether no later release has added rows to its incremental models
 * @throws UserError where the release has no such relation, or not such columns
 */
export function sourceIn(manifest: Manifest, endpoint: DeclaredEndpoint, isCurrent: boolean): Source {
  const key = targetKey(endpoint.reads);
  const entry = Object.hasOwn(manifest, key) ? manifest[key] : undefined;
  if (!entry)
    throw new UserError({
      message: `the release has no ${key}, which ${endpoint.path} reads`,
      hint: `\`dataform run --actions ${key}\` publishes it`,
    });
  if (entry.perReader)
    throw new UserError({
      message: `${key} shows each reader rows of their own, and whoever asks ${endpoint.path} is none to the database`,
      expected: "a model without row-level security",
      hint: "serve a model that holds only what all who have the scope may see",
    });
  return sourceOf(relationOf(entry, isCurrent), endpoint, entry.columns);
}

function relationOf({ object, storage, columns, release }: ManifestEntry, isCurrent: boolean) {
  if (!storage) return privateId(object);
  // Publishing makes the view of the rows anew: who reads it for long would keep that from being done.
  return sql`(${isCurrent ? currentQuery(storage, columns) : historicalQuery(storage, columns, release)})`;
}

/** What an endpoint reads of a relation that is in no release. */
export function sourceOutside(endpoint: DeclaredEndpoint, columns: Columns): Source {
  return sourceOf(relationId(endpoint.reads), endpoint, columns);
}

function sourceOf(relation: Relation, endpoint: DeclaredEndpoint, columns: Columns): Source {
  const types = new Map(columns.map(({ name, type }) => [name, type]));
  const answered = endpoint.columns ?? columns.map(({ name }) => name);
  const asked = [
    ...answered,
    ...endpoint.order.map(({ column }) => column),
    ...endpoint.parameters.map(({ column }) => column),
  ];
  const missing = asked.find((name) => !types.has(name));
  if (missing !== undefined)
    throw new UserError({
      message: `${targetKey(endpoint.reads)} has no column ${missing}, which ${endpoint.path} names`,
      expected: [...types.keys()].join(", "),
      hint: "the release was built from other code: run the project, or start the server from the code of the release",
    });
  return { relation, of: relation.toString(), cells: answered.map((name) => cellOf(name, types.get(name)!)), types };
}
