import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import type { SourceLocation } from "../model/errors.ts";
import { escapePattern } from "../model/escape-pattern.ts";
import { snippetAt } from "../sql/locate.ts";
import type { ProjectFiles } from "./project.ts";

export type Range = readonly [start: number, end: number];
/** Statements, each the ranges of its text. */
type Statements = readonly (readonly Range[])[];

/** Where the blocks of an SQLX file stand in it. */
export const { readLayout } = createRequire(import.meta.url)("./layout.cjs") as {
  readLayout(source: string): {
    readonly config?: Range;
    readonly configAgain?: number;
    readonly sql: Statements;
    readonly comments: readonly Range[];
    readonly pre?: Statements;
    readonly post?: Statements;
    readonly where?: Statements;
    readonly inputs: readonly Statements[];
    readonly unclosed?: { readonly name: string; readonly start: number };
  };
};

/** The text of a project file, or "" when it cannot be read (the location then has no line). */
export function readSource(projectDir: string, file: string): string {
  try {
    return readFileSync(join(projectDir, file), "utf8");
  } catch {
    return "";
  }
}

/** The same, line breaks as `\n`: what places count in. */
export function readLines(projectDir: string, file: string): string {
  return readSource(projectDir, file).replaceAll("\r\n", "\n");
}

/** The path inside of the project, of a file that core may name by its whole path. */
export function projectPath(file: string, project: ProjectFiles): string {
  const base = `${project.projectDir}/`;
  return file.startsWith(base) ? file.slice(base.length) : file;
}

/** The first place in the file that matches, as a location; the file alone when nothing does. */
export function findInSource(projectDir: string, file: string, pattern: RegExp): SourceLocation {
  const text = readSource(projectDir, file);
  const match = pattern.exec(text);
  return match ? locationAt(file, text, match.index) : { file };
}

/** Where the text of an SQLX file begins that has nothing but a config; of every other file the file alone. */
export function endOfConfig(projectDir: string, file: string): SourceLocation {
  const text = readSource(projectDir, file);
  const end = file.endsWith(".sqlx") ? readLayout(text).config?.[1] : undefined;
  return end === undefined ? { file } : locationAt(file, text, end);
}

export function locationAt(file: string, text: string, offset: number): SourceLocation {
  const before = text.slice(0, offset);
  return { file, line: before.split("\n").length, column: offset - before.lastIndexOf("\n") };
}

/** The offset of a place that has line and column, in a text without carriage returns. */
export function offsetOf({ line, column }: SourceLocation, text: string): number {
  const before = text.split("\n").slice(0, line! - 1);
  return before.reduce((length, one) => length + one.length + 1, 0) + column! - 1;
}

/** A name or a text of an author as a pattern; of what is longer than one may be, as much as can be looked for. */
export function authorsPattern(text: string): string {
  return escapePattern(text.slice(0, LONGEST_PATTERN));
}

const LONGEST_PATTERN = 10_000;

/** The first character at or behind an offset that is no white space. */
export function placeAfterSpace(file: string, offset: number, { projectDir }: ProjectFiles) {
  const text = readSource(projectDir, file);
  const at = offset + text.slice(offset).search(/\S|$/);
  return { location: locationAt(file, text, at), snippet: snippetAt(text, at) };
}

/** The line of a location, with a caret under its column. */
export function lineOf({ file, line, column }: SourceLocation, project: ProjectFiles): string {
  const text = readSource(project.projectDir, file).split("\n")[line! - 1] ?? "";
  return `${line} | ${text}\n${" ".repeat(String(line).length)} | ${" ".repeat(column! - 1)}^`;
}
