import { Ajv, type ErrorObject, type ValidateFunction } from "ajv";
import { Ajv2020 } from "ajv/dist/2020.js";
import formats from "ajv-formats";
import type { RawColumn, RecordSchema, StreamDeclaration } from "../../model/declarations.ts";
import { UserError } from "../../model/errors.ts";
import type { SourceRecord } from "../../sources/json/document.ts";
import { type Judged, judgeExactly } from "./exact-numbers.ts";
import { baseOf } from "./field-types.ts";
import { jsonCell, readsText } from "./json-cells.ts";
import { isDateText, isDateTimeText } from "./times.ts";

/** A record as cells in the order of the columns, `_extra` last; or why it cannot be landed. */
type Checked = { readonly cells: readonly (string | null)[] } | { readonly reasons: readonly string[] };

/** Checks records against their schema. `text` is the record's JSON, made once by the caller. */
export type RecordChecker = (record: SourceRecord, text: string) => Checked;

/** The bounds of `bigint`. */
const MAX_BIGINT = 2n ** 63n - 1n;
const MIN_BIGINT = -(2n ** 63n);
/** JSON escapes that may stand for a character PostgreSQL cannot store. */
const SUSPICIOUS = /\\u(?:0000|d[89a-f])/i;

/** Fields that a load met and its schema does not know, with how often. */
export type UnknownFields = Map<string, number>;

/**
 * Compiles a record schema. Throws a UserError for a schema that is not valid.
 * @param drift what to do about fields the schema does not know
 * @param unknown where such fields are counted; nowhere, unless it is given: who sends them may make up as many as they like
 */
export function createChecker(
  recordSchema: RecordSchema,
  drift: StreamDeclaration["drift"] = "evolve",
  unknown?: UnknownFields,
): RecordChecker {
  let judged: SourceRecord | undefined;
  const validate = compile(recordSchema, () => judged);
  const known = new Set(recordSchema.columns.map((column) => column.name));
  const columns = recordSchema.columns.map((column) => [column, readsText(column, recordSchema)] as const);
  return (record, text) => {
    judged = record;
    const wrong = record.isTombstone || validate(record.value) ? [] : (validate.errors ?? []).map(reasonOf);
    const reasons = text.includes("\\u") && SUSPICIOUS.test(text) ? wrong.concat(unstorable(record.value, "")) : wrong;
    if (reasons.length > 0) return { reasons: [...new Set(reasons)].map(storable) };
    const value = record.value as Record<string, unknown>;
    const extra = Object.keys(value).filter((name) => !known.has(name));
    if (unknown) for (const name of extra) unknown.set(name, (unknown.get(name) ?? 0) + 1);
    if (extra.length && drift === "freeze") throw frozen(recordSchema, extra, record.position);
    if (extra.length && drift === "quarantine")
      return { reasons: extra.map((name) => storable(`${name}: the schema does not know this field`)) };
    const cells: (string | null)[] = [];
    for (const [column, asText] of columns) {
      const cell = jsonCell(value, record, column, asText);
      const problem = record.hasTexts ? undefined : misfit(value, column, cell);
      if (problem !== undefined) reasons.push(`${column.name}: ${problem}`);
      cells.push(cell);
    }
    cells.push(extraOf(record, extra));
    return reasons.length > 0 ? { reasons } : { cells };
  };
}

/** A record without a field "constructor" has none, though every object inherits one. */
const OPTIONS = { allErrors: true, strict: false, logger: false, ownProperties: true } as const;

/** The dialects of JSON Schema. What judges schemas themselves takes 8 ms to compile: once for all. */
const DIALECTS = { draft7: { Ajv, judge: new Ajv(OPTIONS) }, "2020-12": { Ajv: Ajv2020, judge: new Ajv2020(OPTIONS) } };

