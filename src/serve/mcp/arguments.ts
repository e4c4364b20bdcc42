import { UserError } from "../../model/errors.ts";
import { nearest } from "../../model/nearest.ts";

/** What one argument of a tool may be: the JSON Schema that clients are shown. */
type Property = { readonly description: string } & (
  | { readonly type: "string"; readonly enum?: readonly string[]; readonly default?: string }
  | { readonly type: "integer"; readonly minimum: number; readonly maximum: number; readonly default?: number }
);

export interface InputSchema {
  readonly type: "object";
  readonly properties: Readonly<Record<string, Property>>;
  readonly required?: readonly string[];
  readonly additionalProperties: false;
}

export type Given = Readonly<Record<string, string | number | undefined>>;

/**
 * What a client sent, with what holds where it says nothing.
 * @throws UserError for the first thing that is not as the schema says
 */
export function argumentsOf(tool: string, { properties, required = [] }: InputSchema, sent: unknown): Given {
  const given = new Map(Object.entries((sent ?? {}) as Record<string, unknown>));
  const names = Object.keys(properties);
  for (const name of given.keys()) {
    if (Object.hasOwn(properties, name)) continue;
    const meant = nearest(name, names);
    throw new UserError({
      message: `${tool} has no argument ${name}`,
      expected: names.join(", "),
      found: name,
      hint: meant === undefined ? "leave it out" : `did you mean ${meant}?`,
    });
  }
  return Object.fromEntries(
    names.map((name) => {
      const [property, value] = [properties[name]!, given.get(name) ?? properties[name]!.default];
      if (value === undefined) {
        if (!required.includes(name)) return [name, undefined];
        throw new UserError({
          message: `${tool} needs the argument ${name}`,
          expected: property.description,
          found: [...given.keys()].join(", ") || "no argument",
        });
      }
      const expected = unlike(property, value);
      if (expected === undefined) return [name, value as string | number];
      throw new UserError({ message: `${name} of ${tool} is wrong`, expected, found: JSON.stringify(value) });
    }),
  );
}

/** What was expected in place of a value; undefined where nothing is wrong with it. */
function unlike(property: Property, value: unknown): string | undefined {
  if (property.type === "string") {
    const allowed = property.enum;
    if (allowed) return allowed.includes(value as string) ? undefined : `one of ${allowed.join(", ")}`;
    return typeof value === "string" ? undefined : "a text";
  }
  const { minimum, maximum } = property;
  const isWithin = Number.isInteger(value) && (value as number) >= minimum && (value as number) <= maximum;
  return isWithin ? undefined : `a whole number from ${minimum} to ${maximum}`;
}
