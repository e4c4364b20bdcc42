import type { SourceLocation } from "../model/errors.ts";
import type { ProjectFiles } from "./project.ts";
import { authorsPattern, findInSource, locationAt, offsetOf, readLines } from "./source.ts";

/** A key of an object that is written in a call; `within` counts the brackets around it. */
interface Key {
  readonly name: string;
  readonly at: number;
  readonly within: number;
}

const TOKEN =
  /\s+|\/\/[^\n]*|\/\*[\s\S]*?\*\/|`(?:[^`\\]|\\[\s\S])*`|'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|[\w$]+|[\s\S]/gy;

/**
 * Where the option stands that a packaged function refuses: `scd2.publish: customers: attributes: the type of usr is …`, of the
 * call at `place`. The call itself for a message of another kind, and where the option is not written in it.
 */
export function placeOfOption(message: string, place: SourceLocation, { projectDir }: ProjectFiles): SourceLocation {
  const [, called, said] = /^\w+\.(\w+): ([\s\S]*)$/.exec(message) ?? [];
  const text = readLines(projectDir, place.file);
  const start = offsetOf(place, text);
  if (said === undefined || !text.startsWith(called!, start)) return place;
  const key = refusedKey(said, keysOfCall(text, start));
  return key ? locationAt(place.file, text, key.at) : place;
}

/** The same where a query was made after its call had ended: that call is looked for by what it makes. */
export function placeOfCall(message: string, file: string, project: ProjectFiles): SourceLocation {
  const [, called, name] = /^\w+\.(\w+): ([^:]+): /.exec(message) ?? [];
  if (called === undefined) return { file };
  const call = new RegExp(`\\b${called}(?=\\(\\s*["'\`]${authorsPattern(name!)}["'\`])`);
  const place = findInSource(project.projectDir, file, call);
  return place.line === undefined ? place : placeOfOption(message, place, project);
}

/** The keys of the objects in a call, up to its end. */
function keysOfCall(text: string, start: number): Key[] {
  const keys: Key[] = [];
  const open: string[] = [];
  let before = "";
  let named: Key | undefined;
  TOKEN.lastIndex = start;
  for (let match = TOKEN.exec(text); match; match = TOKEN.exec(text)) {
    const [token] = match;
    if (/^(?:\s|\/[/*])/.test(token)) continue;
    if (named && /^[:,}]$/.test(token)) keys.push(named);
    const isFirst = open.at(-1) === "{" && /^[{,]$/.test(before) && /^["'\w$]/.test(token);
    named = isFirst ? { name: token.replace(/^["']|["']$/g, ""), at: match.index, within: open.length } : undefined;
    if (/^[({[]$/.test(token)) open.push(token);
    else if (/^[)}\]]$/.test(token)) open.pop();
    if (token === ")" && open.length === 0) break;
    before = token;
  }
  return keys;
}

/** What a message names as `rollups: day: every: …`, `unknown option "evry"`, `attributes: the type of usr …`, or `deleted is not …`. */
function refusedKey(said: string, keys: readonly Key[]): Key | undefined {
  let inside = keys;
  let found: Key | undefined;
  const enter = (name: string) => {
    const key = inside.find((one) => one.name === name && one.within === inside[0]!.within);
    if (!key) return;
    found = key;
    const behind = keys.slice(keys.indexOf(key) + 1);
    const end = behind.findIndex(({ within }) => within <= key.within);
    inside = end < 0 ? behind : behind.slice(0, end);
  };
  const [, before, of, unknown] = /^(.*?)unknown \w+(?: of (.*?))? "([^"]*)"/s.exec(said) ?? [];
  if (unknown !== undefined) {
    for (const name of [...before!.split(": "), ...(of ?? "").split(": ")]) enter(name);
    return [inside, keys].map((some) => some.find(({ name }) => name === unknown)).find(Boolean) ?? found;
  }
  const segments = said.split(/: |, /).map((one) => one.replace(/^(?:needs|expected) /, ""));
  for (const name of segments.slice(0, -1)) enter(name);
  // Where nothing around it is named, the first word is the option: `deleted is not an SQL expression`.
  const words = found ? /[\w$]+/g : /^[\w$]+(?= is not )/;
  for (const word of segments.at(-1)!.match(words) ?? []) enter(word);
  return found;
}
