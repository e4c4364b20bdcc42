import { execFile } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { promisify } from "node:util";
import ts from "typescript";

export const root = resolve(import.meta.dirname, "../..");
const tools = join(root, "test/servers/node_modules/.bin");

/** Whether test/servers is installed, which has the checkers and tells that there is a registry. */
export const hasTools = existsSync(join(tools, "publint"));

export interface Output {
  readonly code: number;
  /** What it printed on both streams. */
  readonly text: string;
}

/** Runs a program to its end, whatever that is. */
export async function runs(program: string, args: readonly string[], cwd: string): Promise<Output> {
  try {
    const { stdout, stderr } = await promisify(execFile)(program, args, { cwd, maxBuffer: 1 << 26 });
    return { code: 0, text: stdout + stderr };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { code, text: stdout + stderr };
  }
}

export const tool = (name: string, args: readonly string[], cwd: string) => runs(join(tools, name), args, cwd);

/** A clone in `dir`, built as this one is: `npm run build` does nothing more there. */
export function cloneInto(dir: string): string {
  const clone = join(dir, "clone");
  const left = new Set([".git", ".dataform", "node_modules", "target"]);
  cpSync(root, clone, { recursive: true, filter: (path) => !left.has(basename(path)) });
  const manifest = join(clone, "package.json");
  const { scripts, ...others } = JSON.parse(readFileSync(manifest, "utf8"));
  writeFileSync(manifest, JSON.stringify({ ...others, scripts: { ...scripts, build: "node -e 0" } }));
  return clone;
}

/** A project with the unpacked package and, of what else there is, these packages only. */
export async function projectWith(
  tarball: string,
  dir: string,
  { packages, files }: { packages: readonly string[]; files: Readonly<Record<string, string>> },
): Promise<void> {
  const modules = join(dir, "node_modules");
  mkdirSync(join(modules, "dataform-postgres"), { recursive: true });
  await runs("tar", ["-xzf", tarball, "--strip-components=1", "-C", join(modules, "dataform-postgres")], dir);
  for (const name of packages) {
    mkdirSync(dirname(join(modules, name)), { recursive: true });
    symlinkSync(join(root, "node_modules", name), join(modules, name), "junction");
  }
  for (const [name, text] of Object.entries(files)) writeFileSync(join(dir, name), text);
}

/**
 * What the compiler has to say of a project's files and of the package's declarations. Those of other packages are read, not
 * checked: TypeBox alone takes 15 s.
 */
export function typeErrors(dir: string, compilerOptions: object): string[] {
  const { fileNames, options } = ts.parseJsonConfigFileContent({ compilerOptions }, ts.sys, dir);
  const program = ts.createProgram(fileNames, options);
  const own = program.getSourceFiles().filter(({ fileName }) => {
    const [, ...packages] = fileName.split("/node_modules/");
    return fileName.startsWith(dir) && packages.every((path) => path.startsWith("dataform-postgres/"));
  });
  const found = [
    ...program.getOptionsDiagnostics(),
    ...program.getGlobalDiagnostics(),
    ...program.getSyntacticDiagnostics(),
    ...own.flatMap((file) => program.getSemanticDiagnostics(file)),
  ];
  return found.map((one) => ts.formatDiagnostic(one, ts.createCompilerHost(options)).trim());
}
