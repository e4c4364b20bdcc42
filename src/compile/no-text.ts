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
  const traces = new Map(graph.traces.map((trace) => [trace.text, trace]));
  const told = new Set<string>();
  return allTexts(graph).flatMap(({ file, text, whose }) =>
    [...printedIn(text, noTexts, traces.get(text))].flatMap(([at, value]) => {
      const key = JSON.stringify([value.file, value.offset, file]);
      if (told.has(key)) return [];
      told.add(key);
      return [refusal(value, whose, placeOf(graph.traces, read, file, text, at), read)];
    }),
  );
}

/** The values in a text, by their place: of those that print the same, the one with most of the text around it. */
function printedIn(text: string, noTexts: readonly NoText[], trace: Trace | undefined): ReadonlyMap<number, NoText> {
  const found = new Map<number, NoText>();
  for (const value of noTexts) {
    const at = findIn(text, value, trace);
    const other = at === undefined ? undefined : found.get(at);
    const more = value.text.length - (other?.text.length ?? 0);
    if (at !== undefined && (more > 0 || (more === 0 && value.file === trace?.file))) found.set(at, value);
  }
  return found;
}

/** Where the value stands in a text, other than in a comment. The same may stand before as it is meant. */
function findIn(text: string, value: NoText, trace: Trace | undefined): number | undefined {
  const made = value.text.trim();
  // A list of nothing prints as nothing.
  if (made === "") return undefined;
  const within = Math.max(0, value.at - (value.text.length - value.text.trimStart().length));
  for (let start = text.indexOf(made); start >= 0; start = text.indexOf(made, start + made.length)) {
    const at = start + within;
    const token = isMade(at, value, trace) ? tokenAt(text, at) : undefined;
    if (token && isWrongIn(token, value)) return at;
  }
  return undefined;
}

/** Whether a placeholder made it. Where that is not known, the words that stand around it in both say so. */
function isMade(at: number, value: NoText, trace: Trace | undefined): boolean {
  let end = 0;
  const piece = trace?.pieces.find(([length]) => {
    end += length;
    return at < end;
  });
  if (piece && piece[2] !== 2) return piece[2] === 1;
  return /\w/.test(value.text.slice(0, value.at) + value.text.slice(value.at + value.length));
}

function tokenAt(text: string, at: number): Token | undefined {
  return tokenize(text).findLast(({ start }) => start <= at);
}

/** Of a number, a date or a function the text may be what is meant in quotes. */
function isWrongIn({ kind: token }: Token, { kind }: NoText): boolean {
  if (token === "comment") return false;
  return token !== "string" || /^(?:undefined|an object|a list .*|a number that JavaScript rounds)$/.test(kind);
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
  if (kind === "a number that JavaScript rounds")
    return "write it as a text, or with an n behind it: 12345678901234567890n";
  if (kind === "a function") return "call it: put its parentheses behind its name";
  if (kind === "a date") return "write it as a text: '${….toISOString()}'";
  if (kind.startsWith("a list")) return 'make texts of what is in it: .map(…).join(", ")';
  return "name the part of it that is meant, as in ${x.name}; of a relation write ${ref(…)}";
}
