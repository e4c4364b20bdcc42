import { execSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { basename, dirname, join, relative, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { build, type Plugin } from "esbuild";

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

/**
 * For Vitest: what tests import from `src/` is what is built of it, as Node itself loads it. Vite would read, transform and wrap each
 * of 600 modules for each lane, and every use of an import would go through a getter. What is not built as a module (the packaged
 * functions, the page) comes from Vite.
 */
export const asBuilt = {
  name: "src as built",
  enforce: "pre" as const,
  resolveId(source: string, importer: string | undefined) {
    if (!importer || !source.startsWith(".") || !source.endsWith(".ts")) return undefined;
    const file = relative(join(root, "src"), resolve(dirname(importer), source));
    const built = join(root, "dist", file.replace(/ts$/, "js"));
    return !file.startsWith("..") && existsSync(built) ? { id: built, external: true } : undefined;
  },
};

/** A program of test/support/ as one file of JavaScript: Node starts it in a quarter of the time that tsx takes. */
export async function bundled(script: string): Promise<string> {
  const outfile = join(root, "node_modules/.cache/children", `${basename(script, ".ts")}-${process.pid}.mjs`);
  await build({
    entryPoints: [join(import.meta.dirname, script)],
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    packages: "external",
    plugins: [ownPlaces],
  });
  return outfile;
}

/** Files that stand beside a module are found from where it was. */
const ownPlaces: Plugin = {
  name: "own places",
  setup: ({ onLoad }) =>
    onLoad({ filter: /\.ts$/ }, ({ path }) => ({
      loader: "ts",
      contents: readFileSync(path, "utf8").replaceAll("import.meta.url", JSON.stringify(pathToFileURL(path).href)),
    })),
};
