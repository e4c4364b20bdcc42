import { timestampText } from "../formats/times.ts";
import { doubleValue } from "../formats/value-record.ts";
import { longValue, type ProtoType } from "./protobuf-driver.ts";

type Message = Readonly<Record<string, unknown>>;

// Messages that come with Protobuf and mean one value, as its mapping to JSON has them.

const WRAPPER = /^\.google\.protobuf\.(?:Double|Float|U?Int(?:32|64)|Bool|String|Bytes)Value$/;

/** The value that a message of this type is; undefined for a message that is an object. */
export function wellKnown(type: ProtoType, message: Message): { readonly value: unknown } | undefined {
  if (!type.fullName.startsWith(".google.protobuf.")) return undefined;
  switch (type.fullName) {
    case ".google.protobuf.Timestamp":
      return { value: timestamp(message) };
    case ".google.protobuf.Duration":
      return { value: duration(message) };
    case ".google.protobuf.Struct":
      return { value: struct(message) };
    case ".google.protobuf.Value":
      return { value: anyValue(message) };
    case ".google.protobuf.ListValue":
      return { value: list(message) };
    default:
      return WRAPPER.test(type.fullName) ? { value: wrapped(type, message) } : undefined;
  }
}

const numberOf = (value: unknown) => Number(longValue(value ?? 0));

function timestamp({ seconds, nanos }: Message): string {
  return `${timestampText(BigInt(longValue(seconds ?? 0)) * 1_000_000_000n + BigInt(numberOf(nanos)), 9)}Z`;
}

function duration({ seconds, nanos }: Message): string {
  const whole = BigInt(longValue(seconds ?? 0)) * 1_000_000_000n + BigInt(numberOf(nanos));
  const digits = String(whole < 0n ? -whole : whole).padStart(10, "0");
  const fraction = digits.slice(-9).replace(/0+$/, "");
  return `${whole < 0n ? "-" : ""}${digits.slice(0, -9)}${fraction === "" ? "" : `.${fraction}`}s`;
}

function wrapped(type: ProtoType, { value }: Message): unknown {
  const [field] = type.fieldsArray;
  if (type.fullName.endsWith(".BytesValue")) return `\\x${Buffer.from((value as Uint8Array) ?? []).toString("hex")}`;
  const given = value ?? field!.typeDefault;
  return typeof given === "number" ? doubleValue(given) : longValue(given);
}

function struct({ fields }: Message): Record<string, unknown> {
  const value: Record<string, unknown> = Object.create(null);
  for (const [name, one] of Object.entries((fields as object | undefined) ?? {}))
    value[name] = anyValue(one as Message);
  return value;
}

function list({ values }: Message): unknown[] {
  return ((values as readonly Message[] | undefined) ?? []).map(anyValue);
}

function anyValue(message: Message): unknown {
  if (Object.hasOwn(message, "structValue")) return struct(message.structValue as Message);
  if (Object.hasOwn(message, "listValue")) return list(message.listValue as Message);
  if (Object.hasOwn(message, "numberValue")) return doubleValue(message.numberValue as number);
  if (Object.hasOwn(message, "stringValue")) return message.stringValue;
  return Object.hasOwn(message, "boolValue") ? message.boolValue : null;
}
