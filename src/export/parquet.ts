import type { SchemaElement } from "hyparquet";
import { UserError } from "../model/errors.ts";
import type { Client } from "../postgres/client.ts";
import { type Sql, sql } from "../sql/sql.ts";
import { type Row, readRows } from "./rows.ts";
import type { ExportColumn, ExportSource } from "./source.ts";

/** Characters of one row group: what is in memory at once. */
const GROUP_SIZE = 16 * 1024 * 1024;

/** How a column is stored: its schema, the SQL that gives its values as text, and the value of such a text. */
interface ParquetColumn {
  readonly element: SchemaElement;
  readonly sql: Sql;
  readonly value: (text: string) => unknown;
}

/** The rows as a Parquet file, row group by row group. */
export async function parquetBody(client: Client, source: ExportSource) {
  const { columns } = source;
  const { ByteWriter, ParquetWriter } = await import("hyparquet-writer");
  const shapes = columns.map(parquetColumn);
  const fetched = readRows(
    client,
    source,
    shapes.map((shape) => shape.sql),
  );
  let count = 0;
  const bytes = async function* (): AsyncGenerator<Uint8Array> {
    const writer = new ByteWriter();
    const root: SchemaElement = { name: "root", num_children: columns.length };
    const parquet = new ParquetWriter({ writer, schema: [root, ...shapes.map(({ element }) => element)] });
    const written = () => {
      const chunk = new Uint8Array(writer.getBytes().slice(0));
      writer.index = 0;
      return chunk;
    };
    for await (const { data, rows } of groupsOf(fetched, shapes)) {
      count += rows;
      const columnData = columns.map(({ name }, index) => ({ name, data: data[index] as never }));
      await parquet.write({ columnData, rowGroupSize: rows });
      yield written();
    }
    await parquet.finish();
    yield written();
  };
  return { bytes: bytes(), rows: () => count };
}

interface RowGroup {
  /** The values of each column. */
  readonly data: readonly (readonly unknown[])[];
  readonly rows: number;
}

async function* groupsOf(
  fetched: AsyncIterable<readonly Row[]>,
  shapes: readonly ParquetColumn[],
): AsyncGenerator<RowGroup> {
  let data: unknown[][] = shapes.map(() => []);
  let [size, rows] = [0, 0];
  for await (const some of fetched) {
    for (const row of some) {
      rows++;
      for (const [index, text] of row.entries()) {
        size += (text?.length ?? 0) + 8;
        data[index]!.push(text === null ? null : shapes[index]!.value(text));
      }
    }
    if (size < GROUP_SIZE) continue;
    yield { data, rows };
    data = shapes.map(() => []);
    [size, rows] = [0, 0];
  }
  if (rows) yield { data, rows };
}

function parquetColumn({ name, sql: column, type }: ExportColumn): ParquetColumn {
  const element = (rest: Partial<SchemaElement>): SchemaElement => ({ name, repetition_type: "OPTIONAL", ...rest });
  const asText = sql`${column}::text`;
  const text = { element: element({ type: "BYTE_ARRAY", converted_type: "UTF8" }), sql: asText };
  const finite =
    <T>(convert: (text: string) => T) =>
    (given: string) => {
      if (/infinity|nan/i.test(given)) throw infinite(name, given);
      return convert(given);
    };
  const decimal = /^numeric\((\d+),(\d+)\)$/.exec(type);
  const [precision, scale] = [Number(decimal?.[1]), Number(decimal?.[2])];
  // A DECIMAL has no more digits behind the point than it has at all; numeric(3,5) may.
  if (precision <= 38 && scale <= precision) {
    const stored = {
      type: "FIXED_LEN_BYTE_ARRAY",
      type_length: 16,
      converted_type: "DECIMAL",
      precision,
      scale,
    } as const;
    return { element: element(stored), sql: asText, value: finite((given) => BigInt(given.replace(".", ""))) };
  }
  switch (type) {
    case "boolean":
      return { element: element({ type: "BOOLEAN" }), sql: asText, value: (given) => given === "true" };
    case "smallint":
    case "integer":
      return { element: element({ type: "INT32" }), sql: asText, value: Number };
    case "bigint":
      return { element: element({ type: "INT64" }), sql: asText, value: BigInt };
    case "real":
    case "double precision":
      return { element: element({ type: "DOUBLE" }), sql: asText, value: Number };
    case "bytea":
      return {
        element: element({ type: "BYTE_ARRAY" }),
        sql: asText,
        value: (given) => Uint8Array.from(Buffer.from(given.slice(2), "hex")),
      };
    case "json":
    case "jsonb":
      // As it is written: the library, told of it by the older word as well, would parse and bend it.
      return {
        element: element({ type: "BYTE_ARRAY", logical_type: { type: "JSON" } }),
        sql: asText,
        value: (given) => Buffer.from(given),
      };
    case "date":
      return {
        element: element({ type: "INT32", converted_type: "DATE" }),
        sql: sql`case when pg_catalog.isfinite(${column}) then (${column} - date '1970-01-01')::text else ${asText} end`,
        value: finite(Number),
      };
    case "timestamp with time zone":
    case "timestamp without time zone":
      return {
        element: element({ type: "INT64", converted_type: "TIMESTAMP_MICROS" }),
        sql: sql`case when pg_catalog.isfinite(${column}) then (extract(epoch from ${column}) operator(pg_catalog.*) 1000000)::bigint::text else ${asText} end`,
        value: finite(BigInt),
      };
    default:
      // Exact, also what Parquet has no type for: numeric without a scale, arrays, intervals, ranges.
      return { ...text, value: (given) => given };
  }
}

function infinite(name: string, found: string): UserError {
  return new UserError({
    message: `column ${name} has a value that Parquet cannot hold`,
    found,
    hint: `export it as text: select ${name}::text, …`,
    exitCode: 1,
  });
}
