import { ownValue } from "../../model/own-value.ts";
import { dialectId } from "../../sql/dialects.ts";
import { join, type Sql, sql } from "../../sql/sql.ts";
import type { CellKind } from "./cell.ts";
import type { SqlQuery } from "./query.ts";
import type { SqlColumn } from "./rows.ts";

/** What `sys.dm_exec_describe_first_result_set` says of a column. */
export interface DescribedColumn {
  readonly name: string | null;
  /** "decimal(18,2)", "nvarchar(max)"; null for types of .NET. */
  readonly type: string | null;
}

/** Asks for the columns of the query in the parameter `@query`, without running it. */
export const DESCRIBE = sql`
  select name, system_type_name as type, error_message as error
  from sys.dm_exec_describe_first_result_set(@query, null, 0)
  where is_hidden = 0 or error_message is not null
  order by column_ordinal`;

interface Reading {
  readonly kind: CellKind;
  /** How the server writes it as text, where the driver would lose digits. */
  readonly convert?: (column: Sql) => Sql;
}

const text =
  (type: Sql, style = sql``) =>
  (column: Sql) =>
    sql`convert(${type}, ${column}${style})`;
const iso = sql`, 126`;

const readings: Readonly<Record<string, Reading>> = {
  tinyint: { kind: "integer" },
  smallint: { kind: "integer" },
  int: { kind: "integer" },
  bigint: { kind: "integer", convert: text(sql`varchar(20)`) },
  bit: { kind: "boolean" },
  decimal: { kind: "decimal", convert: text(sql`varchar(60)`) },
  numeric: { kind: "decimal", convert: text(sql`varchar(60)`) },
  money: { kind: "decimal", convert: text(sql`varchar(40)`, sql`, 2`) },
  smallmoney: { kind: "decimal", convert: text(sql`varchar(40)`, sql`, 2`) },
  float: { kind: "float" },
  real: { kind: "float" },
  date: { kind: "date", convert: text(sql`char(10)`, sql`, 23`) },
  datetime: { kind: "timestamp", convert: text(sql`varchar(40)`, iso) },
  smalldatetime: { kind: "timestamp", convert: text(sql`varchar(40)`, iso) },
  datetime2: { kind: "timestamp", convert: text(sql`varchar(40)`, iso) },
  datetimeoffset: { kind: "timestamp", convert: text(sql`varchar(40)`, iso) },
  time: { kind: "text", convert: text(sql`varchar(16)`, sql`, 121`) },
  uniqueidentifier: { kind: "text", convert: (column) => sql`lower(convert(char(36), ${column}))` },
  json: { kind: "json", convert: text(sql`nvarchar(max)`) },
  binary: { kind: "binary" },
  varbinary: { kind: "binary" },
  image: { kind: "binary" },
  timestamp: { kind: "binary" }, // a row's version
  xml: { kind: "text", convert: text(sql`nvarchar(max)`) },
  sql_variant: { kind: "text", convert: text(sql`nvarchar(4000)`, iso) },
};
const plain = new Set(["char", "varchar", "nchar", "nvarchar", "text", "ntext", "sysname"]);

function readingOf({ type }: DescribedColumn): Reading {
  const name = /^\w+/.exec(type ?? "")?.[0] ?? "";
  if (plain.has(name)) return { kind: "text" };
  return ownValue(readings, name) ?? { kind: "text", convert: text(sql`nvarchar(max)`) };
}

/** The statement that sends every value with all its digits, and the columns that come. */
export function exactSelect(
  query: SqlQuery,
  described: readonly DescribedColumn[],
): { readonly text: Sql; readonly columns: readonly SqlColumn[] } {
  const columns = described.map((column) => ({ name: column.name ?? "", ...readingOf(column) }));
  const order = query.orderBy === undefined ? sql`` : sql` order by ${query.orderBy}`;
  const kinds = columns.map(({ name, kind }) => ({ name, kind }));
  if (columns.every(({ convert }) => convert === undefined))
    return { text: sql`${query.text}${order}`, columns: kinds };
  const list = columns.map(({ name, convert }) => {
    const column = sql`records.${dialectId("sqlserver", name)}`;
    return convert ? sql`${convert(column)} as ${dialectId("sqlserver", name)}` : column;
  });
  const records = query.orderBy === undefined ? sql`` : sql` order by records.${query.orderBy}`;
  return {
    text: sql`select ${join(list, ", ")} from (${query.text}
) as records${records}`,
    columns: kinds,
  };
}

/** A value of the driver as text. */
export function textOf(value: unknown): string | null {
  if (value === null || value === undefined) return null;
  if (typeof value === "boolean") return value ? "1" : "0";
  return Buffer.isBuffer(value) ? `\\x${value.toString("hex")}` : String(value);
}
