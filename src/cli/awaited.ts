import type { AbsentTable } from "../model/report.ts";
import { paint } from "./paint.ts";
import type { Shell } from "./shell.ts";

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
    const source = /^ingest\/(.+)\.yaml$/.exec(file)?.[1];
    return {
      file,
      tables: [...new Set(tables.map(({ name }) => name))].sort(),
      remedy: source === undefined ? `declared in ${file}` : `dataform ingest ${source}`,
    };
  });
}

/** One line for each source, in 80 columns where names allow it. */
export function sayAwaited(sources: readonly AwaitedSource[], shell: Shell): string[] {
  if (!sources.length) return [];
  const width = Math.max(...sources.map(({ remedy }) => remedy.length));
  return [
    `${paint(shell, "red", "error")} nothing has landed yet in tables that models read:`,
    ...sources.map(({ tables: [first, ...more], remedy }) => {
      const others = more.length ? ` and ${more.length} more` : "";
      return `  ${remedy.padEnd(width)}  ${first}${others}`;
    }),
  ];
}
