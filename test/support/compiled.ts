import { createHash, randomUUID } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { runCompiler as compileAnew } from "../../src/compile/sandbox.ts";

export type * from "../../src/compile/sandbox.ts";

/*
 * Stands in for src/compile/sandbox.ts (vitest.config.ts says where): of the same project, compiled by the same compiler, there is
 * one answer, with its errors and what was printed. It is kept in node_modules/.cache, so that the same tests on another server, or
 * once more, compile nothing; CI begins with none. What stops the compiler is not kept.
 */

interface Kept {
  readonly answer: Awaited<ReturnType<typeof compileAnew>>;
  readonly printed: readonly string[];
}

/** Stands for the project's folder in what is kept, which has no such escape otherwise. */
const FOLDER = "\\ue0ff";

const root = resolve(import.meta.dirname, "../..");
const require = createRequire(import.meta.url);
let known: string | undefined;

export const runCompiler: typeof compileAnew = async (compilation) => {
  const { project, overrides, raw, seeds, corePath, onPrinted } = compilation;
  const { projectDir, files } = project;
  const folder = JSON.stringify(projectDir).slice(1, -1);
  const hash = createHash("sha256").update(
    JSON.stringify([overrides, corePath, (await raw).tables, (await seeds).seeds]),
  );
  for (const file of files) hash.update(`\0${file}\0`).update(readFileSync(join(projectDir, file)));
  known ??= join(root, "node_modules/.cache/compiled", compilerHash());
  const kept = join(known, `${hash.digest("hex")}.json`);
  try {
    const { answer, printed } = JSON.parse(readFileSync(kept, "utf8").replaceAll(FOLDER, folder)) as Kept;
    for (const piece of printed) onPrinted?.(piece);
    return answer;
  } catch {
    // Not yet.
  }
  const printed: string[] = [];
  const hear = (piece: string) => {
    printed.push(piece);
    onPrinted?.(piece);
  };
  const answer = await compileAnew({ ...compilation, onPrinted: hear });
  mkdirSync(known, { recursive: true });
  const unfinished = `${kept}.${randomUUID()}`;
  writeFileSync(unfinished, JSON.stringify({ answer, printed } satisfies Kept).replaceAll(folder, FOLDER));
  renameSync(unfinished, kept);
  return answer;
};

/** Of everything that an answer depends on besides the project: the compiler, the packaged functions, core and Node. */
function compilerHash(): string {
  const hash = createHash("sha256").update(process.version);
  hash.update(readFileSync(join(dirname(require.resolve("@dataform/core")), "package.json")));
  for (const folder of ["src/compile", "dist/cjs/library"]) {
    for (const name of readdirSync(join(root, folder), { recursive: true, encoding: "utf8" }).sort())
      if (/\.c?[jt]s$/.test(name)) hash.update(`\0${name}\0`).update(readFileSync(join(root, folder, name)));
  }
  return hash.digest("hex").slice(0, 16);
}
