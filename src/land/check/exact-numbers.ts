import type { Ajv, FuncKeywordDefinition } from "ajv";
import { compareDecimals, isMultipleOf } from "../../model/decimal.ts";
import type { RecordSchema } from "../../model/declarations.ts";
import { JsonText } from "../../sources/json/text.ts";
import { plainText, WrittenNumbers } from "./plain-json.ts";

/** The JSON of what a record has in a field. */
export interface Judged {
  fieldText(name: string): string | undefined;
  /** Whether JavaScript's numbers are those of the record. */
  readonly exact?: boolean;
}

/** Where a rule finds its value in the record that is judged. */
interface At {
  readonly instancePath: string;
}

/** Whether the number of JavaScript, which stands at a place of the record, is right. */
type JudgesNumber = (data: number, at?: At) => boolean;

/**
 * Has the rules of a schema that are about numbers judge what was sent by what is written in the schema, not what JavaScript
 * makes of either: 19.99 is a multiple of 0.01, 9007199254740993 is more than 9007199254740992, and 1.00000000000000000001 no
 * integer.
 * @param judged the record that is judged at the moment
 */
export function judgeExactly(ajv: Ajv, schema: RecordSchema, judged: () => Judged | undefined): void {
  const written = new WrittenNumbers(schema);
  const jsonAt = (data: unknown, at: At | undefined) =>
    valueAt(judged(), at!.instancePath) ?? new JsonText(JSON.stringify(data));
  const textAt = (data: number, at: At | undefined) => {
    const record = judged();
    return record?.exact ? String(data) : (valueAt(record, at!.instancePath)?.text ?? String(data));
  };
  const rule = (keyword: string, judges: (limit: number, text: string) => JudgesNumber, words: string) => ({
    keyword,
    type: "number" as const,
    schemaType: "number" as const,
    compile: (limit: number, parent: object) => judges(limit, written.of(parent, keyword)),
    error: {
      message: ({ parentSchema }: { parentSchema?: object }) => `${words} ${written.of(parentSchema!, keyword)}`,
    },
  });
  // A double never turns the order of two numbers round: it only makes different ones equal.
  const bound = (keyword: string, sign: string, holds: (difference: number) => boolean) =>
    rule(
      keyword,
      (limit, text) => (data, at) =>
        holds(data === limit ? compareDecimals(textAt(data, at), text) || 0 : data - limit),
      `must be ${sign}`,
    );
  const isOneOf = (values: readonly unknown[], parent: object, keys: readonly string[] = Object.keys(values)) => {
    const literals = new Set(values);
    const plain = new Set(keys.map((key) => written.plainText(parent, key)));
    return (data: unknown, at?: At) =>
      typeof data === "number" || (typeof data === "object" && data !== null)
        ? plain.has(plainText(jsonAt(data, at)))
        : literals.has(data);
  };
  const rules: readonly FuncKeywordDefinition[] = [
    bound("maximum", "<=", (difference) => difference <= 0),
    bound("minimum", ">=", (difference) => difference >= 0),
    bound("exclusiveMaximum", "<", (difference) => difference < 0),
    bound("exclusiveMinimum", ">", (difference) => difference > 0),
    rule("multipleOf", (_, text) => (data, at) => isMultipleOf(textAt(data, at), text) ?? false, "must be multiple of"),
    {
      keyword: "type",
      type: "number",
      schemaType: ["string", "array"],
      // Ajv has looked at the type itself, but a double may be whole where the number is not.
      compile: (types: string | readonly string[]): JudgesNumber =>
        types.includes("integer") && !types.includes("number") ? (data, at) => isWhole(textAt(data, at)) : () => true,
      error: { message: "must be integer" },
    },
    {
      keyword: "enum",
      schemaType: "array",
      compile: (values: readonly unknown[]) => isOneOf(values, values),
      error: { message: "must be equal to one of the allowed values" },
    },
    {
      keyword: "const",
      compile: (value: unknown, parent) => isOneOf([value], parent, ["const"]),
      error: { message: "must be equal to constant" },
    },
    {
      keyword: "uniqueItems",
      type: "array",
      schemaType: "boolean",
      compile: (wanted: boolean) => (data: readonly unknown[], at?: At) =>
        !wanted || data.length < 2 || new Set(jsonAt(data, at).items().map(plainText)).size === data.length,
      error: { message: "must NOT have duplicate items" },
    },
  ];
  for (const rule of rules) ajv.removeKeyword(String(rule.keyword)).addKeyword(rule);
}

function isWhole(text: string): boolean {
  return /^-?\d+$/.test(text) || (isMultipleOf(text, "1") ?? true);
}

/** The JSON at a pointer into a record, as it is written; undefined where nobody knows. */
function valueAt(judged: Judged | undefined, pointer: string): JsonText | undefined {
  const [name, ...path] = pointer
    .slice(1)
    .split("/")
    .map((key) => key.replaceAll("~1", "/").replaceAll("~0", "~"));
  const field = judged?.fieldText(name!);
  if (field === undefined) return undefined;
  let found: JsonText | undefined = new JsonText(field);
  for (const key of path) found = found?.items()[Number(key)] ?? found?.fields().get(key);
  return found;
}
