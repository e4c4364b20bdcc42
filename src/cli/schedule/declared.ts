import { MISSING_VARIABLE } from "../../config/declare.ts";
import { ingestFiles } from "../../config/ingest-files.ts";
import { loadIngest } from "../../config/load-ingest.ts";
import type { IngestDeclaration } from "../../model/declarations.ts";
import { UserErrors } from "../../model/errors.ts";
import { type Declared, readDeclared } from "../../schedule/declare/read-schedules.ts";
import { compileProject } from "../compiling.ts";
import type { ProjectFlags } from "../options.ts";
import type { Shell } from "../shell.ts";

/** The lines of the project, with every name in them looked for. */
export async function declaredLines(shell: Shell, flags: ProjectFlags): Promise<Declared> {
  const { projectDir } = shell;
  const graph = await compileProject(shell, flags);
  return readDeclared(
    projectDir,
    graph,
    ingestFiles(projectDir).flatMap((file) => readWhereSet(shell, file)),
  );
}

/** None where a variable of the declaration is not set: whoever loads from it has it. */
function readWhereSet({ projectDir, env }: Shell, file: string): readonly IngestDeclaration[] {
  try {
    return [loadIngest(file, { projectDir, env, withoutSource: true })];
  } catch (error) {
    if (error instanceof UserErrors && error.errors.every(({ code }) => code === MISSING_VARIABLE)) return [];
    throw error;
  }
}
