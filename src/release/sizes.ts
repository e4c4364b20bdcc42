import type { StoredRelease } from "./store.ts";

/** Names of the private objects that a release needs; none once it is collected. */
export function objectsOf({ manifest, items }: Pick<StoredRelease, "manifest" | "items">): string[] {
  const entries = Object.values(manifest ?? {}).flatMap(({ object, storage }) =>
    storage ? [object, storage.table, storage.undo, storage.rows] : [object],
  );
  const deltas = (items ?? []).flatMap(({ delta }) => [delta?.table, delta?.gone, delta?.note]);
  return [...entries, ...deltas].filter((name) => name !== undefined);
}

/** Bytes on disk. */
export interface ReleaseSize {
  /** Of all that the release consists of. */
  readonly bytes: number;
  /** Of what no other release needs: what it costs to keep it. */
  readonly own: number;
}

/**
 * The size of each release that is kept or waits, by its number.
 * @param bytes of each private object, by name
 */
export function sizesOf(
  releases: readonly Pick<StoredRelease, "release" | "manifest" | "items">[],
  bytes: ReadonlyMap<string, number>,
): ReadonlyMap<number, ReleaseSize> {
  const users = new Map<string, number>();
  const needed = releases.map((release) => ({ release: release.release, names: new Set(objectsOf(release)) }));
  for (const { names } of needed) for (const name of names) users.set(name, (users.get(name) ?? 0) + 1);
  const sum = (names: readonly string[]) => names.reduce((total, name) => total + (bytes.get(name) ?? 0), 0);
  return new Map(
    needed.map(({ release, names }) => {
      const all = [...names];
      return [release, { bytes: sum(all), own: sum(all.filter((name) => users.get(name) === 1)) }];
    }),
  );
}
