import type { DeclaredLine } from "../../catalogue/schedules.ts";
import type { IngestDeclaration } from "../../model/declarations.ts";
import { formatUserError, UserError, UserErrors } from "../../model/errors.ts";
import type { CompiledGraph } from "../../model/graph.ts";
import { SCHEDULES_FILE } from "../../model/schedule.ts";
import { firstDue } from "../../schedule/decide.ts";
import { readDeclared } from "../../schedule/declare/read-schedules.ts";
import { paint } from "../paint.ts";
import type { Shell } from "../shell.ts";

/**
 * The lines of schedules.yaml for those who only look at them. A file with a mistake is left out and told: it is the scheduler's that
 * refuses it.
 * @param declarations of the sources that can be read
 */
export function linesToShow(
  shell: Shell,
  graph: CompiledGraph,
  declarations: readonly IngestDeclaration[],
): readonly DeclaredLine[] {
  try {
    const now = new Date();
    const { lines } = readDeclared(shell.projectDir, graph, declarations);
    return lines.map((line) => ({ line, nextDue: firstDue(line, undefined, now).nextDue?.toISOString() ?? null }));
  } catch (error) {
    if (!(error instanceof UserError || error instanceof UserErrors)) throw error;
    const [first] = error instanceof UserErrors ? error.errors : [error];
    shell.say(`${paint(shell, "yellow", "left out")} ${SCHEDULES_FILE}: ${formatUserError(first!)}`);
    return [];
  }
}
