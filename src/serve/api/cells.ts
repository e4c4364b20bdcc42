import { id } from "../../sql/identifiers.ts";
import { type Sql, sql } from "../../sql/sql.ts";

/** How a column comes from the server, and what stands for it in JSON and in OpenAPI. */
export interface Cell {
  readonly name: string;
  /** As `format_type` writes it. */
  readonly type: string;
  /** An expression upon `answer`. Its text is what `json` takes. */
  readonly sql: Sql;
  /** @param exact digits that JavaScript may not have are a text */
  json(text: string, exact: boolean): string;
  /** JSON Schema of its values, where numbers that JavaScript may not have are texts. */
  readonly schema: Readonly<Record<string, unknown>>;
}

const asText = (text: string) => JSON.stringify(text);
const asIs = (text: string) => text;
/** Infinity and NaN are no numbers in JSON. */
const asNumber = (text: string) => (/^-?\d/.test(text) ? text : JSON.stringify(text));
const asDigits = (text: string, exact: boolean) => (exact ? JSON.stringify(text) : asNumber(text));

/** The cell of a column of a relation. */
export function cellOf(name: string, type: string): Cell {
  const column = id("answer", name);
  const cell = (schema: Cell["schema"], json: Cell["json"], value: Sql = sql`${column}::text`): Cell => ({
    name,
    type,
    sql: value,
    json,
    schema,
  });
  const base = type.replace(/\(.*?\)/, "");
  switch (base) {
    case "boolean":
      return cell({ type: "boolean" }, (text) => text);
    case "smallint":
    case "integer":
      return cell({ type: "integer", format: "int32" }, asIs);
    case "bigint":
      return cell({ type: "string", format: "int64", examples: ["42"] }, asDigits);
    case "numeric":
      return cell({ type: "string", format: "decimal", examples: ["9.90"] }, asDigits);
    case "real":
    case "double precision":
      return cell({ type: "number", format: base === "real" ? "float" : "double" }, asNumber);
    case "date":
      return cell({ type: "string", format: "date" }, asText);
    case "timestamp with time zone":
    case "timestamp without time zone":
      // `2026-11-29T13:00:00+00:00`, as JSON has times.
      return cell({ type: "string", format: "date-time" }, asText, sql`pg_catalog.to_json(${column}) #>> '{}'`);
    case "uuid":
      return cell({ type: "string", format: "uuid" }, asText);
    case "json":
    case "jsonb":
      return cell({}, asIs);
    case "bigint[]":
    case "numeric[]":
      return cell({ type: "array", items: { type: "string" } }, asIs, sql`pg_catalog.to_json(${column}::text[])::text`);
    default:
      if (!base.endsWith("[]")) return cell({ type: "string" }, asText);
      return cell({ type: "array" }, asIs, sql`pg_catalog.to_json(${column})::text`);
  }
}

/** JSON Schema of a value that is compared with a column, where the declaration does not say one. */
export function parameterSchema(type: string): Readonly<Record<string, unknown>> {
  const base = type.replace(/\(.*?\)/, "");
  switch (base) {
    case "smallint":
      return { type: "integer", minimum: -32_768, maximum: 32_767 };
    case "integer":
      return { type: "integer", minimum: -2_147_483_648, maximum: 2_147_483_647 };
    case "bigint":
      return { type: "integer", format: "int64" };
    case "numeric":
    case "real":
    case "double precision":
      return { type: "number" };
    case "boolean":
      return { type: "boolean" };
    case "date":
      return { type: "string", format: "date" };
    case "timestamp with time zone":
      return { type: "string", format: "date-time" };
    case "uuid":
      return { type: "string", format: "uuid" };
    default:
      return { type: "string" };
  }
}
