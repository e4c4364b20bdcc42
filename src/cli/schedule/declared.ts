import { basename } from "node:path";
import { MISSING_VARIABLE } from "../../config/declare.ts";
import { ingestFiles } from "../../config/ingest-files.ts";
import { loadIngest } from "../../config/load-ingest.ts";
import type { IngestDeclaration } from "../../model/declarations.ts";
import { UserErrors } from "../../model/errors.ts";
import type { ScheduleLine } from "../../model/schedule.ts";
import { type Known, knownOf } from "../../schedule/declare/names.ts";
import { readSchedules } from "../../schedule/declare/read-schedules.ts";
import { compileProject } from "../compiling.ts";
import type { ProjectFlags } from "../options.ts";
import type { Shell } from "../shell.ts";

interface Declared {
  readonly lines: readonly ScheduleLine[];
  /** What their names were looked for in. */
  readonly known: Known;
}

/** The lines of the project, with every name in them looked for. */
export async function declaredLines(shell: Shell, flags: ProjectFlags): Promise<Declared> {
  const graph = await compileProject(shell, flags);
  const files = ingestFiles(shell.projectDir);
  const declarations = files.flatMap((file) => readWhereSet(shell, file));
  const known = knownOf(
    graph,
    declarations,
    files.map((file) => basename(file).replace(/\.ya?ml$/, "")),
  );
  return { lines: readSchedules(shell.projectDir, known), known };
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
