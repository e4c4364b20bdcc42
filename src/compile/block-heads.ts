import { UserError } from "../model/errors.ts";
import type { ProjectFiles } from "./project.ts";
import { lineOf, locationAt, type Range, readLayout, readLines } from "./source.ts";

/** A line that begins as a block does. Core knows one spelling of each; every other is SQL to it. */
const HEAD =
  /^[^\S\n]*(config|js|pre_operations|post_operations|incremental_where|input)(\s*(?:["'`][^"'`\n]*["'`][^{\n]*)?)\{/gim;
const WRITTEN = /^(?:config|js|incremental_where|pre_operations|post_operations) \{|^input (?:"[\w-]+"(?:,\s*)?)+ \{/;

/** The first block of a file that begins or ends as none does: what follows it is read as something else. */
export function checkBlocks(file: string, project: ProjectFiles): UserError[] {
  const text = readLines(project.projectDir, file);
  const layout = readLayout(text);
  const within = (at: number) => (ranges: readonly Range[]) => ranges.some(([start, end]) => start <= at && at < end);
  const isSql = (at: number) => layout.sql.some(within(at)) && !within(at)(layout.comments);
  for (const match of text.matchAll(HEAD)) {
    const at = match.index + match[0].search(/\S/);
    const name = match[1]!;
    if (!isSql(at) || WRITTEN.test(text.slice(at))) continue;
    return [mistake(file, text, at, project, beginsNone(name))];
  }
  if (!layout.unclosed) return [];
  const { name, start } = layout.unclosed;
  return [mistake(file, text, text.lastIndexOf(name, start), project, isOpen(name))];
}

function beginsNone(name: string) {
  const word = name.toLowerCase();
  const head = word === "input" ? 'input "name" {, of two names input "schema", "name" {' : `${word} {`;
  return {
    message: `${name} begins no block here`,
    hint: `write it small, with one blank before the brace: ${head}`,
  };
}

function isOpen(name: string) {
  return {
    message: `the ${name} block that begins here is not closed`,
    expected: "a } for each { in it",
    hint: "close it with a } before what follows it",
  };
}

function mistake(file: string, text: string, at: number, project: ProjectFiles, said: { readonly message: string }) {
  const location = locationAt(file, text, at);
  return new UserError({ ...said, location, snippet: lineOf(location, project) });
}
