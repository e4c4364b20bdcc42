import type { StoredRelease } from "./store.ts";

/** What the chain is made of: what was published upon what, and whose content it has. */
export type Link = Pick<StoredRelease, "release" | "base" | "contentOf" | "runId">;

/** The release whose content readers see in this one. */
export function contentOf({ release, contentOf: other }: Link): number {
  return other ?? release;
}

/**
 * The release whose content was published before what readers see now. A rollback is no step of that chain: it takes
 * readers to an earlier place of it, and the next rollback goes on from there. So what was rolled back from is passed
 * over, whatever its number. A run that operations split has published its content in parts: one step goes back behind all of them.
 * @param published newest first, also those that are collected
 * @returns null where the content is that of the first release, or nothing is published
 */
export function contentBefore(published: readonly Link[]): number | null {
  const byNumber = new Map(published.map((link) => [link.release, link]));
  const [now] = published;
  const content = now && byNumber.get(contentOf(now));
  let base = content?.base ?? null;
  let before = base === null ? undefined : byNumber.get(base);
  while (before && before.runId === content!.runId) {
    base = before.base;
    before = base === null ? undefined : byNumber.get(base);
  }
  return before ? contentOf(before) : base;
}

/** The release itself where it is kept, or else the newest rollback to it: its content is the same. */
export function withContent<T extends Link>(kept: readonly T[], release: number): T | undefined {
  return kept.find((link) => link.release === release) ?? kept.find((link) => contentOf(link) === release);
}