function compile(recordSchema: RecordSchema, judged: () => Judged | undefined): ValidateFunction {
  const { schema, file } = recordSchema;
  const dialect = DIALECTS[String(schema.$schema ?? "").includes("2020-12") ? "2020-12" : "draft7"];
  // One for each schema, so that none meets the names of another.
  const ajv = new dialect.Ajv({ ...OPTIONS, validateSchema: false });
  formats.default(ajv);
  judgeExactly(ajv, recordSchema, judged);
  ajv.addFormat("date", { type: "string", validate: isDateText });
  ajv.addFormat("date-time", { type: "string", validate: isDateTimeText });
  try {
    dialect.judge.validateSchema(schema, true);
    return ajv.compile(schema);
  } catch (cause) {
    throw new UserError({
      message: `${file} is not a valid JSON Schema`,
      location: { file },
      found: (cause as Error).message,
      hint: "correct the schema of the records",
      cause,
    });
  }
}

/** "figures.clicks: must be integer". Without the value, so that reasons can be counted. */
function reasonOf(error: ErrorObject): string {
  const path = error.instancePath.slice(1).replaceAll("/", ".").replaceAll("~1", "/").replaceAll("~0", "~");
  const field = (name: string) => (path === "" ? name : `${path}.${name}`);
  if (error.keyword === "required") return `${field(error.params.missingProperty)}: is missing`;
  if (error.keyword === "additionalProperties") return `${field(error.params.additionalProperty)}: is not allowed`;
  return `${path || "record"}: ${error.message ?? error.keyword}`;
}

/** A reason may quote a field name that PostgreSQL cannot store. */
function storable(reason: string): string {
  return reason.replace(/[\0\p{Surrogate}]/gu, "\ufffd");
}

function unstorable(value: unknown, path: string): string[] {
  if (typeof value === "string") {
    const where = path || "record";
    if (value.includes("\0")) return [`${where}: has a NUL character, which PostgreSQL cannot store`];
    return /\p{Surrogate}/u.test(value) ? [`${where}: has half a surrogate pair, which is not text`] : [];
  }
  if (value === null || typeof value !== "object") return [];
  return Object.entries(value).flatMap(([key, item]) => [
    ...(unstorable(key, "").length > 0 ? [`${path || "record"}: has a field name that PostgreSQL cannot store`] : []),
    ...unstorable(item, path === "" ? key : `${path}.${key}`),
  ]);
}

/** A number only: what a text means for a column of this type is for the server to say. */
function misfit(value: Record<string, unknown>, column: RawColumn, cell: string | null): string | undefined {
  if (cell === null || baseOf(column) !== "bigint" || typeof value[column.name] !== "number") return undefined;
  if (!/^-?\d+$/.test(cell)) return "is not a whole number";
  if (cell.length < 19) return undefined;
  const number = BigInt(cell);
  return number >= MIN_BIGINT && number <= MAX_BIGINT ? undefined : "is out of range for bigint";
}

/** Fields without a column, as one JSON object; null when there are none. */
function extraOf(record: SourceRecord, fields: readonly string[]): string | null {
  if (fields.length === 0) return null;
  return `{${fields.map((name) => `${JSON.stringify(name)}: ${record.fieldText(name)}`).join(", ")}}`;
}

/** The source has changed its shape, and the declaration says that this is an error. */
export function frozen({ file }: RecordSchema, fields: readonly string[], position: string): UserError {
  return new UserError({
    message: `the source sends fields that ${file} does not know (drift: freeze)`,
    location: { file },
    found: `${fields
      .slice(0, 10)
      .map((name) => JSON.stringify(name))
      .join(", ")} at ${position}`,
    hint: "add them to the schema; nothing was landed",
    exitCode: 1,
  });
}

/** Judges the value of one property by itself, a number by its text: why it is refused, if it is. */
export function compileProperty(
  recordSchema: RecordSchema,
  name: string,
): (value: unknown, text?: string) => readonly string[] {
  const { schema } = recordSchema;
  const property = (schema.properties as Record<string, unknown>)[name];
  const own = { ...recordSchema, schema: { $schema: schema.$schema, properties: { [name]: property } } };
  let judged: string | undefined;
  const validate = compile(own, () => ({ fieldText: () => judged }));
  return (value, text) => {
    judged = text;
    return validate({ [name]: value }) ? [] : [...new Set((validate.errors ?? []).map(reasonOf))].map(storable);
  };
}
