import type { RawColumn } from "../model/declarations.ts";
import { UserError } from "../model/errors.ts";
import { typeName } from "../sql/authored.ts";
import { id } from "../sql/identifiers.ts";
import { literal } from "../sql/literals.ts";
import { sql } from "../sql/sql.ts";

/**
 * The rows as a query: one text, which the input function of each column's type reads, as it reads an insert.
 * @throws UserError for a type whose values cannot be said so
 */
export function seedQuery(columns: readonly RawColumn[], rows: readonly (readonly (string | null)[])[]): string {
  const list = columns.map(({ name }) => id("seed", name));
  const types = columns.map(({ name, type }) => sql`${id(name)} ${typeName(type, `the type of "${name}"`)}`);
  const kinds = columns.map(kindOf);
  const lines = rows.map(
    (cells) =>
      `{${cells.map((cell, at) => `${JSON.stringify(columns[at]!.name)}: ${cellJson(cell, kinds[at]!)}`).join(", ")}}`,
  );
  return sql`
    select ${list}
    from pg_catalog.json_to_recordset(${literal(plain(`[\n${lines.join(",\n")}\n]`))}) as seed(${types})`.toString();
}

function kindOf({ name, type }: RawColumn): "text" | "json" {
  if (/\[\]$/.test(type))
    throw new UserError({
      message: `a column of a seed is no list: "${name}" is ${type}`,
      hint: "leave it a text, and let a model read it: string_to_array(…)",
    });
  return /^jsonb?$/i.test(type) ? "json" : "text";
}

function cellJson(cell: string | null, kind: "text" | "json"): string {
  if (cell === null) return "null";
  return kind === "json" ? cell : JSON.stringify(cell);
}

/** Signs of the private use area mean names in compiled SQL, and braces another templating. */
function plain(json: string): string {
  return json.replace(/[\ue000-\uf8ff]/g, (sign) => `\\u${sign.charCodeAt(0).toString(16)}`);
}
