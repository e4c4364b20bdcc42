import { UserError } from "../model/errors.ts";
import type { CompiledGraph, Trace } from "../model/graph.ts";
import { placeOf, positionAt, snippetAt } from "../sql/locate.ts";
import { type Token, tokenize } from "../sql/tokens.ts";
import type { NoText } from "./sandbox.ts";
import { readLines } from "./source.ts";
import { allTexts } from "./texts.ts";

// `${this}`, `${ref}` and what is not there print as [object Object], as the code of a function, as undefined. In a string
// that is a wrong value without a word; elsewhere PostgreSQL would only say that it is no SQL.

/** Refuses values that are no text in the SQL of the graph, each at its placeholder and with what to write instead. */
export function checkNoTexts(graph: CompiledGraph, noTexts: readonly NoText[], projectDir: string): UserError[] {
  if (!noTexts.length) return [];
  const read = (name: string) => readLines(projectDir, name);
  const told = new Set<string>();
  return allTexts(graph).flatMap(({ file, text, whose }) =>
    noTexts.flatMap((value) => {
      const at = findIn(text, value, graph.traces);
      const key = JSON.stringify([value.file, value.offset, file]);
      if (at === undefined || told.has(key)) return [];
      told.add(key);
      const outer = placeOf(graph.traces, read, file, text, at);
      return [refusal(value, whose, outer, read)];
    }),
  );
}

/** Where the value stands in a text, other than in a comment. */
function findIn(text: string, value: NoText, traces: readonly Trace[]): number | undefined {
  const made = value.text.trim();
  const start = text.indexOf(made);
  if (start < 0) return undefined;
  const at = start + Math.max(0, value.at - (value.text.length - value.text.trimStart().length));
  if (!isMade(text, at, traces)) return undefined;
  const token = tokenAt(text, at);
  return token && isWrongIn(token, value) ? at : undefined;
}

/** Whether a placeholder made it, as far as that is known. */
function isMade(text: string, at: number, traces: readonly Trace[]): boolean {
  const pieces = traces.find((trace) => trace.text === text)?.pieces ?? [];
  let end = 0;
  const piece = pieces.find(([length]) => {
    end += length;
    return at < end;
  });
  return piece === undefined || Boolean(piece[2]);
}

function tokenAt(text: string, at: number): Token | undefined {
  return tokenize(text).findLast(({ start }) => start <= at);
}

/** Of a number, a date or a function the text may be what is meant in quotes. */
function isWrongIn({ kind: token }: Token, { kind }: NoText): boolean {
  if (token === "comment") return false;
  return token !== "string" || kind === "undefined" || kind === "an object" || kind.startsWith("a list");
}

function refusal(
  { kind, file, offset, written }: NoText,
  whose: string,
  outer: ReturnType<typeof placeOf>,
  read: (file: string) => string,
): UserError {
  const text = read(file);
  const place =
    offset === undefined || !text
      ? outer
      : { location: { file, ...positionAt(text, offset) }, snippet: snippetAt(text, offset) };
  const isElsewhere = place.location.file !== outer.location.file;
  return new UserError({
    message: `${whose}: \${…} is ${kind}, and no SQL`,
    ...place,
    ...(isElsewhere ? { calledFrom: [outer.location] } : {}),
    expected: "a text or a number, or a call that gives one",
    found: written,
    hint: adviceOn(written, kind),
  });
}

const CONTEXT_CALL = /^\$\{\s*(ref|self|resolve|when|incremental|name|schema|database)\s*\}$/;
const ADVICE: Readonly<Record<string, string>> = {
  ref: 'write ${ref("…")}',
  resolve: 'write ${resolve("…")}',
  when: "write ${when(…, `…`)}",
};

function adviceOn(written: string, kind: string): string {
  const called = CONTEXT_CALL.exec(written)?.[1];
  if (called) return ADVICE[called] ?? `write \${${called}()}`;
  if (/^\$\{\s*this\s*\}$/.test(written)) return "write ${self()}";
  const variable = /\.vars\.([\w$]+)\s*\}$/.exec(written)?.[1];
  if (kind === "undefined" || kind === "a number that is none")
    return variable
      ? `give ${variable} a value in vars of the project file, or with --vars`
      : "look for a name that is spelled otherwise, or a value that was not handed over; `?? …` says what it is without one";
  if (kind === "a function") return "call it: put its parentheses behind its name";
  if (kind === "a date") return "write it as a text: '${….toISOString()}'";
  if (kind.startsWith("a list")) return 'make texts of what is in it: .map(…).join(", ")';
  return "name the part of it that is meant, as in ${x.name}; of a relation write ${ref(…)}";
}
