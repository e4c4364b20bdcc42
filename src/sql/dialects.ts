import { id } from "./identifiers.ts";
import { literal } from "./literals.ts";
import { fixed, Identifier, Literal, Sql } from "./sql.ts";

/** Whose SQL it is: rows are also read from databases that are not PostgreSQL. */
export type Dialect = "postgres" | "mysql" | "sqlserver";

/** A name as that database quotes it; several parts are joined by dots. */
export function dialectId(dialect: Dialect, ...parts: readonly string[]): Identifier {
  if (dialect === "postgres") return id(...parts);
  return new Identifier(fixed(parts.map((part) => quotedName(dialect, part)).join(".")));
}

function quotedName(dialect: Exclude<Dialect, "postgres">, name: string): string {
  return dialect === "mysql" ? `\`${name.replaceAll("`", "``")}\`` : `[${name.replaceAll("]", "]]")}]`;
}

/** A text as that database writes it, whatever its settings say of backslashes. */
export function dialectText(dialect: Dialect, text: string): Literal {
  if (dialect === "postgres") return literal(text);
  const quoted = `'${text.replaceAll("'", "''")}'`;
  if (dialect === "sqlserver") return new Literal(fixed(`N${quoted}`));
  return new Literal(fixed(text.includes("\\") ? `_utf8mb4 0x${Buffer.from(text).toString("hex")}` : quoted));
}

const NUMBER = /^-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

/** A number with all its digits; undefined for a text that is none. */
export function numberLiteral(text: string): Literal | undefined {
  return NUMBER.test(text) ? new Literal(fixed(text)) : undefined;
}

/** A select of an author in the dialect of their database, as it can stand in parentheses. Only that database reads it. */
export function dialectSelect(text: string): Sql {
  return new Sql(fixed(text.replace(/[\s;]+$/, "")));
}
