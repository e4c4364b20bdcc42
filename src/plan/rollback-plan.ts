import type { Catalog, Manifest, ManifestEntry, Storage } from "../model/catalog.ts";
import type { DeltaStep, PublishItem } from "../model/plan.ts";
import { targetKey } from "../model/target.ts";
import { commentOnPrivate, createPrivateView } from "../sql/ddl.ts";
import { historicalQuery, revertStorage } from "../sql/delta.ts";
import { privateName } from "../sql/names.ts";
import { statement } from "../sql/statement.ts";

/** A kept release. */
export interface KeptRelease {
  readonly release: number;
  readonly manifest: Manifest;
}

/**
 * What must be published so that everything reads as at release `to`. Tables and views are the objects of that time;
 * an incremental model's storage gets its rows of that time again, as a release of its own, so that the releases in
 * between can still be read and gone back to.
 */
export function planRollback(
  catalog: Catalog,
  to: KeptRelease,
  kept: readonly KeptRelease[],
  release: number,
): { readonly items: readonly PublishItem[]; readonly notes: readonly string[] } {
  const items = Object.entries(to.manifest).flatMap(([key, entry]) => {
    if (catalog.manifest[key]?.object === entry.object && catalog.relations[key]) return [];
    if (isUnprotected(catalog, key, entry)) return [];
    const made = entry.storage
      ? storageItem(catalog, { ...entry, storage: entry.storage }, kept, release, to)
      : item(entry, to);
    // A view that is there has its rights; one that comes back has those the model gave.
    return [catalog.relations[key] ? made : { ...made, object: { ...made.object, grants: entry.grants ?? [] } }];
  });
  const younger = Object.keys(catalog.manifest).filter((key) => !to.manifest[key]);
  const unprotected = Object.entries(to.manifest).filter(([key, entry]) => isUnprotected(catalog, key, entry));
  return {
    items,
    notes: [
      ...younger.map((key) => `${key} did not exist in release ${to.release}; it stays as it is`),
      ...unprotected.map(([key]) => `${key} had no row-level security in release ${to.release}; it stays as it is`),
    ],
  };
}

/** Rows that policies keep from readers now would be shown to all of them. */
function isUnprotected(catalog: Catalog, key: string, entry: ManifestEntry): boolean {
  return catalog.manifest[key]?.perReader === true && !entry.perReader;
}

function item(entry: ManifestEntry, to: KeptRelease, delta?: DeltaStep): PublishItem {
  const { columns, ...rest } = entry;
  return {
    target: entry.target,
    file: `release ${to.release}`,
    entry: rest,
    object: { name: entry.object, columns, grants: [], ...(entry.perReader ? { perReader: true } : {}) },
    publishing: { grants: {}, rebuildDependents: false, adopt: false },
    ...(delta ? { delta } : {}),
  };
}

function storageItem(
  catalog: Catalog,
  entry: ManifestEntry & { readonly storage: Storage },
  kept: readonly KeptRelease[],
  release: number,
  to: KeptRelease,
): PublishItem {
  const key = targetKey(entry.target);
  const last = lastOver(entry.storage, key, kept);
  // Nothing was added to the storage since: its view shows it as it was.
  if (last.object === entry.object) return item(entry, to);
  const { environment } = catalog;
  const object = privateName(environment, entry.target, release);
  const historical = historicalQuery(entry.storage, last.columns, last.release);
  return item({ ...entry, object, release }, to, {
    table: object,
    statements: [
      ...revertStorage(entry.storage, entry.columns, entry.release, release).map((one) => statement("delta", one)),
      // As it was then, which is the same before these statements and after: a snapshot may be from either side.
      statement(
        "shape",
        createPrivateView(object, historicalQuery(entry.storage, entry.columns, entry.release), entry),
      ),
      statement("label", commentOnPrivate("view", object, { environment, target: key, release })),
    ],
    history: [
      statement("shape", createPrivateView(last.object, historical, { replace: true, perReader: last.perReader })),
    ],
  });
}

/** The newest entry over a storage: the one whose view shows its rows as they are now. */
function lastOver(storage: Storage, key: string, kept: readonly KeptRelease[]): ManifestEntry {
  const entries = kept.flatMap(({ manifest }) => {
    const entry = manifest[key];
    return entry?.storage?.table === storage.table ? [entry] : [];
  });
  return entries.reduce((newest, entry) => (entry.release > newest.release ? entry : newest));
}
