import { chmodSync, chownSync, existsSync, mkdirSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

/**
 * Makes a folder of state that is not committed, and the one above it.
 * @param folder in the folder of the project's state: `<project>/.dataform/postgres`
 */
export function makeStateFolder(folder: string): void {
  const stateDir = dirname(resolve(folder));
  const before = [stateDir, folder].filter((path) => !existsSync(path));
  mkdirSync(folder, { recursive: true });
  for (const path of before) {
    if (process.getuid?.() === 0) chmodSync(path, 0o755); // whatever the umask: the server user must pass
    giveToProjectOwner(path, stateDir);
  }
  if (before.includes(folder)) writeFileSync(join(folder, ".gitignore"), "*\n");
}

/** With sudo, what we create in somebody's project is theirs. */
export function giveToProjectOwner(path: string, stateDir: string): void {
  if (process.getuid?.() !== 0) return;
  const { uid, gid } = statSync(dirname(resolve(stateDir)));
  if (uid !== 0) chownSync(path, uid, gid);
}
