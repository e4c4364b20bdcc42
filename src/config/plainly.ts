/** What of a JSON Schema is looked at here. Most of what people write is right, and the validator takes a tenth of a second to load. */
interface Looked {
  readonly properties?: Readonly<Record<string, object>>;
}

type Rule = (said: never, value: unknown, schema: Looked) => boolean;

const isObject = (value: unknown): value is Record<string, unknown> =>
  value !== null && typeof value === "object" && !Array.isArray(value);

const TYPES: ReadonlyMap<string, (value: unknown) => boolean> = new Map([
  ["string", (value: unknown) => typeof value === "string"],
  ["boolean", (value: unknown) => typeof value === "boolean"],
  ["integer", Number.isSafeInteger],
  ["number", Number.isFinite],
  ["null", (value: unknown) => value === null],
  ["array", Array.isArray],
  ["object", isObject],
]);

/** Each says nothing of values of another type. */
const RULES: ReadonlyMap<string, Rule> = new Map<string, Rule>([
  ["type", (types: string | readonly string[], value) => [types].flat().some((type) => TYPES.get(type)?.(value))],
  ["const", (said: unknown, value) => said === value],
  ["enum", (words: readonly unknown[], value) => words.includes(value)],
  ["anyOf", (branches: readonly object[], value) => branches.some((branch) => isPlainly(branch, value))],
  ["minimum", (least: number, value) => typeof value !== "number" || value >= least],
  ["exclusiveMinimum", (less: number, value) => typeof value !== "number" || value > less],
  ["maximum", (most: number, value) => typeof value !== "number" || value <= most],
  ["minLength", (least: number, value) => typeof value !== "string" || [...value].length >= least],
  ["maxLength", (most: number, value) => typeof value !== "string" || [...value].length <= most],
  ["pattern", (pattern: string, value) => typeof value !== "string" || new RegExp(pattern, "u").test(value)],
  ["minItems", (least: number, value) => !Array.isArray(value) || value.length >= least],
  ["maxItems", (most: number, value) => !Array.isArray(value) || value.length <= most],
  // Of lists and objects nobody says so easily that no two are the same.
  [
    "uniqueItems",
    (_: boolean, value) =>
      !Array.isArray(value) ||
      (value.every((one) => typeof one === "string") && new Set<unknown>(value).size === value.length),
  ],
  ["items", (each: object, value) => !Array.isArray(value) || value.every((one) => isPlainly(each, one))],
  ["minProperties", (least: number, value) => !isObject(value) || Object.keys(value).length >= least],
  ["maxProperties", (most: number, value) => !isObject(value) || Object.keys(value).length <= most],
  ["required", (keys: readonly string[], value) => !isObject(value) || keys.every((key) => Object.hasOwn(value, key))],
  [
    "properties",
    (known: Readonly<Record<string, object>>, value) =>
      !isObject(value) ||
      Object.entries(value).every(([key, one]) => !Object.hasOwn(known, key) || isPlainly(known[key]!, one)),
  ],
  [
    "additionalProperties",
    (others: object | boolean, value, { properties = {} }) =>
      !isObject(value) ||
      Object.entries(value).every(
        ([key, one]) =>
          Object.hasOwn(properties, key) || (typeof others === "boolean" ? others : isPlainly(others, one)),
      ),
  ],
]);

/** Words that are for people and editors. */
const SAYS_NOTHING = new Set([
  ..."$schema title description default examples deprecated readOnly writeOnly x-withheld".split(" "),
]);

/**
 * Whether a value is surely what a schema asks for. If not, it may be right all the same, for only some keywords are known here:
 * ask `mistakesIn`.
 */
export function isPlainly(schema: object, value: unknown): boolean {
  return Object.entries(schema).every(([keyword, said]) => {
    if (SAYS_NOTHING.has(keyword)) return true;
    return RULES.get(keyword)?.(said as never, value, schema) ?? false;
  });
}
