import { noColumnType } from "../model/column-type.ts";
import { plainDecimal } from "../model/decimal.ts";
import { EVENT_COLUMNS, type RawColumn, type RecordSchema, type WrittenNumber } from "../model/declarations.ts";
import { UserError, UserErrors } from "../model/errors.ts";
import { Place, type Standing } from "./place.ts";
import { requireStorable } from "./storable.ts";
import { readYaml } from "./yaml.ts";

/** Columns of every raw table, which no field may be called. */
const RESERVED = new Set(["_load_id", "_row_no", "_extra"]);

/** Columns that every table of PostgreSQL has. */
const SYSTEM = new Set(["tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"]);

/** 1600 has a table, and four of them may be ours. */
const MOST_COLUMNS = 1596;

const types: Readonly<Record<string, string>> = {
  string: "text",
  integer: "bigint",
  number: "numeric",
  boolean: "boolean",
  object: "jsonb",
  array: "jsonb",
};

const formats: Readonly<Record<string, string>> = { "date-time": "timestamp with time zone", date: "date" };

const NAME = '(?:[a-z_][a-z0-9_$]*|"(?:[^"]|"")+")';

/** A type, perhaps with its schema, its precision and array brackets, and nothing else that could be SQL. */
const TYPE_NAME = new RegExp(
  String.raw`^${NAME}(?:\.${NAME})?(?: [a-z]+)*(?: ?\( ?\d+ ?(?:, ?\d+ ?)?\))?(?: [a-z]+)*(?: ?\[\d*\])*$`,
  "i",
);

/** Reads the JSON Schema of a record in a file of its own. */
export function readRecordSchema(path: string, shownAs: string, named?: Standing): RecordSchema {
  const yaml = readYaml(path, shownAs, named);
  return recordSchemaOf(yaml.value, shownAs, new Place(yaml));
}

/**
 * Returns the JSON Schema of a record that stands in a file; its properties, in their order, become the columns.
 * @throws UserError or UserErrors for what is no schema of a record
 */
export function recordSchemaOf(written: unknown, file: string, place: Place): RecordSchema {
  const schema = written as Record<string, unknown> | null;
  const properties = schema?.properties as Record<string, unknown> | undefined;
  if (schema === null || typeof schema !== "object" || typeof properties !== "object" || properties === null) {
    throw new UserError({
      message: "a record schema describes an object with properties",
      ...place.value(),
      expected: '{ "type": "object", "properties": { … } }',
    });
  }
  const errors: UserError[] = [];
  const columns: RawColumn[] = [];
  for (const [name, property] of Object.entries(properties)) {
    const column = columnOf(name, property as Record<string, unknown>, place.in("properties", name));
    if (column instanceof UserError) errors.push(column);
    else columns.push(column);
  }
  if (errors.length > 0) throw new UserErrors(errors);
  if (columns.length > MOST_COLUMNS)
    throw new UserError({
      message: "a record schema has more properties than a table of PostgreSQL has columns",
      ...place.value("properties"),
      expected: `at most ${MOST_COLUMNS}`,
      found: String(columns.length),
      hint: "leave out those that no model needs: they are kept in _extra",
    });
  const description = describedBy(schema, place);
  const bentNumbers = bentNumbersOf(place);
  return {
    file,
    schema,
    columns,
    ...(bentNumbers.length === 0 ? {} : { bentNumbers }),
    ...(description === undefined ? {} : { description }),
  };
}

/**
 * Returns the schema of an event as it lands: the fields of its data, and what was said around them.
 * @throws UserError where one of its fields is called like one of ours
 */
export function eventSchemaOf(data: RecordSchema, place: Place): RecordSchema {
  const ours = new Set<string>(EVENT_COLUMNS.map(({ name }) => name));
  const taken = data.columns.find(({ name }) => ours.has(name));
  if (taken)
    throw new UserError({
      message: `"${taken.name}" is a column that every table of events has already`,
      ...place.value("recordSchema"),
      hint: "call the field otherwise: what stands around the data of an event is ours",
    });
  const properties = Object.fromEntries(EVENT_COLUMNS.map(({ name }) => [name, { type: ["string", "null"] }]));
  return {
    ...data,
    schema: { ...data.schema, properties: { ...(data.schema.properties as object), ...properties } },
    columns: [...data.columns, ...EVENT_COLUMNS],
  };
}

/** What a schema or a property says of itself: it becomes a comment in the database. */
function describedBy({ description }: Record<string, unknown>, place: Place): string | undefined {
  if (typeof description !== "string") return undefined;
  requireStorable(description, "a description", place.in("description"));
  return description;
}

/** Long numbers are judged as they are written; what JSON has no number for cannot be. */
function bentNumbersOf(place: Place): readonly WrittenNumber[] {
  const numbers = place.bentNumbers();
  const unwritable = numbers.find(({ text }) => plainDecimal(text) === undefined);
  if (unwritable)
    throw new UserError({
      message: "no number of JSON",
      ...place.value(...unwritable.path),
      expected: "decimal digits, such as 9007199254740993 or 1e-7",
      found: unwritable.text,
    });
  return numbers;
}

/** Why no column can be called so; undefined where one can. */
export function columnNameMistake(name: string): { readonly message: string; readonly expected?: string } | undefined {
  if (RESERVED.has(name)) return { message: `"${name}" is a column that every raw table has already` };
  if (SYSTEM.has(name)) return { message: `"${name}" is a column that every table of PostgreSQL has already` };
  if (Buffer.byteLength(name) > 63 || name === "" || name.includes("\0"))
    return { message: `"${name}" cannot be a column`, expected: "a name of 1 to 63 bytes, without NUL" };
  return undefined;
}

function columnOf(name: string, property: Record<string, unknown>, place: Place): RawColumn | UserError {
  const mistake = columnNameMistake(name);
  if (mistake) return new UserError({ ...mistake, ...place.key(), hint: "leave the field out: it is kept in _extra" });
  const type = typeOf(property);
  if (type === undefined) {
    return new UserError({
      message: `the column type of "${name}" is not clear`,
      ...place.value(),
      expected: `one "type" of ${Object.keys(types).join(", ")} (and "null"), or the name of a type as "postgresType"`,
      found: JSON.stringify(property?.postgresType ?? property?.type),
    });
  }
  const none = noColumnType(type);
  if (none)
    return new UserError({
      message: `the type of "${name}" is none that a column can have`,
      ...place.value(),
      ...none,
    });
  const description = describedBy(property, place);
  return { name, type, ...(description === undefined ? {} : { description }) };
}

function typeOf(property: Record<string, unknown> | null): string | undefined {
  if (property === null || typeof property !== "object") return undefined;
  if (typeof property.postgresType === "string") {
    const written = property.postgresType.trim();
    return TYPE_NAME.test(written) ? written : undefined;
  }
  const named = [property.type].flat().filter((one) => one !== "null");
  if (named.length !== 1) return undefined;
  if (named[0] === "string" && typeof property.format === "string") return formats[property.format] ?? "text";
  return types[String(named[0])];
}
