const INTEGER = /^[+-]?\d+$/;
const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
/** As PostgreSQL reads booleans. */
const TRUE = /^(?:t|tr|tru|true|y|ye|yes|on|1)$/i;
const FALSE = /^(?:f|fa|fal|fals|false|n|no|of|off|0)$/i;

/**
 * The value a JSON Schema is to judge a cell by: what the schema asks for, where the text is that, otherwise the text, so
 * that the schema says what is wrong. The cell itself is landed as the file has it.
 * @param types that the schema allows, besides null
 */
export function coerce(text: string, types: readonly string[]): unknown {
  if (types.includes("string")) return text;
  for (const type of types) {
    const value = read(text, type);
    if (value !== undefined) return value;
  }
  return text;
}

/** Undefined where the text is no such value. */
function read(text: string, type: string): unknown {
  const trimmed = text.trim();
  if (type === "integer") return INTEGER.test(trimmed) ? Number(trimmed) : undefined;
  if (type === "number") return NUMBER.test(trimmed) ? Number(trimmed) : undefined;
  if (type === "boolean") return TRUE.test(trimmed) ? true : FALSE.test(trimmed) ? false : undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The types that a property's schema names, besides null. */
export function schemaTypesOf(property: unknown): readonly string[] {
  const types = [(property as { type?: unknown } | undefined)?.type ?? []].flat().map(String);
  return types.filter((type) => type !== "null");
}
