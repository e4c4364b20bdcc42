import type { OptionsOf } from "../model/declarations.ts";
import { documentOf, textOf } from "../sources/formats/json.ts";
import { isObject } from "../sources/json/document.ts";

type Found = Pick<OptionsOf<"json">, "shape" | "records" | "key" | "fields">;

/** How one JSON text has its records: the likeliest of its values that may be some. */
export async function findShape(bytes: AsyncIterable<Uint8Array>): Promise<Found> {
  const { value } = documentOf(await textOf(bytes));
  const list = firstAt(value, isListOfObjects);
  if (list !== undefined) return { shape: "list", records: list };
  const rows = firstAt(value, isTable);
  if (rows !== undefined) return { shape: "rows", records: rows };
  const named = namedRows(value);
  if (named !== undefined) return named;
  const map = firstAt(value, isMap);
  if (map !== undefined) return { shape: "map", records: map, key: "key" };
  return { shape: "object", records: "" };
}

/** Where in a field's value records of its own are, with the field's name; undefined where there are none. */
export function recordsWithin(name: string, value: unknown): string | undefined {
  const path = typeof value === "object" ? firstAt(value, isListOfObjects) : undefined;
  return path === undefined ? undefined : path === "" ? name : `${name}.${path}`;
}

/** The path of the first value of a kind, nearest to the top; undefined where there is none. */
function firstAt(value: unknown, is: (value: unknown) => boolean): string | undefined {
  let level: readonly (readonly [path: string, value: unknown])[] = [["", value]];
  while (level.length) {
    const found = level.find(([, one]) => is(one));
    if (found) return found[0];
    level = level.flatMap(([path, one]) =>
      isObject(one)
        ? Object.entries(one).map(([key, item]) => [path === "" ? key : `${path}.${key}`, item] as const)
        : [],
    );
  }
  return undefined;
}

function isListOfObjects(value: unknown): boolean {
  return Array.isArray(value) && value.some(isObject);
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
    if (fields) return { shape: "rows", records, fields: fields as readonly string[] as string[] };
  }
  return undefined;
}

/** Objects that are all alike in a key, under keys of their own. */
function isMap(value: unknown): boolean {
  if (!isObject(value)) return false;
  const entries = Object.values(value);
  if (entries.length < 2 || !entries.every(isObject)) return false;
  const [first, ...others] = entries as readonly Readonly<Record<string, unknown>>[];
  return Object.keys(first!).some((key) => others.every((other) => Object.hasOwn(other, key)));
}
