import { isUtf8 } from "node:buffer";
import type { RecordSchema } from "../../model/declarations.ts";
import {
  ABSENT,
  DECIMAL,
  ESCAPED_TEXT,
  FALSE,
  FlatJson,
  NULL,
  TEXT,
  TRUE,
  WHOLE_NUMBER,
} from "../../sources/formats/flat-json.ts";
import { certainty, judgedByCells, saysMore } from "../check/cells.ts";
import { compileProperty } from "../check/checker.ts";
import { baseOf, holdsJson } from "../check/field-types.ts";

/** What a field may be without a closer look. */
interface FieldRule {
  readonly required: boolean;
  readonly nullable: boolean;
  readonly text: boolean;
  readonly whole: boolean;
  readonly decimal: boolean;
  readonly boolean: boolean;
  /** Any text will do. */
  readonly free: boolean;
  readonly certain: (bytes: Uint8Array, start: number, end: number) => boolean;
  /** Where the schema says more than the type of the column. */
  readonly refuses: ((value: unknown, text?: string) => readonly string[]) | undefined;
}

const TAB = 9;
const BACKSLASH = 92;
const CAPITAL_N = 78;
/** Below this, a loop is quicker than a call. */
const SHORT = 40;

function isNumberRight(refuses: NonNullable<FieldRule["refuses"]>, text: string): boolean {
  return refuses(Number(text), text).length === 0;
}

/**
 * Writes lines of JSON as lines of COPY's text format, their bytes as they are, where every field is surely right: the
 * escapes that JSON shares with COPY mean the same there. All other lines are for a parser and the schema's checker.
 */
export class NdjsonCopy {
  readonly #flat: FlatJson;
  readonly #rules: readonly FieldRule[];

  private constructor(recordSchema: RecordSchema) {
    this.#flat = new FlatJson(recordSchema.columns.map(({ name }) => name));
    this.#rules = fieldRules(recordSchema);
  }

  /** Undefined for a schema that needs to see whole records. */
  static of(recordSchema: RecordSchema): NdjsonCopy | undefined {
    return judgedByCells(recordSchema) ? new NdjsonCopy(recordSchema) : undefined;
  }

  /** Whether the line can be written. It is to be written next, if it is. */
  accepts(bytes: Buffer): boolean {
    if (!this.#flat.scan(bytes) || (!this.#flat.ascii && !isUtf8(bytes))) return false;
    for (let field = 0; field < this.#rules.length; field++) if (!this.#isRight(field, bytes)) return false;
    return true;
  }

  #isRight(field: number, bytes: Buffer): boolean {
    const { kinds, starts, ends } = this.#flat;
    const rule = this.#rules[field]!;
    const kind = kinds[field]!;
    const start = starts[field]!;
    const end = ends[field]!;
    switch (kind) {
      case ABSENT:
        return !rule.required;
      case NULL:
        return rule.nullable;
      case TRUE:
      case FALSE:
        return rule.boolean && !rule.refuses?.(kind === TRUE).length;
      case ESCAPED_TEXT:
        return rule.text && rule.free;
      case TEXT:
        if (!rule.text || rule.refuses?.(bytes.toString("utf8", start, end)).length) return false;
        return rule.free || rule.certain(bytes, start, end);
      default:
        if (kind === WHOLE_NUMBER ? !rule.whole : kind !== DECIMAL || !rule.decimal) return false;
        if (rule.refuses && !isNumberRight(rule.refuses, bytes.toString("latin1", start, end))) return false;
        return rule.free || rule.certain(bytes, start, end);
    }
  }

  /** Most bytes that `write` writes of a line. */
  size(bytes: Buffer): number {
    return bytes.length + 3 * this.#rules.length + 3;
  }

  /** The cells of the line accepted last, behind a tab each, the one for `_extra` last. Returns where they end. */
  write(bytes: Buffer, into: Buffer, start: number): number {
    const { kinds, starts, ends } = this.#flat;
    let at = start;
    for (let field = 0; field < this.#rules.length; field++) {
      into[at++] = TAB;
      if (kinds[field]! <= NULL) at = writeNull(into, at);
      else at = writeCell(bytes, starts[field]!, ends[field]!, into, at);
    }
    into[at++] = TAB;
    return writeNull(into, at);
  }
}

function writeNull(into: Buffer, at: number): number {
  into[at] = BACKSLASH;
  into[at + 1] = CAPITAL_N;
  return at + 2;
}

function writeCell(bytes: Buffer, start: number, end: number, into: Buffer, at: number): number {
  if (end - start >= SHORT) return at + bytes.copy(into, at, start, end);
  let to = at;
  for (let from = start; from < end; from++) into[to++] = bytes[from]!;
  return to;
}

function fieldRules(recordSchema: RecordSchema): FieldRule[] {
  const { columns, schema } = recordSchema;
  const properties = (schema.properties ?? {}) as Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  const required = new Set((schema.required ?? []) as string[]);
  return columns.map((column) => {
    const property = properties[column.name] ?? {};
    const types = [property.type ?? []].flat();
    const base = baseOf(column);
    // The values of a column of JSON are JSON, not what they say.
    const is = (type: string) => types.includes(type) && !holdsJson(column);
    const judge = saysMore(property, column) ? compileProperty(recordSchema, column.name) : undefined;
    return {
      required: required.has(column.name),
      nullable: is("null") && !judge?.(null).length,
      text: is("string"),
      whole: is("integer") || is("number"),
      decimal: is("number"),
      boolean: is("boolean") && (base === "boolean" || base === "text"),
      free: base === "text" && !judge,
      certain: certainty(base),
      refuses: judge,
    };
  });
}
