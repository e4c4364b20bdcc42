import type { LogicalType, SchemaElement, SchemaTree } from "hyparquet";
import { unreadable } from "../file-errors.ts";
import { dateText, durationText, timestampText, timeText, uuidText } from "../times.ts";
import { bytesText, decimalText, doubleValue, isScale, narrow, RawJson, signedInteger } from "../value-record.ts";

/** From a value as the library gives it to a value of a record. */
export type ReadValue = (value: unknown) => unknown;

type Bytes = Uint8Array;
type Integer = number | bigint;

/**
 * Takes the conversions that would lose digits away from the library, in its own schema, and gives what converts a value
 * of this node instead. Lists, maps and groups included.
 */
export function converterOf(node: SchemaTree): ReadValue {
  if (node.element.logical_type?.type === "VARIANT")
    throw unreadable("columns of type VARIANT cannot be read", { found: node.path.join(".") });
  const { children, element } = node;
  if (children.length === 0) return orNull(eachOf(converterOfLeaf(element)));
  const [only] = children;
  if (element.converted_type === "LIST" && children.length === 1 && only!.children.length <= 1) {
    const item = converterOf(only!.children[0] ?? only!);
    return orNull((list) => (Array.isArray(list) ? list.map(item) : item(list)));
  }
  if (element.converted_type === "MAP" && children.length === 1 && only!.children.length === 2) {
    converterOf(only!.children[0]!);
    const item = converterOf(only!.children[1]!);
    return orNull(eachOf((map) => fieldsOf(Object.entries(map as object).map(([key, value]) => [key, item(value)]))));
  }
  const fields = children.map((child) => [child.element.name, converterOf(child)] as const);
  return orNull(
    eachOf((group) => fieldsOf(fields.map(([name, read]) => [name, read((group as Record<string, unknown>)[name])]))),
  );
}

function orNull(read: ReadValue): ReadValue {
  return (value) => (value === null || value === undefined ? null : read(value));
}

/** Of a node that is repeated without being a list, the library gives an array. */
function eachOf(read: ReadValue): ReadValue {
  return (value) => (Array.isArray(value) ? value.map(orNull(read)) : read(value));
}

function fieldsOf(entries: readonly (readonly [string, unknown])[]): Record<string, unknown> {
  const fields: Record<string, unknown> = Object.create(null);
  for (const [name, value] of entries) fields[name] = value;
  return fields;
}

function converterOfLeaf(element: SchemaElement): ReadValue {
  const kind = element.logical_type?.type ?? element.converted_type;
  const read = logicalRead(kind, element);
  if (read) {
    const text = kind === "JSON" || kind === "ENUM" || kind === "STRING";
    element.converted_type = text ? "UTF8" : undefined;
    element.logical_type = undefined;
    return read;
  }
  return physicalRead(element);
}

function logicalRead(kind: string | undefined, element: SchemaElement): ReadValue | undefined {
  const time = timeRead(kind, element.logical_type);
  if (time) return (value) => time(value as Integer);
  switch (kind) {
    case "STRING":
    case "ENUM":
      return (value) => value;
    case "JSON":
      return (value) => jsonValue(value as string);
    case "DECIMAL":
      return decimalRead(element);
    case "DATE":
      return (value) => dateText(value as number);
    case "UUID":
      return (value) => uuidText(value as Bytes);
    case "INTERVAL":
      return (value) => durationText(value as Bytes);
    case "BSON":
    case "GEOMETRY":
    case "GEOGRAPHY":
      return (value) => bytesText(value as Bytes);
    default:
      return undefined;
  }
}

function timeRead(
  kind: string | undefined,
  logical: LogicalType | undefined,
): ((units: Integer) => string) | undefined {
  if (logical?.type === "TIMESTAMP") {
    const digits = DIGITS[logical.unit];
    const zone = logical.isAdjustedToUTC ? "Z" : "";
    return (units) => `${timestampText(units, digits)}${zone}`;
  }
  if (logical?.type === "TIME") return (units) => timeText(units, DIGITS[logical.unit]);
  if (kind === "TIMESTAMP_MILLIS") return (units) => `${timestampText(units, 3)}Z`;
  if (kind === "TIMESTAMP_MICROS") return (units) => `${timestampText(units, 6)}Z`;
  if (kind === "TIME_MILLIS") return (units) => timeText(units, 3);
  if (kind === "TIME_MICROS") return (units) => timeText(units, 6);
  return undefined;
}

const DIGITS = { MILLIS: 3, MICROS: 6, NANOS: 9 } as const;

function decimalRead({ scale: written, logical_type: logical, name }: SchemaElement): ReadValue {
  const scale = logical?.type === "DECIMAL" ? logical.scale : (written ?? 0);
  if (!isScale(scale)) throw unreadable(`the column ${name} is a decimal of scale ${scale}`);
  return (value) => decimalText(value instanceof Uint8Array ? signedInteger(value) : BigInt(value as Integer), scale);
}

function physicalRead({ type, converted_type: converted }: SchemaElement): ReadValue {
  // The library has made a text of it.
  if (converted === "UTF8") return (value) => value;
  // Of the nanoseconds of 96 bits: they are since 1970, in UTC.
  if (type === "INT96") return (value) => `${timestampText(value as bigint, 9)}Z`;
  return (value) => {
    if (typeof value === "number") return doubleValue(value);
    if (typeof value === "bigint") return narrow(value);
    return value instanceof Uint8Array ? bytesText(value) : value;
  };
}

function jsonValue(text: string): unknown {
  try {
    JSON.parse(text);
    return new RawJson(text);
  } catch {
    return text;
  }
}
