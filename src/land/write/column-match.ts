import type { RawColumn, RecordSchema, StreamDeclaration } from "../../model/declarations.ts";
import { UserError } from "../../model/errors.ts";
import type { DescribedColumn } from "../../postgres/describe-types.ts";
import { schemaTypesOf } from "../../sources/formats/csv/coerce.ts";
import { refuseLostTime, refuseOtherOrder } from "../../sources/sql/bends.ts";
import { unclearNames } from "../../sources/sql/rows.ts";
import { id, ids } from "../../sql/identifiers.ts";
import { literal } from "../../sql/literals.ts";
import { join, or, type Sql, sql } from "../../sql/sql.ts";
import { cellRules, judgedByCells } from "../check/cells.ts";
import { baseOf, holdsJson } from "../check/field-types.ts";

/** A column of a PostgreSQL that is read, and the one it lands in. */
interface Pair {
  readonly column: RawColumn;
  readonly source: DescribedColumn;
  /** What the schema allows, besides null. */
  readonly types: readonly string[];
  readonly format: unknown;
}

/** How the columns of a query match those of the table. */
export interface ColumnMatch {
  readonly pairs: readonly Pair[];
  /** What the query gives and nobody declared. */
  readonly unknown: readonly string[];
  /** What is declared and the query does not give. */
  readonly missing: readonly string[];
}

/** @throws UserError for columns that cannot match: a time that would be cut to a date, a cursor in another order */
export function matchColumns(described: readonly DescribedColumn[], stream: StreamDeclaration): ColumnMatch {
  const { recordSchema } = stream;
  const names = described.map(({ column }) => column);
  if (new Set(names).size < names.length) throw unclearNames(names);
  const properties = (recordSchema.schema.properties ?? {}) as Readonly<Record<string, { readonly format?: unknown }>>;
  const bySource = new Map(described.map((source) => [source.column, source]));
  const pairs = recordSchema.columns.flatMap((column) => {
    const source = bySource.get(column.name);
    if (!source) return [];
    refuseLostTime(column.name, source.base, recordSchema);
    const property = properties[column.name];
    return [{ column, source, types: schemaTypesOf(property), format: property?.format }];
  });
  if (!pairs.length) throw noColumn(recordSchema, names);
  const followed = pairs.find(({ column }) => column.name === stream.cursor?.field);
  if (followed) refuseOtherOrder(followed.source.base, followed.column);
  const known = new Set(recordSchema.columns.map(({ name }) => name));
  return {
    pairs,
    unknown: names.filter((name) => !known.has(name)),
    missing: recordSchema.columns.filter(({ name }) => !bySource.has(name)).map(({ name }) => name),
  };
}

const WHOLE = /^(?:smallint|integer|bigint)$/;
const NUMBER = /^(?:smallint|integer|bigint|numeric(?:\([\d,-]+\))?|double precision|real)$/;
const TEXT = /^(?:text|character varying(?:\(\d+\))?)$/;
/** JSON has them as the texts that they are. */
const PLAIN = /^(?:text|character|timestamp|date$|time)(?!.*\[\]$)/;

/**
 * The records as JSON, each field as the schema wants it: a number as a text where it knows only texts. Texts are those
 * that COPY writes.
 */
export function selectRecords({ pairs, unknown }: ColumnMatch, rows: Sql): Sql {
  const field = ({ column, source, types }: Pair) => {
    const name = id(column.name);
    return !PLAIN.test(source.base) && onlyText(types) ? sql`records.${name}::text as ${name}` : sql`records.${name}`;
  };
  const fields = [...pairs.map(field), ...unknown.map((name) => sql`records.${id(name)}`)];
  return sql`
    select pg_catalog.row_to_json(r.*)
    from (
      select ${join(fields, ", ")}
      from (
        ${rows}
      ) as records
    ) as r`;
}

