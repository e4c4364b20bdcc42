import { existsSync, readFileSync, statfsSync } from "node:fs";

/**
 * A file system in memory, if there is one for data and programs. Every test makes a database of 300 files and deletes it, and on
 * ext4 half of the time went into looking for an inode that has not been deleted lately.
 */
export function roomInMemory(): string | undefined {
  const folder = "/dev/shm";
  if (process.platform !== "linux" || !existsSync(folder)) return undefined;
  const { bavail, bsize } = statfsSync(folder);
  const [, , , options = ""] =
    readFileSync("/proc/mounts", "utf8")
      .match(/^\S+ \/dev\/shm .*$/m)?.[0]
      .split(" ") ?? [];
  return bavail * bsize >= 4 * 2 ** 30 && !options.split(",").includes("noexec") ? folder : undefined;
}
