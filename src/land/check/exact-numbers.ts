import type { Ajv, FuncKeywordDefinition } from "ajv";
import { JsonText } from "../../sources/json/text.ts";
import { compareDecimals, isMultipleOf } from "./decimal.ts";

/** The JSON of what a record has in a field. */
export interface Judged {
  fieldText(name: string): string | undefined;
}

/**
 * Has the rules of a schema about numbers judge what was sent, not what JavaScript makes of it: 19.99 is a multiple of 0.01, and
 * 100.00000000000000000001 more than 100.
 * @param judged the record that is judged at the moment
 */
export function judgeExactly(ajv: Ajv, judged: () => Judged | undefined): void {
  const textOf = (data: number, pointer: string) => numberAt(judged(), pointer) ?? String(data);
  // A double never turns the order of two numbers round: it only makes different ones equal.
  const bound = (keyword: string, sign: string, holds: (difference: number) => boolean): FuncKeywordDefinition => ({
    keyword,
    type: "number",
    schemaType: "number",
    validate: (limit: number, data: number, _: unknown, at?: { readonly instancePath: string }) =>
      holds(data === limit ? compareDecimals(textOf(data, at!.instancePath), String(limit)) || 0 : data - limit),
    error: { message: ({ schema }) => `must be ${sign} ${schema}` },
  });
  const rules: readonly FuncKeywordDefinition[] = [
    bound("maximum", "<=", (difference) => difference <= 0),
    bound("minimum", ">=", (difference) => difference >= 0),
    bound("exclusiveMaximum", "<", (difference) => difference < 0),
    bound("exclusiveMinimum", ">", (difference) => difference > 0),
    {
      keyword: "multipleOf",
      type: "number",
      schemaType: "number",
      validate: (divisor: number, data: number, _: unknown, at?: { readonly instancePath: string }) =>
        isMultipleOf(textOf(data, at!.instancePath), String(divisor)) ?? false,
      error: { message: ({ schema }) => `must be multiple of ${schema}` },
    },
  ];
  for (const rule of rules) ajv.removeKeyword(String(rule.keyword)).addKeyword(rule);
}

/** The number at a JSON pointer, as it is written; undefined where nobody knows. */
function numberAt(judged: Judged | undefined, pointer: string): string | undefined {
  const [name, ...path] = pointer
    .slice(1)
    .split("/")
    .map((key) => key.replaceAll("~1", "/").replaceAll("~0", "~"));
  const field = judged?.fieldText(name!);
  if (field === undefined) return undefined;
  let found: JsonText | undefined = new JsonText(field);
  for (const key of path) found = found?.items()[Number(key)] ?? found?.fields().get(key);
  return found?.text;
}
