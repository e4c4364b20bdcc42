import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { readProject } from "../../compile/project.ts";
import { formatFile } from "../../format/format-file.ts";
import type { CompiledGraph } from "../../model/graph.ts";

/** A file that is not laid out, and how it would be; or why it stays as it is. */
export interface FileToFormat {
  readonly file: string;
  readonly text?: string;
  readonly left?: string;
}

/** The files of the project that are not laid out, in the order of their names. `among`: only these. */
export function filesToFormat(projectDir: string, among?: ReadonlySet<string>): readonly FileToFormat[] {
  const { files } = readProject(projectDir);
  return files
    .filter((file) => /^definitions\/.*\.sqlx?$/.test(file) && (among?.has(file) ?? true))
    .flatMap((file): FileToFormat[] => {
      const source = readFileSync(join(projectDir, file), "utf8");
      const formatted = formatFile(file, source);
      if ("left" in formatted) return [{ file, left: formatted.left }];
      return formatted.text === source ? [] : [{ file, text: formatted.text }];
    });
}

/** Files whose code names others of the project by where they are. */
const COPIED = new Set(["definitions", "includes"]);

/** The project with other texts in some files, compiled beside it: nothing of it changes. */
export async function compiledWith(
  projectDir: string,
  files: readonly FileToFormat[],
  compile: (folder: string) => Promise<CompiledGraph>,
): Promise<CompiledGraph> {
  const folder = mkdtempSync(join(tmpdir(), "dataform-format-"));
  try {
    for (const name of readdirSync(projectDir)) {
      if (COPIED.has(name)) cpSync(join(projectDir, name), join(folder, name), { recursive: true });
      else if (!name.startsWith(".")) symlinkSync(join(projectDir, name), join(folder, name));
    }
    for (const { file, text } of files) {
      if (text === undefined) continue;
      mkdirSync(dirname(join(folder, file)), { recursive: true });
      writeFileSync(join(folder, file), text);
    }
    return await compile(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
