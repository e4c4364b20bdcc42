import { named } from "../model/counted.ts";
import type { AbsentTable } from "../model/report.ts";
import { landing } from "../run/missing-relation.ts";
import { paint } from "./paint.ts";
import type { Shell } from "./shell.ts";
import { renderSections } from "./show/section.ts";

/** A file that declares tables which are not there, and what brings them. */
interface AwaitedSource {
  readonly file: string;
  readonly tables: readonly string[];
  readonly remedy: string;
}

/** The sources that steps wait for, each once. @param waiting for each such step, what it waits for */
export function awaitedBySource(waiting: readonly (readonly AbsentTable[])[]): AwaitedSource[] {
  const files = [...new Set(waiting.flat().map(({ file }) => file))].sort();
  return files.map((file) => {
    const tables = waiting.flat().filter((table) => table.file === file);
    return {
      file,
      tables: [...new Set(tables.map(({ name }) => name))].sort(),
      remedy: landing(file, tables[0]!.isCollected) ?? `declared in ${file}`,
    };
  });
}

/** One line for each source. */
export function sayAwaited(sources: readonly AwaitedSource[], shell: Shell): string[] {
  if (!sources.length) return [];
  const title = `${paint(shell, "red", "error")} nothing has landed yet in tables that models read:`;
  const items = sources.map(({ tables, remedy }) => ({ text: remedy, note: named(tables, 1) }));
  return renderSections([{ title, items }], shell.width?.stderr);
}

/** The same as errors, for who reads no terminal. */
export function awaitedErrors(sources: readonly AwaitedSource[]) {
  return sources.map(({ file, tables, remedy }) => ({
    message: `${tables.join(", ")} not there yet`,
    location: { file },
    hint: remedy,
  }));
}
