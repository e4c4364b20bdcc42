import { execFileSync } from "node:child_process";
import { closeSync, mkdirSync, openSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { OnEnd } from "../project.ts";

/** Why no disk can be made here; undefined where one can. */
export const noDisk: string | undefined = process.getuid?.() === 0 ? undefined : "only root mounts a disk";

export interface SmallDisk {
  readonly folder: string;
  /** Takes all the room that is left. */
  fill(): void;
  /** Gives it back. */
  free(): void;
}

/** A file system of its own, in memory, of so many megabytes. */
export function smallDisk(folder: string, megabytes: number, onEnd: OnEnd): SmallDisk {
  mkdirSync(folder, { recursive: true });
  execFileSync("mount", ["-t", "tmpfs", "-o", `size=${megabytes}m,mode=777`, "tmpfs", folder]);
  onEnd(() => void execFileSync("umount", ["--lazy", folder]));
  const filler = join(folder, "filler");
  return {
    folder,
    fill: () => {
      const file = openSync(filler, "w");
      const block = Buffer.alloc(4096, 1);
      try {
        for (;;) writeSync(file, block);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
      } finally {
        closeSync(file);
      }
    },
    free: () => rmSync(filler),
  };
}
