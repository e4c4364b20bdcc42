import type { CompiledGraph } from "../../model/graph.ts";
import { meantBy, type Reference, referencesIn } from "./references.ts";

/** What stands behind a relation in SQL and is no alias of it. */
const NO_ALIAS = new Set(
  "as cross except fetch for full group having inner intersect join lateral left limit natural offset on order right set tablesample union using where window".split(
    " ",
  ),
);

/** By the word that a query calls it, the keys of the relations that a text reads. Pure. */
export function aliasesIn(file: string, text: string, graph: CompiledGraph): ReadonlyMap<string, string> {
  const aliases = new Map<string, string>();
  for (const reference of referencesIn(file, text)) {
    const key = meantBy(reference, graph);
    if (key === undefined) continue;
    aliases.set(reference.name, key);
    const alias = aliasBehind(text.slice(reference.end));
    if (alias !== undefined) aliases.set(alias, key);
  }
  return aliases;
}

function aliasBehind(text: string): string | undefined {
  const [, word] = /^\s*\}\s*(?:as\s+)?"?([\p{L}_][\p{L}\p{N}_$]*)/iu.exec(text) ?? [];
  return word === undefined || NO_ALIAS.has(word.toLowerCase()) ? undefined : word;
}

export function referenceAt(file: string, text: string, offset: number): Reference | undefined {
  return referencesIn(file, text).find(({ start, end }) => start <= offset && offset <= end);
}

/** The word around a place, and the one that it is of: `o` and `amount` in `o.amount`. */
export function wordAround(text: string, offset: number): { readonly word: string; readonly of?: string } | undefined {
  const before = /(?:([\p{L}\p{N}_$]+)"?\.)?"?([\p{L}\p{N}_$]*)$/u.exec(text.slice(0, offset))!;
  const behind = /^[\p{L}\p{N}_$]*/u.exec(text.slice(offset))![0];
  const word = before[2]! + behind;
  if (word === "") return undefined;
  return { word, ...(before[1] === undefined ? {} : { of: before[1] }) };
}

/** What is being typed at the end of a text: the name of a relation, a column, or neither. */
export type Typed =
  | { readonly what: "relation"; readonly schema?: string; readonly typed: string }
  | { readonly what: "column"; readonly of?: string };

const IN_CALL = /\b(?:ref|resolve)\(\s*(?:["'`]([^"'`\n]*)["'`]\s*,\s*)?["'`]([^"'`\n]*)$/;
const IN_LIST = /(?:\bdependencies\s*:\s*(?:\[[^\]]*)?|\bdataset\s*:\s*|^\s*input\s+)["'`]([^"'`\n]*)$/m;
const IN_YAML = /^\s*(?:-\s+)?(?:\{\s*)?from:\s*["']?(?:([\w$]+)\.)?([\w$]*)$/m;

export function typedAt(file: string, before: string): Typed | undefined {
  const line = before.slice(before.lastIndexOf("\n") + 1);
  const call = IN_CALL.exec(line);
  if (call) return { what: "relation", ...(call[1] === undefined ? {} : { schema: call[1] }), typed: call[2]! };
  if (/\.ya?ml$/.test(file)) {
    const from = IN_YAML.exec(line);
    if (!from) return undefined;
    return { what: "relation", ...(from[1] === undefined ? {} : { schema: from[1] }), typed: from[2]! };
  }
  const list = IN_LIST.exec(before);
  if (list) return { what: "relation", typed: list[1]! };
  if (!/\.(?:sqlx|sql)$/.test(file) || isInQuotes(line)) return undefined;
  const [, of] = /([\p{L}\p{N}_$]+)"?\.[\p{L}\p{N}_$]*$/u.exec(line) ?? [];
  return { what: "column", ...(of === undefined ? {} : { of }) };
}

const isInQuotes = (line: string): boolean => line.split("'").length % 2 === 0 || line.includes("--");
