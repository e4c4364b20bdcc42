import { ownValue } from "../../model/own-value.ts";
import type { CellKind } from "./cell.ts";
import { quoteName, type SqlQuery } from "./query.ts";
import type { SqlColumn } from "./rows.ts";

/** What `sys.dm_exec_describe_first_result_set` says of a column. */
export interface DescribedColumn {
  readonly name: string | null;
  /** "decimal(18,2)", "nvarchar(max)"; null for types of .NET. */
  readonly type: string | null;
}

/** Asks for the columns of the query in the parameter `@query`, without running it. */
export const DESCRIBE = `
select name, system_type_name as type, error_message as error
from sys.dm_exec_describe_first_result_set(@query, null, 0)
where is_hidden = 0 or error_message is not null
order by column_ordinal`;

interface Reading {
  readonly kind: CellKind;
  /** How the server writes it as text, where the driver would lose digits. */
  readonly convert?: (column: string) => string;
}

const text = (type: string, style?: number) => (column: string) =>
  `convert(${type}, ${column}${style === undefined ? "" : `, ${style}`})`;

const readings: Readonly<Record<string, Reading>> = {
  tinyint: { kind: "integer" },
  smallint: { kind: "integer" },
  int: { kind: "integer" },
  bigint: { kind: "integer", convert: text("varchar(20)") },
  bit: { kind: "boolean" },
  decimal: { kind: "decimal", convert: text("varchar(60)") },
  numeric: { kind: "decimal", convert: text("varchar(60)") },
  money: { kind: "decimal", convert: text("varchar(40)", 2) },
  smallmoney: { kind: "decimal", convert: text("varchar(40)", 2) },
  float: { kind: "float" },
  real: { kind: "float" },
  date: { kind: "date", convert: text("char(10)", 23) },
  datetime: { kind: "timestamp", convert: text("varchar(40)", 126) },
  smalldatetime: { kind: "timestamp", convert: text("varchar(40)", 126) },
  datetime2: { kind: "timestamp", convert: text("varchar(40)", 126) },
  datetimeoffset: { kind: "timestamp", convert: text("varchar(40)", 126) },
  time: { kind: "text", convert: text("varchar(16)", 121) },
  uniqueidentifier: { kind: "text", convert: (column) => `lower(convert(char(36), ${column}))` },
  json: { kind: "json", convert: text("nvarchar(max)") },
  binary: { kind: "binary" },
  varbinary: { kind: "binary" },
  image: { kind: "binary" },
  timestamp: { kind: "binary" }, // a row's version
  xml: { kind: "text", convert: text("nvarchar(max)") },
  sql_variant: { kind: "text", convert: text("nvarchar(4000)", 126) },
};
const plain = new Set(["char", "varchar", "nchar", "nvarchar", "text", "ntext", "sysname"]);

function readingOf({ type }: DescribedColumn): Reading {
  const name = /^\w+/.exec(type ?? "")?.[0] ?? "";
  if (plain.has(name)) return { kind: "text" };
  return ownValue(readings, name) ?? { kind: "text", convert: text("nvarchar(max)") };
}

/** The statement that sends every value with all its digits, and the columns that come. */
export function exactSelect(
  query: SqlQuery,
  described: readonly DescribedColumn[],
): { readonly text: string; readonly columns: readonly SqlColumn[] } {
  const columns = described.map((column) => ({ name: column.name ?? "", ...readingOf(column) }));
  const order = query.orderBy === undefined ? "" : ` order by records.${query.orderBy}`;
  const kinds = columns.map(({ name, kind }) => ({ name, kind }));
  if (columns.every(({ convert }) => convert === undefined)) {
    const plainOrder = query.orderBy === undefined ? "" : ` order by ${query.orderBy}`;
    return { text: `${query.text}${plainOrder}`, columns: kinds };
  }
  const list = columns.map(({ name, convert }) => {
    const quoted = quoteName("sqlserver", name);
    return convert ? `${convert(`records.${quoted}`)} as ${quoted}` : `records.${quoted}`;
  });
  return { text: `select ${list.join(", ")} from (${query.text}\n) as records${order}`, columns: kinds };
}

/** A value of the driver as text. */
export function textOf(value: unknown): string | null {
  if (value === null || value === undefined) return null;
  if (typeof value === "boolean") return value ? "1" : "0";
  return Buffer.isBuffer(value) ? `\\x${value.toString("hex")}` : String(value);
}
