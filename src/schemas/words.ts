import {
  type Static,
  type TArray,
  type TObject,
  type TOptional,
  type TProperties,
  type TSchema,
  type TString,
  type TUnsafe,
  Type,
} from "typebox";

/** A text that is never shown. Written down it is `${NAME}` and nothing else. */
export interface TSecret extends TString {
  readonly writeOnly: true;
  readonly pattern: string;
}

/** A text that is never shown, since it may be a secret: it is one where it is `${NAME}` and nothing else. */
export interface TPrivate extends TString {
  readonly writeOnly: true;
  readonly pattern?: never;
}

/** An object whose keys a person chooses. */
export interface TMap<Value extends TSchema> extends TUnsafe<Record<string, Static<Value>>> {
  readonly additionalProperties: Value;
}

/** What has a value although nobody wrote one. */
export type TDefault<Schema extends TSchema> = TOptional<Schema> & { readonly default: Static<Schema> };

/** An object that has these properties and no other. */
export function closed<Properties extends TProperties>(
  properties: Properties,
  description: string,
  rules: object = {},
): TObject<Properties> {
  return Type.Object(properties, { additionalProperties: false, description, ...rules });
}

export function byDefault<Schema extends TSchema>(value: Static<Schema>, schema: Schema): TDefault<Schema> {
  return Type.Optional({ ...schema, default: value }) as TDefault<Schema>;
}

/** A text that is not empty. */
export function text(description: string, rules: object = {}): TString {
  return Type.String({ minLength: 1, description, ...rules });
}

/** A text that may be empty. */
export function anyText(description: string): TString {
  return Type.String({ description });
}

export function name(description: string): TString {
  const pattern = "^[a-z_][a-z0-9_]{0,50}$";
  return Type.String({ pattern, description: `${description}: lower-case letters, digits and _` });
}

/** A length of time, as `milliseconds` of the model reads it. */
export function duration(description: string): TString {
  return Type.String({
    pattern: "^(\\d{1,15}ms|\\d{1,8}(\\.\\d{1,6})?(ms|s|m|h|d))$",
    description: `${description}: 30m, 1h, 7d`,
  });
}

/** A path below the address of a source. */
export function urlPath(description: string): TString {
  return Type.String({ pattern: "^/", description: `${description}, beginning with /` });
}

/** A text with one character. */
export function character(description: string): TString {
  return Type.String({ minLength: 1, maxLength: 1, description: `${description}: one character` });
}

export function secret(description: string): TSecret {
  return Type.String({
    writeOnly: true,
    pattern: "^\\$\\{[A-Za-z_][A-Za-z0-9_]*\\}$",
    description: `${description}; a secret is never written down here: name its environment variable as \${NAME}`,
  }) as TSecret;
}

export function mayBeSecret(description: string): TPrivate {
  return Type.String({ writeOnly: true, description }) as TPrivate;
}

export function oneOf<const Words extends readonly string[]>(words: Words, description: string) {
  return Type.Unsafe<Words[number]>({ enum: words, description });
}

export function listOf<Item extends TSchema>(item: Item, description: string, rules: object = {}): TArray<Item> {
  return Type.Array(item, { description, ...rules });
}

export function mapOf<Value extends TSchema>(value: Value, description: string, rules: object = {}): TMap<Value> {
  return Type.Unsafe({ type: "object", additionalProperties: value, description, ...rules }) as unknown as TMap<Value>;
}
