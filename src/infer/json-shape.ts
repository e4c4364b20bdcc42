import type { OptionsOf } from "../model/declarations.ts";
import { pathKeys, pathOf } from "../model/records-path.ts";
import { beginningOf, documentOf } from "../sources/formats/json.ts";
import { closedBeginning } from "../sources/json/beginning.ts";
import { isObject } from "../sources/json/document.ts";

type Found = Pick<OptionsOf<"json">, "shape" | "records" | "key" | "fields">;

/** How much of a text is looked at for its shape. Its records are read in any length. */
const MAX_LOOKED_AT = 16 * 1024 * 1024;

export interface FoundShape {
  readonly found: Found;
  /** What is unsure about it. */
  readonly doubt?: string;
}

/** How one JSON text has its records: the likeliest of its values that may be some. */
export async function findShape(bytes: AsyncIterable<Uint8Array>, most = MAX_LOOKED_AT): Promise<FoundShape> {
  const { text, isWhole } = await beginningOf(bytes, most);
  if (isWhole) return { found: shapeOf(documentOf(text).value) };
  // What is no JSON is told in the words of the whole.
  const { value } = documentOf(closedBeginning(text) ?? text);
  return {
    found: shapeOf(value),
    doubt: `where its records are is found by its first ${Math.floor(most / 1024 / 1024)} MB`,
  };
}

/** How a JSON value has its records. */
export function shapeOf(value: unknown): Found {
  const list = firstAt(value, objectsIn);
  const around = list === undefined ? undefined : mapAround(value, list);
  if (around !== undefined) return { shape: "map", records: around, key: "key" };
  if (list !== undefined) return { shape: "list", records: list };
  const rows = firstAt(value, isTable);
  if (rows !== undefined) return { shape: "rows", records: rows };
  const named = namedRows(value);
  if (named !== undefined) return named;
  const map = firstAt(value, isMap);
  if (map !== undefined) return { shape: "map", records: map, key: "key" };
  return { shape: "object", records: "" };
}

/** Where in a field's value records of its own are, from the record on; undefined where there are none. */
export function recordsWithin(name: string, value: unknown): string | undefined {
  return typeof value === "object" ? firstAt(value, objectsIn, [name]) : undefined;
}

/**
 * The path of the likeliest value of a kind, of those nearest to the top; undefined where there is none that has a path.
 * @param likely how likely a value is one; 0 where it is none
 * @param from the names that lead to the value
 */
function firstAt(
  value: unknown,
  likely: (value: unknown) => number | boolean,
  from: readonly string[] = [],
): string | undefined {
  let level: readonly (readonly [keys: readonly string[], value: unknown])[] = [[from, value]];
  while (level.length) {
    let found: { readonly path: string; readonly weight: number } | undefined;
    for (const [keys, one] of level) {
      const weight = Number(likely(one));
      const path = weight > (found?.weight ?? 0) ? pathOf(keys) : undefined;
      if (path !== undefined) found = { path, weight };
    }
    if (found) return found.path;
    level = level.flatMap(([keys, one]) =>
      isObject(one) ? Object.entries(one).map(([key, item]) => [[...keys, key], item] as const) : [],
    );
  }
  return undefined;
}

/** How many there are. */
function objectsIn(value: unknown): number {
  return Array.isArray(value) ? value.filter(isObject).length : 0;
}

/** Lists of one length, the first of names. */
function isTable(value: unknown): boolean {
  if (!Array.isArray(value) || value.length < 2 || !value.every(Array.isArray)) return false;
  const [header, ...rows] = value as unknown[][];
  const isHeader =
    header!.length > 0 && header!.every((name) => typeof name === "string") && new Set(header).size === header!.length;
  return isHeader && rows.every(({ length }) => length === header!.length);
}

/** Lists of values, with a list of as many names beside them. */
function namedRows(value: unknown): Found | undefined {
  if (!isObject(value)) return undefined;
  for (const [records, rows] of Object.entries(value)) {
    if (!Array.isArray(rows) || !rows.length || !rows.every(Array.isArray)) continue;
    const fields = Object.values(value).find((names) => isTable([names, ...rows]));
    const path = pathOf([records]);
    if (fields && path !== undefined)
      return { shape: "rows", records: path, fields: fields as readonly string[] as string[] };
  }
  return undefined;
}

/** The path of records under their keys that all have a list as the one at a path, of records alike; undefined where there are none. */
function mapAround(value: unknown, list: string): string | undefined {
  const keys = pathKeys(list);
  let outer = value;
  for (const [depth, key] of keys.slice(0, -1).entries()) {
    const within = keys.slice(depth + 1);
    if (isMap(outer) && areAlike(Object.values(outer as object).map((entry) => at(entry, within))))
      return pathOf(keys.slice(0, depth));
    outer = at(outer, [key]);
  }
  return undefined;
}

function at(value: unknown, keys: readonly string[]): unknown {
  return keys.reduce((outer, key) => (isObject(outer) && Object.hasOwn(outer, key) ? outer[key] : undefined), value);
}

/** Whether several are there, all lists or null, and their first records differ by optional fields only. */
function areAlike(values: readonly unknown[]): boolean {
  const lists = values.filter((value) => value !== undefined);
  if (lists.length < 2 || !lists.every((list) => list === null || Array.isArray(list))) return false;
  const firsts = (lists as readonly (readonly unknown[] | null)[]).flatMap((list) => list?.find(isObject) ?? []);
  const [fields = [], ...others] = firsts
    .map((first) => Object.keys(first as object))
    .sort((a, b) => b.length - a.length);
  return others.every((names) => names.every((name) => fields.includes(name)));
}

/** Objects that are all alike in a key, under keys of their own. */
function isMap(value: unknown): boolean {
  if (!isObject(value)) return false;
  const entries = Object.values(value);
  if (entries.length < 2 || !entries.every(isObject)) return false;
  const [first, ...others] = entries as readonly Readonly<Record<string, unknown>>[];
  return Object.keys(first!).some((key) => others.every((other) => Object.hasOwn(other, key)));
}
