import type { UserErrorDetails } from "../../src/model/errors.ts";

type Random = (below: number) => number;

/** What people, editors, exports and networks put where it does not belong. */
const PIECES = [
  ..."{}[]()'\"`\\,;:#$%&|<>!?*-=@~^",
  ..."\n\r\t\v\0 \u00a0\u2028\ufeffé😀",
  "\r\n",
  "${",
  "{{ ref('a') }}",
  "--",
  "/*",
  "*/",
  "$$",
  "&a",
  "*a",
  "!!js/function",
  "<<: ",
  "<!DOCTYPE x>",
  "<![CDATA[",
  "\ud800",
  "[".repeat(300),
  "a".repeat(3000),
];

/** In place of a word or a value. */
const WORDS = [
  ...["null", "true", "false", "[]", "{}", "[[]]", '""', "''", '"\\u0000"', "-1", "0", "1.5", "1e999", "NaN", "~"],
  ...["__proto__", "constructor", "toString", "raw", "public", "select", "9".repeat(40), "../..", "é"],
  ...["[null]", "{a: 1}", '{"type": "x"}', "${HOME}", "${UNSET_VARIABLE}", "2026-02-30", "(", "[", "?", "%"],
];

const OPERATIONS: readonly ((text: string, random: Random) => string)[] = [
  // A piece goes, comes twice, comes from elsewhere; the rest is cut off.
  (text, random) => spliced(text, random, () => ""),
  (text, random) => spliced(text, random, (piece) => piece + piece),
  (text, random) => spliced(text, random, () => sliceOf(text, random)),
  (text, random) => text.slice(0, random(text.length + 1)),
  // Something comes between.
  (text, random) => spliced(text, random, (piece) => PIECES[random(PIECES.length)]! + piece),
  (text, random) => spliced(text, random, (piece) => PIECES[random(PIECES.length)]! + piece),
  // A word, a line is another one.
  (text, random) => oneOf(text, /"[^"\n]*"|[\w.-]+/g, random, () => WORDS[random(WORDS.length)]!),
  (text, random) => oneOf(text, /"[^"\n]*"|[\w.-]+/g, random, () => WORDS[random(WORDS.length)]!),
  (text, random) =>
    oneOf(text, /[^\n]*\n/g, random, (line) => ["", line + line, `  ${line}`, line.trimStart()][random(4)]!),
  // A byte is another one.
  (text, random) => spliced(text, random, (piece) => String.fromCharCode(random(256)) + piece.slice(1)),
];

/** One to three changes of bytes, each letter of the text being one. */
export function mutated(bytes: Buffer, random: Random): Buffer {
  let text = bytes.toString("latin1");
  for (let left = 1 + random(3); left > 0; left--) text = OPERATIONS[random(OPERATIONS.length)]!(text, random);
  return Buffer.from(text, /[^\x00-\xff]/.test(text) ? "utf8" : "latin1");
}

function spliced(text: string, random: Random, change: (piece: string) => string): string {
  const from = random(text.length + 1);
  const to = Math.min(text.length, from + random(20));
  return text.slice(0, from) + change(text.slice(from, to)) + text.slice(to);
}

function sliceOf(text: string, random: Random): string {
  const from = random(text.length + 1);
  return text.slice(from, from + random(40));
}

function oneOf(text: string, pattern: RegExp, random: Random, change: (found: string) => string): string {
  const found = [...text.matchAll(pattern)];
  const one = found[random(found.length || 1)];
  return one ? text.slice(0, one.index) + change(one[0]) + text.slice(one.index + one[0].length) : text;
}

/** What a person is never to read: an exception's own words, or that of a value which was none. */
const OWN_WORDS =
  /\b\w{1,2}\.\w+ is not a function|Cannot read|is not iterable|is not valid JSON|\[object Object\]|(?:Type|Range|Syntax|Reference)Error|Maximum call stack|Invalid (?:array|string) length|ERR_|\bundefined\b(?!")|defect of dataform/;
/** Those that are right where somebody wrote JavaScript. */
const WORDS_OF_THE_LANGUAGE = /is not (?:defined|a function)|Unexpected (?:token|end of|identifier)/;
const STACK = /^\s+at .+:\d+:\d+\)?$/m;

const EXIT_CODES = [0, 1, 2, 3, 75, 130];

/** What is wrong with an error: it has to say what, and where, what was expected or what to do. Empty where nothing is. */
export function complaints({ message, location, expected, found, hint }: UserErrorDetails): string[] {
  const said = [message, expected, hint].filter(Boolean).join("\n");
  return [
    ...(OWN_WORDS.test(message) || (WORDS_OF_THE_LANGUAGE.test(message) && !isCode(location))
      ? [`an exception's words: ${message}`]
      : []),
    ...(STACK.test(`${said}\n${found}`) ? [`a stack: ${said}\n${found}`] : []),
    ...(message && (location || expected || found || hint) ? [] : [`it says neither where nor what to do: ${message}`]),
  ];
}

const isCode = (location: UserErrorDetails["location"]) => /\.(?:sqlx|js)$/.test(location?.file ?? "");

/** The same of a command that was asked for `--json`. */
export function complaintsOf(exitCode: number, stdout: string, stderr: string): string[] {
  const wrong = [
    ...(EXIT_CODES.includes(exitCode) ? [] : [`exit code ${exitCode}`]),
    ...(STACK.test(stderr) ? [`a stack: ${stderr}`] : []),
    ...(/defect of dataform/.test(stderr) ? [stderr] : []),
  ];
  if (exitCode === 0 || !stdout.startsWith('{\n  "version": 1,\n  "status": "error"')) return wrong;
  return [...wrong, ...(JSON.parse(stdout) as { errors: UserErrorDetails[] }).errors.flatMap(complaints)];
}
