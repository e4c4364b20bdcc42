import type { RawColumn } from "../model/declarations.ts";
import { UserError } from "../model/errors.ts";
import { typeName } from "../sql/authored.ts";
import { id } from "../sql/identifiers.ts";
import { literal } from "../sql/literals.ts";
import { saysReading } from "../sql/readings.ts";
import { join, type Sql, sql } from "../sql/sql.ts";

/** A record of a seed: its cells by column, and its line in the file. */
export interface SeedRow {
  readonly cells: readonly (string | null)[];
  readonly line: number;
}

/** What a row's JSON calls its line. */
const LINE = "_dataform_line";

/**
 * The rows as a query: one text, which the input function of each column's type reads, as it reads an insert. It says what it
 * reads, so that a value that is refused is told with its line and column.
 * @throws UserError for a type whose values cannot be said so
 */
export function seedQuery(file: string, columns: readonly RawColumn[], rows: readonly SeedRow[]): string {
  const shapes = columns.map(shapeOf);
  const list = shapes.map(({ value }) => value);
  const types = columns.map(({ name }, at) => sql`${id(name)} ${shapes[at]!.readAs}`);
  const lines = rows.map(({ cells, line }) => {
    const values = cells.map((cell, at) => `${JSON.stringify(columns[at]!.name)}: ${JSON.stringify(cell)}`);
    return `{"${LINE}": ${line}, ${values.join(", ")}}`;
  });
  const place = sql`${literal(`${file}:`)} || (seed.record ->> ${literal(LINE)})`;
  const asked = columns.flatMap(({ name, type }, at) => {
    if (type === "text") return [];
    const what = sql`${place} || ${literal(`: column ${name}`)}`;
    const { own, read } = shapes[at]!;
    return [sql`when ${saysReading(what, own, sql`seed.record ->> ${literal(name)}`, read)} then null`];
  });
  const record = asked.length
    ? sql`
        case
          ${join(asked, "\n")}
          else seed.record
        end`
    : sql`seed.record`;
  return sql`
    select ${list}
    from pg_catalog.json_array_elements(${literal(plain(`[\n${lines.join(",\n")}\n]`))}) as seed(record)
    cross join lateral pg_catalog.json_to_record(
      ${record}
    ) as value(${types})`.toString();
}

interface Shape {
  readonly own: Sql;
  /** As what type a column is read. */
  readonly readAs: Sql;
  readonly value: Sql;
  /** The same of any text. */
  readonly read: (text: Sql) => Sql;
}

/** How a column is read. A text would be a text of JSON, not the JSON that it is. */
function shapeOf({ name, type }: RawColumn): Shape {
  if (/\[\d*\]$/.test(type))
    throw new UserError({
      message: `a column of a seed is no list: "${name}" is ${type}`,
      hint: "leave it a text, and let a model read it: string_to_array(…)",
    });
  const own = typeName(type, `the type of "${name}"`);
  const column = id("value", name);
  if (/^(?:pg_catalog\.)?jsonb?$/i.test(type)) {
    const read = (text: Sql) => sql`${text}::${own}`;
    return { own, readAs: sql`text`, value: sql`${read(column)} as ${id(name)}`, read };
  }
  const read = (text: Sql) =>
    sql`(select said.value from pg_catalog.json_to_record(pg_catalog.json_build_object('value', ${text})) as said(value ${own}))`;
  return { own, readAs: own, value: column, read };
}

/** Signs of the private use area mean names in compiled SQL, and braces another templating. */
function plain(json: string): string {
  return json.replace(/[\ue000-\uf8ff]/g, (sign) => `\\u${sign.charCodeAt(0).toString(16)}`);
}
