import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { CACHE_VERSION, type Kept, type LineageCache } from "./cache.ts";

/**
 * A cache in a file, which may be deleted at any time. Whatever is not as this version writes it is as none; and where nothing can
 * be written, nothing is kept.
 */
export function cacheFile(path: string): LineageCache {
  return {
    read: async () => {
      try {
        const found = JSON.parse(await readFile(path, "utf8")) as {
          readonly version?: unknown;
          readonly kept?: unknown;
        };
        return found.version === CACHE_VERSION ? (found.kept as Record<string, Kept>) : {};
      } catch {
        return {};
      }
    },
    write: async (kept) => {
      const unfinished = `${path}.${process.pid}`;
      try {
        await mkdir(dirname(path), { recursive: true });
        await writeFile(unfinished, JSON.stringify({ version: CACHE_VERSION, kept }));
        await rename(unfinished, path);
      } catch {
        // It is asked for again the next time.
      }
    },
  };
}
