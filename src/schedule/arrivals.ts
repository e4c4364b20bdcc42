import type { FilesDeclaration } from "../model/declarations.ts";
import type { ScheduleLine } from "../model/schedule.ts";
import type { Client } from "../postgres/client.ts";
import { openFilesystem } from "../sources/filesystems/open.ts";
import { id } from "../sql/identifiers.ts";
import { sql } from "../sql/sql.ts";

/** Notified by each load in its transaction. */
export const LOADED = "dataform_load";

/** What is seen, and what came since; undefined: nothing did. */
export type Arrival = { readonly seen: unknown; readonly came: unknown } | undefined;

/**
 * Loads of a stream after the last one that was seen. They commit in the order of their numbers: each has the lock of its stream
 * when it draws one.
 * @param loader reads the ledger
 */
export async function newLoads(loader: Client, { trigger }: ScheduleLine, seen: unknown): Promise<Arrival> {
  if (trigger.kind !== "load") return undefined;
  const table = id(trigger.schema, "_load");
  const there = await loader.query<{ there: string }>(sql`select to_regclass($1) is not null as there`, [
    table.toString(),
  ]);
  if (there.rows[0]!.there !== "t") return seen === null ? { seen: "0", came: undefined } : undefined;
  const { rows } = await loader.query<{ ids: string; last: string | null }>(
    sql`
      select
        coalesce(jsonb_agg(load_id::text order by load_id) filter (where load_id > $3::bigint), '[]') as ids,
        max(load_id) as last
      from ${table}
      where source = $1 and stream = $2 and status = 'loaded'`,
    [trigger.source, trigger.stream, typeof seen === "string" ? seen : "0"],
  );
  const ids = JSON.parse(rows[0]!.ids) as string[];
  const last = rows[0]!.last ?? "0";
  // A ledger that was made anew counts from 1 again.
  const isAnew = typeof seen === "string" && BigInt(last) < BigInt(seen);
  if (seen !== null && !isAnew && !ids.length) return undefined;
  return { seen: last, came: ids.length ? { loads: ids.slice(-MOST_TOLD), count: ids.length } : undefined };
}

/** Of what set a due going, so many names are recorded. */
const MOST_TOLD = 100;

/** Contents of files by path, as the filesystem tells them apart. */
export type FilesSeen = Readonly<Record<string, string>>;

/** Where the files of a line are looked for. */
export interface FollowedFiles {
  readonly connector: FilesDeclaration;
  readonly glob: string;
}

export async function listFiles({ connector, glob }: FollowedFiles): Promise<FilesSeen> {
  const filesystem = await openFilesystem(connector);
  try {
    const files = await filesystem.list(glob);
    return Object.fromEntries(
      files.map(({ path, size, modifiedAt, version }) => [
        path,
        [version ?? "", size ?? "", modifiedAt ?? ""].join("|"),
      ]),
    );
  } finally {
    await filesystem.close();
  }
}

/**
 * Files that came since the last look that was recorded. A file counts when two looks in a row found it the same: it is written no
 * more.
 * @param before the look before this one; undefined for the first
 */
export function newFiles(seen: unknown, before: FilesSeen | undefined, now: FilesSeen): Arrival {
  if (seen === null) return { seen: now, came: undefined };
  const known = new Map(Object.entries(seen as FilesSeen));
  const last = new Map(Object.entries(before ?? {}));
  const came = Object.entries(now).filter(
    ([path, content]) => known.get(path) !== content && last.get(path) === content,
  );
  const gone = [...known.keys()].filter((path) => !Object.hasOwn(now, path));
  if (!came.length && !gone.length) return undefined;
  for (const path of gone) known.delete(path);
  for (const [path, content] of came) known.set(path, content);
  const paths = came.map(([path]) => path);
  return {
    seen: Object.fromEntries(known),
    came: paths.length ? { files: paths.slice(0, MOST_TOLD), count: paths.length } : undefined,
  };
}
