import type { Manifest, ManifestEntry } from "../model/catalog.ts";
import { UserError } from "../model/errors.ts";

/**
 * What a release consists of, as its row says.
 * @throws UserError where somebody wrote something else into it
 */
export function readManifest(text: string, release: string | number): Manifest {
  const manifest = JSON.parse(text) as Manifest;
  if (!isObject(manifest)) throw altered(release, "manifest is no object");
  for (const [model, entry] of Object.entries(manifest)) {
    const lacks = missingIn(entry);
    if (lacks) throw altered(release, `manifest: ${model} has no ${lacks}`);
  }
  return manifest;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function missingIn(entry: Partial<ManifestEntry>): keyof ManifestEntry | undefined {
  if (!isObject(entry)) return "object";
  const { object, release, target, columns } = entry as Partial<ManifestEntry>;
  if (typeof object !== "string") return "object";
  if (typeof release !== "number") return "release";
  if (typeof target?.schema !== "string" || typeof target.name !== "string") return "target";
  return Array.isArray(columns) ? undefined : "columns";
}

function altered(release: string | number, found: string): UserError {
  return new UserError({
    message: `the record of release ${release} was altered by hand`,
    expected: "its row of _dataform.release as the run wrote it",
    found,
    hint: `put the row back from a backup; or delete from _dataform.release where release_id = ${release}: it cannot be gone back to then, and where it is the published one \`dataform run --adopt\` takes over the views that are there`,
  });
}
