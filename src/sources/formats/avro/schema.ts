import { MAX_DEPTH } from "../../source.ts";
import { unreadable } from "../file-errors.ts";
import { dateText, durationText, timestampText, timeText, uuidText } from "../times.ts";
import { bytesText, decimalText, doubleValue, isScale, signedInteger } from "../value-record.ts";
import { type AvroCursor, damaged } from "./cursor.ts";

/** Reads one value. `depth` counts what it stands in. */
export type Decode = (cursor: AvroCursor, depth: number) => unknown;

interface Definition {
  readonly type: unknown;
  readonly name?: string;
  readonly namespace?: string;
  readonly fields?: readonly { readonly name: string; readonly type: unknown }[];
  readonly items?: unknown;
  readonly values?: unknown;
  readonly symbols?: readonly string[];
  readonly size?: number;
  readonly logicalType?: string;
  readonly scale?: number;
}

const PRIMITIVES: ReadonlyMap<string, Decode> = new Map<string, Decode>([
  ["null", () => null],
  ["boolean", (cursor) => cursor.byte() !== 0],
  ["int", (cursor) => cursor.long()],
  ["long", (cursor) => cursor.long()],
  ["float", (cursor) => doubleValue(cursor.float())],
  ["double", (cursor) => doubleValue(cursor.double())],
  ["bytes", (cursor) => bytesText(cursor.bytes(cursor.length()))],
  ["string", (cursor) => cursor.string()],
]);

const TIMES: ReadonlyMap<unknown, (units: number | bigint) => string> = new Map<
  unknown,
  (units: number | bigint) => string
>([
  ["date", (days) => dateText(Number(days))],
  ["time-millis", (units) => timeText(units, 3)],
  ["time-micros", (units) => timeText(units, 6)],
  ["timestamp-millis", (units) => `${timestampText(units, 3)}Z`],
  ["timestamp-micros", (units) => `${timestampText(units, 6)}Z`],
  ["timestamp-nanos", (units) => `${timestampText(units, 9)}Z`],
  ["local-timestamp-millis", (units) => timestampText(units, 3)],
  ["local-timestamp-micros", (units) => timestampText(units, 6)],
  ["local-timestamp-nanos", (units) => timestampText(units, 9)],
]);

/**
 * The decoder of a schema, which must be a record's. Unions give the value alone.
 * @throws UserError for a schema that is none.
 */
export function compileSchema(schema: unknown): Decode {
  if ((schema as Definition | null)?.type !== "record")
    throw unreadable("the Avro file does not hold records", { expected: "a schema of type record" });
  return new Compiler().compile(schema, "");
}

/**
 * The decoder of one value of a schema, whatever it is.
 * @param named schemas whose types it may name, each behind those that it names itself
 * @throws UserError for a schema that is none.
 */
export function compileValue(schema: unknown, named: readonly unknown[] = []): Decode {
  const compiler = new Compiler();
  for (const one of named) compiler.compile(one, "");
  return compiler.compile(schema, "");
}

class Compiler {
  /** Named types, which may name themselves. */
  readonly #named = new Map<string, Decode>();

  compile(schema: unknown, namespace: string): Decode {
    if (typeof schema === "string") return this.#reference(schema, namespace);
    if (Array.isArray(schema)) return this.#union(schema, namespace);
    if (schema === null || typeof schema !== "object") throw wrongSchema(schema);
    const definition = schema as Definition;
    const logical = logicalDecode(definition);
    switch (definition.type) {
      case "record":
      case "error":
        return this.#record(definition, namespace);
      case "enum":
        return this.#define(definition, namespace, enumDecode(definition));
      case "fixed":
        return this.#define(definition, namespace, logical ?? fixedDecode(definition, bytesText));
      case "array":
        return arrayDecode(this.compile(definition.items, namespace));
      case "map":
        return mapDecode(this.compile(definition.values, namespace));
      default:
        return logical ?? this.compile(definition.type, namespace);
    }
  }

