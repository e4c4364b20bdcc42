import { UserError } from "../../model/errors.ts";
import { bytesText, doubleValue } from "../formats/value-record.ts";
import type { ReadValue } from "./avro-values.ts";
import {
  isLong,
  longOfKey,
  longValue,
  type ProtobufDriver,
  type ProtoField,
  type ProtoRoot,
  type ProtoType,
} from "./protobuf-driver.ts";
import { wellKnown } from "./protobuf-well-known.ts";
import { WireReader } from "./wire.ts";

/** A .proto file, and those that it imports, by the names that it imports them by. */
export interface ProtoFile {
  readonly text: string;
  readonly imports: readonly { readonly name: string; readonly text: string }[];
}

/** The messages of a file. */
export interface ProtoMessages {
  /** Reads a message in front of which stands which of the file's messages it is. */
  readonly indexed: ReadValue;
  /** @throws UserError where the file has no such message */
  named(name: string): ReadValue;
}

/** @throws UserError for a file that is none */
export function protoMessages(driver: ProtobufDriver, { text, imports }: ProtoFile): ProtoMessages {
  const root = new driver.Root();
  const parse = (one: string, into: ProtoRoot) => {
    try {
      return driver.parse(one, into, { keepCase: true });
    } catch (cause) {
      throw wrongFile((cause as Error).message, cause);
    }
  };
  const parsed = imports.map((one) => parse(one.text, root));
  const { package: space = "", imports: named = [] } = parse(text, root);
  const given = new Set(imports.map(({ name }) => name));
  for (const name of new Set([...parsed.flatMap((one) => one.imports ?? []), ...named]))
    if (!given.has(name)) addCommon(driver, root, name);
  try {
    root.resolveAll();
  } catch (cause) {
    throw wrongFile((cause as Error).message, cause);
  }
  // Alone: what it imports may be of the same package, and is none of its messages.
  const alone = new driver.Root();
  parse(text, alone);
  const own = ((space === "" ? alone : alone.lookup(space)) ?? alone).nestedArray;
  const typesOf = (things: readonly object[]) => things.filter((one): one is ProtoType => one instanceof driver.Type);
  const atIndexes = (indexes: readonly number[]): ProtoType | undefined => {
    let found: ProtoType | undefined;
    for (const index of indexes) {
      found = typesOf(found ? found.nestedArray : own)[index];
      if (!found) return undefined;
    }
    return found && root.lookupType(found.fullName);
  };
  return {
    indexed: (bytes) => readIndexed(bytes, atIndexes),
    named: (name) => {
      const type = [name, `${space}.${name}`].flatMap((one) => {
        try {
          return root.lookupType(one);
        } catch {
          return [];
        }
      })[0];
      if (!type)
        throw wrongFile(
          `no message ${name}; it has ${typesOf(own)
            .map((one) => one.fullName.slice(1))
            .join(", ")}`,
        );
      return (body) => readMessage(type, body);
    },
  };
}

/** The files that come with Protobuf. */
function addCommon(driver: ProtobufDriver, root: ProtoRoot, name: string): void {
  const common = driver.common.get(name);
  if (common) root.addJSON(common.nested);
}

/** Behind it stands how many indexes lead to the message, and these; a zero alone is the first message. */
function readIndexed(bytes: Buffer, atIndexes: (indexes: readonly number[]) => ProtoType | undefined) {
  try {
    const reader = new WireReader(bytes);
    const count = reader.varint();
    if (count < 0 || count > 100) return "does not say which message of its schema it is";
    const indexes = count === 0 ? [0] : Array.from({ length: count }, () => reader.varint());
    const type = atIndexes(indexes);
    if (!type) return `is message ${indexes.join(".")} of its schema, which has none there`;
    return readMessage(type, bytes.subarray(reader.at));
  } catch (error) {
    if (error instanceof RangeError) return "does not say which message of its schema it is";
    throw error;
  }
}

function readMessage(type: ProtoType, body: Buffer): { readonly value: unknown } | string {
  let decoded: Readonly<Record<string, unknown>>;
  try {
    decoded = type.decode(body);
  } catch (error) {
    return `is no ${type.fullName.slice(1)} of Protobuf: ${(error as Error).message}`;
  }
  return { value: messageValue(type, decoded) };
}

/**
 * A message as JSON knows it, with every digit: fields by the names of the file, 0 where nothing was sent and the file makes no
 * difference, no field where it does.
 */
function messageValue(type: ProtoType, message: Readonly<Record<string, unknown>>): unknown {
  const known = wellKnown(type, message);
  if (known !== undefined) return known.value;
  const value: Record<string, unknown> = Object.create(null);
  for (const field of type.fieldsArray) {
    const isThere = Object.hasOwn(message, field.name);
    if (!isThere && isToldApart(field)) continue;
    value[field.name] = fieldValue(field, isThere ? message[field.name] : field.typeDefault);
  }
  return value;
}

/** Whether a field that is not there is another one than one of 0. */
function isToldApart({ repeated, map, hasPresence, partOf, resolvedType }: ProtoField): boolean {
  const isMessage = resolvedType !== null && "fieldsArray" in resolvedType;
  return !repeated && !map && (Boolean(hasPresence) || partOf !== null || isMessage);
}

function fieldValue(field: ProtoField, value: unknown): unknown {
  if (field.repeated) return ((value as readonly unknown[] | null) ?? []).map((one) => singleValue(field, one));
  if (!field.map) return singleValue(field, value);
  const map: Record<string, unknown> = Object.create(null);
  for (const [key, one] of Object.entries((value as object | null) ?? {}))
    map[longOfKey(key, field.keyType)] = singleValue(field, one);
  return map;
}

function singleValue({ type, resolvedType }: ProtoField, value: unknown): unknown {
  if (resolvedType && "valuesById" in resolvedType) return resolvedType.valuesById[value as number] ?? value;
  if (resolvedType) return messageValue(resolvedType, value as Readonly<Record<string, unknown>>);
  if (type === "bytes") return bytesText(Buffer.from((value as Uint8Array | readonly number[]) ?? []));
  if (type === "double" || type === "float") return numberValue(type, value as number);
  return isLong(value) ? longValue(value) : value;
}

/** A float has some seven digits: those that it was written with, and not those of the double that holds it. */
function numberValue(type: string, value: number): unknown {
  if (type === "double" || !Number.isFinite(value) || Object.is(value, -0)) return doubleValue(value);
  for (let digits = 6; digits <= 9; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return short;
  }
  return value;
}

function wrongFile(found: string, cause?: unknown): UserError {
  return new UserError({
    message: "the schema of Protobuf is not valid",
    found,
    exitCode: 1,
    ...(cause === undefined ? {} : { cause }),
  });
}
