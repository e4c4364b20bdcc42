import { Ajv, type ValidateFunction } from "ajv";
import formats from "ajv-formats";

/** What is wrong with a text; undefined where nothing is. */
export type ValueCheck = (text: string) => string | undefined;

const ajv = formats.default(new Ajv({ allErrors: false, strict: false, coerceTypes: false }));

/**
 * Checks a text, as it stands in an address, against a JSON Schema. Digits are judged as they are written: a number that JavaScript
 * does not have is still an integer, or none.
 * @throws Error that says what is wrong with the schema
 */
export function valueCheck(schema: Readonly<Record<string, unknown>>): ValueCheck {
  const text = JSON.stringify(schema);
  const known = checks.get(text) ?? checkOf(schema);
  checks.set(text, known);
  return known;
}

/** By the schema's text: Ajv keeps what it compiles for good. */
const checks = new Map<string, ValueCheck>();

function checkOf(schema: Readonly<Record<string, unknown>>): ValueCheck {
  const validate = ajv.compile(schema);
  const { type } = schema as { readonly type?: string };
  return (text) => {
    // PostgreSQL has no such character in a text.
    if (text.includes("\0")) return "has a character that no text of the database has";
    if (type === "integer" && !/^[+-]?\d{1,30}$/.test(text)) return "must be an integer";
    if (type === "number" && !/^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,4})?$/.test(text)) return "must be a number";
    if (type === "boolean" && text !== "true" && text !== "false") return "must be true or false";
    const value = type === "integer" || type === "number" ? Number(text) : type === "boolean" ? text === "true" : text;
    if (schema.format === "int64" && !isInt64(text)) return "must be an integer from -2^63 to 2^63 - 1";
    return validate(value) ? undefined : wordOf(validate);
  };
}

function isInt64(text: string): boolean {
  const value = BigInt(text.replace("+", ""));
  return BigInt.asIntN(64, value) === value;
}

function wordOf({ errors }: ValidateFunction): string {
  const [error] = errors!;
  const allowed = (error!.params as { allowedValues?: readonly unknown[] }).allowedValues;
  return allowed ? `must be one of ${allowed.join(", ")}` : (error!.message ?? "is not what it may be");
}
