import { importOptional } from "../../config/optional-package.ts";
import { narrow } from "../formats/value-record.ts";

// What we use of protobufjs, which is there where somebody reads Protobuf.

export interface ProtoField {
  readonly name: string;
  readonly type: string;
  readonly repeated: boolean;
  readonly map: boolean;
  readonly keyType?: string;
  readonly resolvedType: ProtoType | ProtoEnum | null;
  readonly partOf: object | null;
  readonly typeDefault: unknown;
  /** Whether a value that is not there is told apart from one that is 0. */
  readonly hasPresence: unknown;
}

interface ProtoEnum {
  readonly valuesById: Readonly<Record<number, string>>;
}

export interface ProtoType {
  readonly name: string;
  readonly fullName: string;
  readonly fieldsArray: readonly ProtoField[];
  readonly nestedArray: readonly ProtoThing[];
  decode(bytes: Buffer): Readonly<Record<string, unknown>>;
}

type ProtoThing = ProtoType | ProtoNamespace;

interface ProtoNamespace {
  readonly nestedArray: readonly ProtoThing[];
}

export interface ProtoRoot extends ProtoNamespace {
  lookup(name: string): ProtoNamespace | null;
  lookupType(name: string): ProtoType;
  addJSON(nested: object): void;
  resolveAll(): void;
}

export interface ProtobufDriver {
  readonly Root: new () => ProtoRoot;
  readonly Type: new (...args: never[]) => ProtoType;
  readonly common: { get(file: string): { readonly nested: object } | null };
  parse(text: string, root: ProtoRoot, options: { keepCase: boolean }): ParsedProto;
}

interface ParsedProto {
  readonly package: string | undefined;
  readonly imports: readonly string[] | undefined;
}

export async function importProtobuf(projectDir: string): Promise<ProtobufDriver> {
  const { default: driver } = await importOptional<{ default: ProtobufDriver }>(
    "protobufjs",
    projectDir,
    "reading Protobuf",
  );
  return driver;
}

/** How the driver has numbers of 64 bits. */
interface Long {
  readonly low: number;
  readonly high: number;
  readonly unsigned: boolean;
}

export function isLong(value: unknown): value is Long {
  return value !== null && typeof value === "object" && "unsigned" in value;
}

export function longValue(value: unknown): number | bigint {
  if (!isLong(value)) return value as number;
  const whole = (BigInt(value.high >>> 0) << 32n) | BigInt(value.low >>> 0);
  return narrow(value.unsigned ? whole : BigInt.asIntN(64, whole));
}

/** The key of a map: of 64 bits the driver has its eight bytes as characters. */
export function longOfKey(key: string, type = ""): string {
  if (!type.endsWith("64") || key.length !== 8) return key;
  const bytes = Buffer.from(key, "latin1");
  return String(longValue({ low: bytes.readInt32LE(0), high: bytes.readInt32LE(4), unsigned: /^u|^fixed/.test(type) }));
}
