import { UserError } from "../../model/errors.ts";

/** Which paths below a place are meant. Paths have slashes and no slash at their beginning; hidden ones never match. */
export interface Glob {
  readonly text: string;
  /** The only paths it can match, when it has no wildcards. */
  readonly literals: readonly string[] | undefined;
  /** The folder, "" for the place itself, that every match is in. */
  readonly base: string;
  matches(path: string): boolean;
  /** Whether a folder, "" for the place itself, may hold matches at any depth. */
  mayHold(folder: string): boolean;
}

/** `**`: any number of folders. */
const ANY_FOLDERS = Symbol("**");
/** `*`: any number of characters. */
const ANY_TEXT = Symbol("*");
type Token = typeof ANY_TEXT | ((character: string) => boolean);
type Segment = readonly Token[] | typeof ANY_FOLDERS;

const MAX_ALTERNATIVES = 1000;

/** Understands `*`, `?`, `**`, `[abc]`, `[a-z]`, `[!abc]` and `{a,b}`. Throws a UserError for anything amiss. */
export function parseGlob(text: string): Glob {
  const wrong = (message: string, hint?: string) =>
    new UserError({ message: `"${text}" ${message}`, expected: "such as orders-*.csv or 2026/**/*.xml", hint });
  const alternatives = expandBraces(text, wrong).map((one) => one.split("/"));
  for (const segments of alternatives) {
    if (segments.includes("..")) throw wrong("leads out of its folder", "a pattern has no ..");
    if (segments.some((one) => one === "")) throw wrong("has an empty part", "it is relative to files.at");
    if (segments.some((one) => one.startsWith("."))) throw wrong("names a hidden file", "hidden files are not read");
    if (segments.some((one) => one.includes("\\"))) throw wrong("has a backslash", "write / between folders");
  }
  const parsed = alternatives.map((segments) => segments.map((one) => parseSegment(one, wrong)));
  return {
    text,
    literals: /[*?[]/.test(text) ? undefined : alternatives.map((segments) => segments.join("/")),
    base: commonFolder(alternatives),
    matches: (path) => {
      const names = path.split("/");
      return (
        !names.some((name) => name === "" || name.startsWith(".")) &&
        parsed.some((segments) => matchesWhole(segments, names))
      );
    },
    mayHold: (folder) => {
      const names = folder === "" ? [] : folder.split("/");
      return parsed.some((segments) => matchesBeginning(segments, names));
    },
  };
}

/** A glob for what `glob` matches with `suffix` after it. */
export function globWithSuffix(glob: string, suffix: string): string {
  return glob + suffix.replace(/[*?[]/g, "[$&]");
}

type Wrong = (message: string, hint?: string) => UserError;

function expandBraces(text: string, wrong: Wrong): readonly string[] {
  let results = [text];
  for (;;) {
    const open = results.findIndex((one) => one.includes("{"));
    if (open < 0) return results;
    const expanded = results.flatMap((one) => expandInnermost(one, wrong));
    if (expanded.length > MAX_ALTERNATIVES) throw wrong(`stands for more than ${MAX_ALTERNATIVES} patterns`);
    results = expanded;
  }
}

/** Expands the last `{`, which has no other inside. */
function expandInnermost(text: string, wrong: Wrong): readonly string[] {
  const open = text.lastIndexOf("{");
  if (open < 0) return [text];
  const close = text.indexOf("}", open);
  if (close < 0) throw wrong("has a { without }");
  const choices = text.slice(open + 1, close).split(",");
  return choices.map((choice) => text.slice(0, open) + choice + text.slice(close + 1));
}

function parseSegment(segment: string, wrong: Wrong): Segment {
  if (segment === "**") return ANY_FOLDERS;
  const tokens: Token[] = [];
  const characters = [...segment];
  for (let index = 0; index < characters.length; index++) {
    const character = characters[index]!;
    if (character === "*") {
      if (tokens.at(-1) !== ANY_TEXT) tokens.push(ANY_TEXT);
    } else if (character === "?") tokens.push(() => true);
    else if (character === "[") {
      // A ] that comes first is one of the characters.
      const from = index + (/[!^]/.test(characters[index + 1] ?? "") ? 2 : 1);
      const end = characters.indexOf("]", from + 1);
      if (end < 0) throw wrong("has a [ without ]");
      tokens.push(oneOf(characters.slice(from, end), from === index + 1));
      index = end;
    } else tokens.push((other) => other === character);
  }
  return tokens;
}

/** A set of characters and ranges of them. */
function oneOf(characters: readonly string[], included: boolean): (character: string) => boolean {
  const ranges: (readonly [string, string])[] = [];
  for (let index = 0; index < characters.length; index++) {
    const isRange = characters[index + 1] === "-" && index + 2 < characters.length;
    ranges.push([characters[index]!, characters[isRange ? index + 2 : index]!]);
    if (isRange) index += 2;
  }
  return (character) => ranges.some(([from, to]) => character >= from && character <= to) === included;
}

function commonFolder(alternatives: readonly (readonly string[])[]): string {
  const folders = alternatives.map((segments) => segments.slice(0, -1));
  const shared: string[] = [];
  for (const [index, name] of folders[0]!.entries()) {
    if (/[*?[]/.test(name) || folders.some((others) => others[index] !== name)) break;
    shared.push(name);
  }
  return shared.join("/");
}

function matchesWhole(segments: readonly Segment[], names: readonly string[]): boolean {
  return reach(segments, names).has(segments.length);
}

function matchesBeginning(segments: readonly Segment[], names: readonly string[]): boolean {
  // The last segment is the file's own.
  return [...reach(segments, names)].some((position) => position < segments.length);
}

/** How many segments the names can have used up: all possibilities side by side, so that time stays linear in both. */
function reach(segments: readonly Segment[], names: readonly string[]): Set<number> {
  const skip = (positions: Set<number>) => {
    for (const position of positions) if (segments[position] === ANY_FOLDERS) positions.add(position + 1);
    return positions;
  };
  let positions = skip(new Set([0]));
  for (const name of names) {
    const next = new Set<number>();
    for (const position of positions) {
      const segment = segments[position];
      if (segment === ANY_FOLDERS) next.add(position);
      else if (segment && matchesName(segment, name)) next.add(position + 1);
    }
    positions = skip(next);
  }
  return positions;
}

/** Goes back to the last `*` only, so that no name of a hostile server takes long. */
function matchesName(tokens: readonly Token[], name: string): boolean {
  const characters = [...name];
  let token = 0;
  let star = -1;
  let resume = 0;
  for (let index = 0; index < characters.length; ) {
    const wanted = tokens[token];
    if (wanted === ANY_TEXT) {
      star = token++;
      resume = index;
    } else if (wanted?.(characters[index]!)) {
      token++;
      index++;
    } else {
      if (star < 0) return false;
      token = star + 1;
      index = ++resume;
    }
  }
  while (tokens[token] === ANY_TEXT) token++;
  return token === tokens.length;
}
