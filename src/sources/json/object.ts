import { MAX_DEPTH } from "../source.ts";
import { measureDepth } from "./depth.ts";
import { isObject, type JsonDocument, parseJson } from "./document.ts";

export const BLANK = "is blank";

/** The document of a text that is one JSON object, or why it is none. */
export function parseObject(text: string): JsonDocument | string {
  const document = parseDocument(text);
  return typeof document === "string" || isObject(document.value) ? document : "is not a JSON object";
}

/** The document of a text that is one JSON value, or why it is none. */
export function parseDocument(text: string): JsonDocument | string {
  // Less text than this cannot nest so deep.
  if (text.length > 2 * MAX_DEPTH && measureDepth(text).deepest > MAX_DEPTH)
    return `is nested deeper than ${MAX_DEPTH} levels`;
  try {
    return parseJson(text);
  } catch (error) {
    if (/^[ \t\r\n]*$/.test(text)) return BLANK;
    if (text.includes("\0")) return "has a NUL byte";
    return /after JSON/.test((error as Error).message) ? "has text after its JSON value" : "is not JSON";
  }
}