  #reference(name: string, namespace: string): Decode {
    const decode = PRIMITIVES.get(name) ?? this.#named.get(fullName(name, namespace)) ?? this.#named.get(name);
    if (!decode) throw wrongSchema(name);
    return decode;
  }

  #union(branches: readonly unknown[], namespace: string): Decode {
    const decoders = branches.map((branch) => this.compile(branch, namespace));
    return (cursor, depth) => {
      const decode = decoders[cursor.length()];
      if (!decode) throw damaged("a union without such a branch");
      return decode(cursor, depth);
    };
  }

  #record(definition: Definition, outer: string): Decode {
    if (!Array.isArray(definition.fields)) throw wrongSchema(definition);
    const fields: { name: string; decode: Decode }[] = [];
    const decode = this.#define(definition, outer, (cursor, depth) => {
      if (depth >= MAX_DEPTH) throw unreadable(`values are nested deeper than ${MAX_DEPTH} levels`);
      const value: Record<string, unknown> = Object.create(null);
      for (const field of fields) value[field.name] = field.decode(cursor, depth + 1);
      return value;
    });
    const namespace = namespaceOf(definition, outer);
    for (const { name, type } of definition.fields) fields.push({ name, decode: this.compile(type, namespace) });
    return decode;
  }

  #define(definition: Definition, namespace: string, decode: Decode): Decode {
    if (typeof definition.name !== "string") throw wrongSchema(definition);
    const space = namespaceOf(definition, namespace);
    this.#named.set(fullName(definition.name, space), decode);
    return decode;
  }
}

function fullName(name: string, namespace: string): string {
  return name.includes(".") || namespace === "" ? name : `${namespace}.${name}`;
}

function namespaceOf({ name, namespace }: Definition, outer: string): string {
  return name?.includes(".") ? name.slice(0, name.lastIndexOf(".")) : (namespace ?? outer);
}

function enumDecode({ symbols }: Definition): Decode {
  if (!Array.isArray(symbols)) throw wrongSchema(symbols);
  return (cursor) => {
    const symbol = symbols[cursor.length()];
    if (symbol === undefined) throw damaged("an enum without such a symbol");
    return symbol;
  };
}

function fixedDecode({ size }: Definition, read: (bytes: Buffer) => unknown): Decode {
  if (!Number.isSafeInteger(size)) throw wrongSchema(size);
  return (cursor) => read(cursor.bytes(size!));
}

function arrayDecode(decode: Decode): Decode {
  return (cursor, depth) => {
    if (depth >= MAX_DEPTH) throw unreadable(`values are nested deeper than ${MAX_DEPTH} levels`);
    const list: unknown[] = [];
    cursor.items(() => list.push(decode(cursor, depth + 1)));
    return list;
  };
}

function mapDecode(decode: Decode): Decode {
  return (cursor, depth) => {
    if (depth >= MAX_DEPTH) throw unreadable(`values are nested deeper than ${MAX_DEPTH} levels`);
    const map: Record<string, unknown> = Object.create(null);
    cursor.items(() => {
      const key = cursor.string();
      map[key] = decode(cursor, depth + 1);
    });
    return map;
  };
}

/** Undefined for a type that means no more than its bytes, or nothing we know. */
function logicalDecode(definition: Definition): Decode | undefined {
  const { type, logicalType, scale = 0, size } = definition;
  const time = TIMES.get(logicalType);
  if (time && (type === "int" || type === "long")) return (cursor) => time(cursor.long());
  if (logicalType === "decimal" && isScale(scale)) {
    const read = (bytes: Buffer) => decimalText(signedInteger(bytes), scale);
    if (type === "bytes") return (cursor) => read(cursor.bytes(cursor.length()));
    if (type === "fixed") return fixedDecode(definition, read);
  }
  if (logicalType === "duration" && type === "fixed" && size === 12) return fixedDecode(definition, durationText);
  if (logicalType === "uuid" && type === "fixed" && size === 16) return fixedDecode(definition, uuidText);
  return undefined;
}

function wrongSchema(found: unknown): Error {
  return unreadable("the schema of the Avro file is not valid", {
    found: (JSON.stringify(found) ?? "nothing").slice(0, 100),
  });
}
