import { plainDecimal } from "../../model/decimal.ts";
import type { RecordSchema, WrittenNumber } from "../../model/declarations.ts";
import type { JsonText } from "../../sources/json/text.ts";

type Branch = Readonly<Record<string, unknown>>;

/** One spelling for JSON values that are equal: keys in order, numbers by their value, no spaces. */
export function plainText(json: JsonText): string {
  const text = json.text.trim();
  if (text.startsWith("{")) return object([...json.fields()].map(([key, value]) => [key, plainText(value)]));
  if (text.startsWith("[")) return `[${json.items().map(plainText).join()}]`;
  if (text.startsWith('"')) return JSON.stringify(JSON.parse(text));
  return plainDecimal(text) ?? text;
}

function object(fields: readonly (readonly [string, string])[]): string {
  const inOrder = [...fields].sort(([one], [other]) => (one < other ? -1 : 1));
  return `{${inOrder.map(([key, text]) => `${JSON.stringify(key)}:${text}`).join()}}`;
}

/** The numbers of a record schema, each as it is written, long ones too. */
export class WrittenNumbers {
  readonly #texts = new Map<unknown, Map<string, string>>();

  constructor({ schema, bentNumbers = [] }: RecordSchema) {
    for (const { path, text } of bentNumbers) this.#note(schema, path, text);
  }

  /** The number that an object or a list has under a key. */
  of(parent: object, key: string): string {
    return this.#texts.get(parent)?.get(key) ?? String((parent as Branch)[key]);
  }

  /** What `plainText` makes of the value under a key. */
  plainText(parent: object, key: string): string {
    const value = (parent as Branch)[key];
    if (typeof value === "number") return plainDecimal(this.of(parent, key)) ?? this.of(parent, key);
    if (Array.isArray(value))
      return `[${Object.keys(value)
        .map((index) => this.plainText(value, index))
        .join()}]`;
    if (value !== null && typeof value === "object")
      return object(Object.keys(value).map((name) => [name, this.plainText(value, name)]));
    return JSON.stringify(value);
  }

  #note(schema: Branch, path: WrittenNumber["path"], text: string): void {
    const parent = path.slice(0, -1).reduce<unknown>((value, key) => (value as Branch | undefined)?.[key], schema);
    // A part of the schema does not have all of them.
    if (parent === undefined) return;
    if (!this.#texts.has(parent)) this.#texts.set(parent, new Map());
    this.#texts.get(parent)!.set(String(path.at(-1)), text);
  }
}
