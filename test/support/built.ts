import { execSync } from "node:child_process";
import { readdirSync, statSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { buildSync } from "esbuild";

const root = resolve(import.meta.dirname, "../..");

/** The command line as it is installed, for tests whose subject is a process. */
export const program = join(root, "bin/dataform.js");

/** Builds `dist/` where a file of `src/` is newer: nobody tests an old build. */
export function buildWhatIsNew(): void {
  const built = statSync(join(root, "dist/cjs/package.json"), { throwIfNoEntry: false })?.mtimeMs ?? 0;
  const sources = readdirSync(join(root, "src"), { recursive: true, encoding: "utf8" });
  if (sources.some((name) => statSync(join(root, "src", name)).mtimeMs > built))
    execSync("npm run -s prepare", { cwd: root, stdio: "inherit" });
}

/** A program of test/support/ as one file of JavaScript: Node starts it in a third of the time that tsx takes. */
export function bundled(script: string): string {
  const outfile = join(root, "node_modules/.cache/children", `${basename(script, ".ts")}-${process.pid}.mjs`);
  buildSync({
    entryPoints: [join(import.meta.dirname, script)],
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    packages: "external",
  });
  return outfile;
}
