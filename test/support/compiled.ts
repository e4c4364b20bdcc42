import { createHash, randomUUID } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { runCompiler as compileAnew } from "../../src/compile/sandbox.ts";

export type * from "../../src/compile/sandbox.ts";

/*
 * Stands in for src/compile/sandbox.ts where the compiler is not what is tested (vitest.config.ts says where): of the same
 * project, compiled by the same compiler, there is one answer. It is kept in node_modules/.cache, so that the same tests on
 * another server, or once more, compile nothing. What fails is not kept, nor what names the project's folder.
 */

const root = resolve(import.meta.dirname, "../..");
const require = createRequire(import.meta.url);
let known: string | undefined;

export const runCompiler: typeof compileAnew = async (compilation) => {
  const { project, overrides, raw, seeds, corePath } = compilation;
  const { projectDir, files } = project;
  const hash = createHash("sha256").update(
    JSON.stringify([overrides, corePath, (await raw).tables, (await seeds).seeds]),
  );
  for (const file of files) hash.update(`\0${file}\0`).update(readFileSync(join(projectDir, file)));
  known ??= join(root, "node_modules/.cache/compiled", compilerHash());
  const kept = join(known, `${hash.digest("hex")}.json`);
  try {
    return JSON.parse(readFileSync(kept, "utf8")) as Awaited<ReturnType<typeof compileAnew>>;
  } catch {
    // Not yet.
  }
  const answer = await compileAnew(compilation);
  const text = JSON.stringify(answer);
  if (!answer.graph.graphErrors?.compilationErrors?.length && !text.includes(JSON.stringify(projectDir).slice(1, -1))) {
    mkdirSync(known, { recursive: true });
    const unfinished = `${kept}.${randomUUID()}`;
    writeFileSync(unfinished, text);
    renameSync(unfinished, kept);
  }
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
