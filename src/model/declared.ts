import type { Static, TArray, TObject, TProperties, TSchema } from "typebox";
import type { TMap, TPrivate, TSecret } from "../schemas/words.ts";
import type { Secret } from "./secret.ts";

/** What a file of a schema declares: its defaults and variables filled in, and Secrets where it names their variables. */
export type Declared<Schema extends TSchema> = Schema extends TSecret
  ? Secret
  : Schema extends TPrivate
    ? string | Secret
    : Schema extends TMap<infer Value>
      ? Readonly<Record<string, Declared<Value>>>
      : Schema extends TObject<infer Properties>
        ? DeclaredObject<Properties>
        : Schema extends TArray<infer Item>
          ? readonly Declared<Item>[]
          : Static<Schema>;

export type DeclaredObject<Properties extends TProperties> = Flat<
  {
    readonly [Key in keyof Properties as MayBeMissing<Properties[Key]> extends true ? never : Key]: Declared<
      Properties[Key]
    >;
  } & {
    readonly [Key in keyof Properties as MayBeMissing<Properties[Key]> extends true ? Key : never]?: Declared<
      Properties[Key]
    >;
  }
>;

type MayBeMissing<Schema> = Schema extends { readonly default: unknown }
  ? false
  : Schema extends { readonly "~optional": true }
    ? true
    : false;

type Flat<Value> = { [Key in keyof Value]: Value[Key] };
