import type { RawColumn } from "../model/declarations.ts";
import { UserError } from "../model/errors.ts";
import { typeName } from "../sql/authored.ts";
import { id } from "../sql/identifiers.ts";
import { literal } from "../sql/literals.ts";
import { type Sql, sql } from "../sql/sql.ts";

/**
 * The rows as a query: one text, which the input function of each column's type reads, as it reads an insert.
 * @throws UserError for a type whose values cannot be said so
 */
export function seedQuery(columns: readonly RawColumn[], rows: readonly (readonly (string | null)[])[]): string {
  const shapes = columns.map(shapeOf);
  const list = shapes.map(({ value }) => value);
  const types = columns.map(({ name }, at) => sql`${id(name)} ${shapes[at]!.readAs}`);
  const lines = rows.map(
    (cells) =>
      `{${cells.map((cell, at) => `${JSON.stringify(columns[at]!.name)}: ${JSON.stringify(cell)}`).join(", ")}}`,
  );
  return sql`
    select ${list}
    from pg_catalog.json_to_recordset(${literal(plain(`[\n${lines.join(",\n")}\n]`))}) as seed(${types})`.toString();
}

/** As what type a column is read, and its value. A text would be a text of JSON, not the JSON that it is. */
function shapeOf({ name, type }: RawColumn): { readonly readAs: Sql; readonly value: Sql } {
  if (/\[\d*\]$/.test(type))
    throw new UserError({
      message: `a column of a seed is no list: "${name}" is ${type}`,
      hint: "leave it a text, and let a model read it: string_to_array(…)",
    });
  const own = typeName(type, `the type of "${name}"`);
  const column = id("seed", name);
  if (!/^(?:pg_catalog\.)?jsonb?$/i.test(type)) return { readAs: own, value: column };
  return { readAs: sql`text`, value: sql`${column}::${own} as ${id(name)}` };
}

/** Signs of the private use area mean names in compiled SQL, and braces another templating. */
function plain(json: string): string {
  return json.replace(/[\ue000-\uf8ff]/g, (sign) => `\\u${sign.charCodeAt(0).toString(16)}`);
}
