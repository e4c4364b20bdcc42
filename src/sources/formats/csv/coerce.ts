import type { RawColumn } from "../../../model/ingest.ts";

const INTEGER = /^[+-]?\d+$/;
const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
/** As PostgreSQL reads booleans. */
const TRUE = /^(?:t|tr|tru|true|y|ye|yes|on|1)$/i;
const FALSE = /^(?:f|fa|fal|fals|false|n|no|of|off|0)$/i;

/**
 * The value a JSON Schema is to judge a cell by: a number where the column and the text are one, otherwise the text, so
 * that the schema says what is wrong. The cell itself is landed as the file has it.
 */
export function coerce(text: string, column: RawColumn, schemaType: string | undefined): unknown {
  if (schemaType === "string" || schemaType === undefined) return text;
  const trimmed = text.trim();
  if (schemaType === "integer") return INTEGER.test(trimmed) ? Number(trimmed) : text;
  if (schemaType === "number") return NUMBER.test(trimmed) ? Number(trimmed) : text;
  if (schemaType === "boolean") return TRUE.test(trimmed) ? true : FALSE.test(trimmed) ? false : text;
  if (column.type !== "jsonb") return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** The one type a property's schema names, besides null. */
export function schemaTypeOf(property: unknown): string | undefined {
  const types = [(property as { type?: unknown } | undefined)?.type].flat().filter((type) => type !== "null");
  return types.length === 1 ? String(types[0]) : undefined;
}
