import type { Manifest, ManifestEntry } from "../model/catalog.ts";
import { UserError } from "../model/errors.ts";
import type { PublishItem } from "../model/plan.ts";
import { literal } from "../sql/literals.ts";
import { type Sql, sql } from "../sql/sql.ts";

/** A row of `_dataform.release`. */
export interface ReleaseRow {
  readonly environment: string;
  readonly release: string | number;
}

/**
 * What a release consists of, as its row says.
 * @throws UserError where somebody wrote something else into it
 */
export function readManifest(text: string, row: ReleaseRow): Manifest {
  const manifest = JSON.parse(text) as Manifest;
  if (!isObject(manifest)) throw altered(row, "manifest is no object");
  for (const [model, entry] of Object.entries(manifest)) {
    const lacks = missingIn(entry);
    if (lacks) throw altered(row, `manifest: ${model} has no ${lacks}`);
  }
  return manifest;
}

/**
 * What a release that waits will publish.
 * @throws UserError where somebody wrote something else into it
 */
export function readItems(text: string, row: ReleaseRow): PublishItem[] {
  const items = JSON.parse(text) as PublishItem[];
  if (!Array.isArray(items)) throw altered(row, "items is no list");
  const wrong = items.findIndex(
    (item) =>
      !isObject(item) ||
      !isTarget(item.target) ||
      !isObject(item.entry) ||
      missingIn({ ...item.entry, columns: [] }) ||
      !isObject(item.object) ||
      !isObject(item.publishing),
  );
  if (wrong >= 0) throw altered(row, `items: the one with number ${wrong} is not what a run writes`);
  return items;
}

/** The manifest of `_dataform.release r`, as far as it is one: SQL that goes through it must not fail for another environment's. */
export const objectsOfRelease: Sql = sql`(case when jsonb_typeof(r.manifest) = 'object' then r.manifest else '{}' end)`;

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isTarget(value: unknown): boolean {
  return isObject(value) && typeof value.schema === "string" && typeof value.name === "string";
}

function missingIn(entry: Partial<ManifestEntry>): keyof ManifestEntry | undefined {
  if (!isObject(entry)) return "object";
  const { object, release, target, columns, storage } = entry as Partial<ManifestEntry>;
  if (typeof object !== "string") return "object";
  if (typeof release !== "number") return "release";
  if (!isTarget(target)) return "target";
  const hasTables = isObject(storage) && typeof storage.table === "string" && typeof storage.undo === "string";
  if (storage !== undefined && !hasTables) return "storage";
  return Array.isArray(columns) && columns.every((one) => isObject(one) && typeof one.name === "string")
    ? undefined
    : "columns";
}

function altered({ environment, release }: ReleaseRow, found: string): UserError {
  const row = `environment = ${literal(environment)} and release_id = ${release}`;
  return new UserError({
    message: `the record of release ${release} of environment ${environment} was altered by hand`,
    expected: "its row of _dataform.release as the run wrote it",
    found,
    hint: `put the row back from a backup; or delete from _dataform.release where ${row}: it cannot be gone back to then, and where it is the published one \`dataform run --adopt\` takes over the views that are there`,
  });
}
