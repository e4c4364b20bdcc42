import { UserError } from "../model/errors.ts";
import { copyJsonLines } from "../postgres/copy.ts";
import { literal } from "../sql/literals.ts";
import { type Sql, sql } from "../sql/sql.ts";
import { type ExportColumn, type ExportSource, selectList } from "./source.ts";

interface CsvOptions {
  readonly delimiter?: string;
  readonly formulaSafe?: boolean;
}

export function csvCopy({ columns, from }: ExportSource, { delimiter = ",", formulaSafe = true }: CsvOptions): Sql {
  if (delimiter.length !== 1)
    throw new UserError({ message: "the delimiter is one character", found: JSON.stringify(delimiter) });
  const list = selectList(columns, (column) => ({
    value: formulaSafe && column.isText ? safeText(column) : column.sql,
    name: formulaSafe && isFormula.test(column.name) ? `'${column.name}` : column.name,
  }));
  return sql`
    copy (
      select
        ${list}
      from ${from}
    ) to stdout (format csv, header true, encoding 'UTF8', delimiter ${literal(delimiter)})`;
}

/**
 * What spreadsheets take for the beginning of a formula: its sign, as wide as East Asian texts have it too, also behind blanks; and
 * what they skip to find one. PostgreSQL reads the same expression.
 */
const FORMULA = String.raw`^[\s\u00A0\u3000]*[=+@\uFF1D\uFF0B\uFF0D\uFF20-]|^[\t\r\n]`;
const isFormula = new RegExp(FORMULA);

function safeText({ sql: value }: ExportColumn): Sql {
  return sql`case when ${value}::text ~ ${literal(FORMULA)} then '''' || ${value}::text else ${value}::text end`;
}

export function ndjsonCopy({ columns, from }: ExportSource): Sql {
  const list = selectList(columns, ({ sql, name }) => ({ value: sql, name }));
  // A line end in JSON stands between its parts only: those inside of texts are escaped.
  const row = columns.some(({ mayBreakLines }) => mayBreakLines)
    ? sql`pg_catalog.translate(pg_catalog.row_to_json(line.*)::text, E'\n\r', '  ')`
    : sql`pg_catalog.row_to_json(line.*)`;
  return copyJsonLines(sql`
    select ${row} from (
      select
        ${list}
      from ${from}
    ) as line`);
}
