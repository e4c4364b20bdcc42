import type { Glob } from "../files/glob.ts";

/** What a folder holds. */
export interface Entry {
  readonly name: string;
  readonly kind: "file" | "folder" | "other";
  readonly size?: number;
  readonly modifiedAt?: string;
}

export interface FoundFile extends Omit<Entry, "name" | "kind"> {
  /** Below the folder that is read, with slashes. */
  readonly path: string;
}

/** Folders within folders deeper than this are a circle. */
const MAX_FOLDERS = 64;

/**
 * Files that match, by path. `list` is asked only for folders that may hold some; "" is the folder that is read.
 * @param goOn is asked after each folder, with how many were found; it throws where that is enough
 */
export async function walk(
  glob: Glob,
  list: (folder: string) => Promise<readonly Entry[]>,
  goOn: (files: number) => void,
): Promise<readonly FoundFile[]> {
  const found: FoundFile[] = [];
  const folders = [glob.base];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    for (const { name, kind, ...entry } of await list(folder)) {
      // A name is never a way out of its folder, whatever the server says.
      if (name === "" || name.startsWith(".") || /[/\\\0]/.test(name)) continue;
      const path = folder === "" ? name : `${folder}/${name}`;
      if (kind === "file" && glob.matches(path)) found.push({ path, ...entry });
      if (kind === "folder" && glob.mayHold(path) && path.split("/").length <= MAX_FOLDERS) folders.push(path);
    }
    goOn(found.length);
  }
  return byPath(found);
}

/** In an order that does not depend on the server or the language. */
export function byPath<T extends { readonly path: string }>(files: T[]): readonly T[] {
  return files.sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
}
