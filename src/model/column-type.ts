/** What is written like a type, and is a column with a sequence of its own, or a type that only functions have. */
const NONE =
  /^\s*(?:pg_catalog\s*\.\s*)?((?:small|big)?serial|serial[248]|any(?:element|array|nonarray|enum|(?:multi)?range|compatible(?:array|nonarray|(?:multi)?range)?)?|cstring|internal|record|(?:event_)?trigger|unknown|void)\s*(?:\[.*|array.*)?$/i;

/** Why no column can be of a declared type, where PostgreSQL knows a word for it that is none. */
export function noColumnType(type: string): { readonly found: string; readonly expected: string } | undefined {
  const found = NONE.exec(type)?.[1]?.toLowerCase();
  if (found === undefined) return undefined;
  if (!found.includes("serial")) return { found: `${found}, of functions only`, expected: "a type such as text" };
  const expected = /small|2/.test(found) ? "smallint" : /big|8/.test(found) ? "bigint" : "integer";
  return { found: `${found}, which numbers rows by itself`, expected };
}
