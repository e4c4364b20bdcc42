import { existsSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { runTool } from "../process.ts";

/** A commit, built in a folder of its own. */
export interface Side {
  readonly name: string;
  readonly folder: string;
}

/** @param commit as git understands it */
export function builtCommit(root: string, cache: string, commit: string): Side {
  const name = runTool("git", ["rev-parse", "--short=8", `${commit}^{commit}`], { cwd: root }).trim();
  const folder = join(cache, "guard", name);
  if (!existsSync(join(folder, "dist", "cli", "main.js"))) {
    process.stderr.write(`building ${name}\n`);
    rmSync(folder, { recursive: true, force: true });
    runTool("git", ["worktree", "prune"], { cwd: root });
    runTool("git", ["worktree", "add", "--detach", "--force", folder, name], { cwd: root });
    const lock = (of: string) => readFileSync(join(of, "package-lock.json"), "utf8");
    // The same packages are there already.
    if (lock(folder) === lock(root)) symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
    else runTool("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"], { cwd: folder });
    runTool("npm", ["run", "-s", "build"], { cwd: folder });
  }
  return { name, folder };
}
