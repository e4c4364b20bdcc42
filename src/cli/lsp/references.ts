import type { CompiledGraph } from "../../model/graph.ts";
import { type Target, targetKey } from "../../model/target.ts";
import { matching } from "../../plan/select.ts";

/** Where a file names a relation of the project. */
export interface Reference {
  /** All that says it: `ref("shop", "orders")`. */
  readonly start: number;
  readonly end: number;
  readonly schema?: string;
  readonly name: string;
  /** The name alone, without quotes. */
  readonly nameStart: number;
  readonly nameEnd: number;
}

const TEXT = /(["'`])((?:(?!\1)[^\\\n])*)\1/.source;
const unnamed = (pattern: string, group: number) => pattern.replaceAll("\\1", `\\${group}`);

/** `ref("name")`, `resolve("schema", "name")`, also with a database before them. */
const CALL = new RegExp(
  `\\b(?:ref|resolve)\\(\\s*${unnamed(TEXT, 1)}(?:\\s*,\\s*${unnamed(TEXT, 3)})?(?:\\s*,\\s*${unnamed(TEXT, 5)})?\\s*\\)`,
  "g",
);
/** `ref({ schema: "shop", name: "orders" })`. */
const OBJECT = /\b(?:ref|resolve)\(\s*\{([^{}]*)\}\s*\)/g;
/** `dependencies: [...]`, and what a unit test is of and is given. */
const LIST = /\b(?:dependencies)\s*:\s*(\[[^\]]*\]|["'`][^"'`\n]*["'`])/g;
const OF_TEST = new RegExp(
  `(?:\\bdataset\\s*:|^\\s*input)\\s*(?=["'\`])(${unnamed(TEXT, 2)})(?:\\s*,\\s*${unnamed(TEXT, 4)})?`,
  "gm",
);
/** `from: shop.orders` of a dashboard or an endpoint. */
const FROM = /^\s*(?:-\s+)?(?:\{\s*)?from:\s*["']?(?:([\w$]+)\.)?([\w$]+)["']?/gm;

/** Every place of a file that names a relation, in order. Pure. */
export function referencesIn(file: string, text: string): readonly Reference[] {
  const found = [...callsIn(text), ...objectsIn(text)];
  if (/\.ya?ml$/.test(file)) found.push(...inYaml(text));
  else found.push(...inLists(text), ...inTests(text));
  return found.sort((a, b) => a.start - b.start);
}

function callsIn(text: string): Reference[] {
  return [...text.matchAll(CALL)].map((match) => {
    const names = [match[2], match[4], match[6]].filter((name) => name !== undefined);
    const at = match[0].lastIndexOf(names.at(-1)!);
    const schema = names.at(-2);
    return placed(match.index, match[0].length, match.index + at, names.at(-1)!, schema);
  });
}

function objectsIn(text: string): Reference[] {
  return [...text.matchAll(OBJECT)].flatMap((match) => {
    const name = /\bname\s*:\s*(["'`])([^"'`\n]*)\1/.exec(match[1]!);
    if (!name) return [];
    const schema = /\bschema\s*:\s*(["'`])([^"'`\n]*)\1/.exec(match[1]!)?.[2];
    const inside = match.index + match[0].indexOf(match[1]!);
    const at = inside + name.index + name[0].length - 1 - name[2]!.length;
    return [placed(match.index, match[0].length, at, name[2]!, schema)];
  });
}

function inLists(text: string): Reference[] {
  return [...text.matchAll(LIST)].flatMap((match) => {
    const from = match.index + match[0].length - match[1]!.length;
    return [...match[1]!.matchAll(/(["'`])([^"'`\n]+)\1/g)].map((one) => {
      const [name, schema] = one[2]!.split(".").reverse();
      const start = from + one.index;
      return placed(start, one[0].length, start + one[0].length - 1 - name!.length, name!, schema);
    });
  });
}

function inTests(text: string): Reference[] {
  return [...text.matchAll(OF_TEST)].map((match) => {
    const names = [match[3], match[5]].filter((name) => name !== undefined);
    const nameEnd = match.index + match[0].length - 1;
    const start = match.index + match[0].indexOf(match[1]!);
    const name = names.at(-1)!;
    return placed(start, nameEnd + 1 - start, nameEnd - name.length, name, names.at(-2));
  });
}

function inYaml(text: string): Reference[] {
  return [...text.matchAll(FROM)].map((match) => {
    const whole = `${match[1] === undefined ? "" : `${match[1]}.`}${match[2]}`;
    const start = match.index + match[0].lastIndexOf(whole);
    return placed(start, whole.length, start + whole.length - match[2]!.length, match[2]!, match[1]);
  });
}

function placed(start: number, length: number, nameStart: number, name: string, schema?: string): Reference {
  const names = { name, nameStart, nameEnd: nameStart + name.length };
  return { start, end: start + length, ...(schema === undefined ? {} : { schema }), ...names };
}

/** The key of the action that a reference means; undefined where it means none, or several. */
export function meantBy({ schema, name }: Reference, { actions, project }: CompiledGraph): string | undefined {
  const keys = actions.map(({ target }) => targetKey(target));
  const suffixed = schema !== undefined && project.schemaSuffix ? [`${schema}_${project.schemaSuffix}.${name}`] : [];
  const said = [...suffixed, ...(schema === undefined ? [] : [`${schema}.${name}`])];
  const found = said.find((key) => keys.includes(key));
  if (found !== undefined || schema !== undefined || /[*?]/.test(name)) return found;
  try {
    const [only, ...others] = matching("ref()", name, keys);
    return others.length ? undefined : only;
  } catch {
    return undefined;
  }
}

/** The name in a file by which it makes an action: of its config, or of a call of JavaScript. */
export function ownName(text: string, { name }: Target): { readonly start: number; readonly end: number } | undefined {
  const quoted = name.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const made = new RegExp(
    `(?:\\bname\\s*:|\\b(?:publish|operate|assert|declare|test)\\()\\s*(["'\`])(${quoted})\\1`,
  ).exec(text);
  if (!made) return undefined;
  const end = made.index + made[0].length - 1;
  return { start: end - name.length, end };
}