/**
 * The same as cells of COPY, for the columns `_load_id`, `_row_no`, those of the pairs, and `_extra`. An unsure row has no
 * `_load_id`, which the table refuses: a look at the rows that landed would be a second reading of them all.
 */
export function selectCells({ pairs, unknown }: ColumnMatch, rows: Sql, loadId: string, unsure?: Sql): Sql {
  const load = sql`${literal(BigInt(loadId))}::bigint`;
  const extra = sql`
    (
      select pg_catalog.to_jsonb(x.*)
      from (select ${join(
        unknown.map((name) => sql`records.${id(name)}`),
        ", ",
      )}) as x
    )`;
  const cells = [
    unsure ? sql`case when ${unsure} then null else ${load} end` : load,
    sql`pg_catalog.row_number() over ()`,
    ...pairs.map(({ column }) => sql`records.${id(column.name)}`),
    ...(unknown.length ? [extra] : []),
  ];
  return sql`
    select
      ${cells}
    from (
      ${rows}
    ) as records`;
}

export function cellColumns({ pairs, unknown }: ColumnMatch): readonly string[] {
  return ["_load_id", "_row_no", ...pairs.map(({ column }) => column.name), ...(unknown.length ? ["_extra"] : [])];
}

const onlyText = (types: readonly string[]) => types.length > 0 && types.every((type) => type === "string");

/**
 * Whether rows may go from COPY to COPY unread: text for text the target reads what the source holds, and the schema asks
 * for nothing that the types do not say, but for `unsureRows`.
 */
export function passesUnread({ pairs }: ColumnMatch, { recordSchema, drift }: StreamDeclaration): boolean {
  if (drift !== "evolve" || !judgedByCells(recordSchema)) return false;
  const names = recordSchema.columns.map(({ name }) => name);
  return cellRules(recordSchema, names).every(({ refuses }) => !refuses) && pairs.every(isUnbent);
}

function isUnbent({ column, source, types }: Pair): boolean {
  const [from, to] = [bare(source.base), bare(baseOf(column))];
  const isSame = from === to || (WHOLE.test(from) && NUMBER.test(to)) || (TEXT.test(from) && TEXT.test(to));
  if (!isSame) return false;
  if (types.length === 0 || onlyText(types)) return true;
  if (WHOLE.test(from)) return types.includes("integer") || types.includes("number");
  if (NUMBER.test(from)) return types.includes("number");
  if (from === "boolean") return types.includes("boolean");
  return types.includes("string") && !holdsJson(column) && !from.endsWith("[]");
}

/** Without its length: what is too long is for the server to refuse. */
function bare(type: string): string {
  return type.replace(/\(.*?\)/, "");
}

/** The condition, at the source, of rows that the schema might refuse for more than their types; none where it cannot. */
export function unsureRows({ pairs, missing }: ColumnMatch, { schema }: RecordSchema): Sql | undefined {
  const required = new Set((schema.required ?? []) as string[]);
  const conditions = pairs.flatMap(({ column, source, types, format }) => {
    const name = sql`records.${id(column.name)}`;
    const isNumber =
      types.length > 0 && !types.includes("string") && NUMBER.test(source.base) && !WHOLE.test(source.base);
    return [
      ...(required.has(column.name) ? [sql`${name} is null`] : []),
      ...(isNumber ? [sql`${name} - ${name} <> 0`] : []),
      ...(format !== undefined ? [sql`${name} < '0001-01-01' or ${name} >= '10000-01-01'`] : []),
    ];
  });
  if (missing.some((name) => required.has(name))) return sql`true`;
  return conditions.length ? or(conditions) : undefined;
}

function noColumn({ file, columns }: RecordSchema, found: readonly string[]): UserError {
  return new UserError({
    message: "the schema knows none of the query's columns",
    location: { file },
    expected: ids(columns.slice(0, 20).map(({ name }) => name)).join(", "),
    found: found.slice(0, 20).join(", ") || "no columns",
    hint: "name them with `as` in the query, or correct the schema",
    exitCode: 1,
  });
}
