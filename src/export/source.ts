import { UserError } from "../model/errors.ts";
import { nearest } from "../model/nearest.ts";
import type { Client } from "../postgres/client.ts";
import { quoteIdentifier } from "../sql/identifiers.ts";
import { splitStatements } from "../sql/split.ts";

/** One column of what is exported. */
export interface ExportColumn {
  readonly name: string;
  /** As an expression over the source. */
  readonly sql: string;
  /** As `format_type` writes it. */
  readonly type: string;
  /** Whether it holds text that somebody wrote. */
  readonly isText: boolean;
}

export interface ExportSource {
  readonly columns: readonly ExportColumn[];
  /** What follows `from`. */
  readonly from: string;
}

/** Finds the relation, or checks that the select is one statement, and reads its columns. */
export async function resolveSource(client: Client, source: string): Promise<ExportSource> {
  // White space in a quoted name is part of a name.
  const isQuery = /\s/.test(source.trim().replace(/"(?:[^"]|"")*"/g, ""));
  const query = isQuery ? oneSelect(source) : `select * from ${await relation(client, source.trim())}`;
  const { fields } = await client.driver.query({
    text: `select * from (${query}\n) as source limit 0`,
    rowMode: "array",
  });
  const { rows } = await client.query<{ oid: string; type: string; category: string }>(
    `select c.oid, format_type(c.oid, c.modifier) as type, t.typcategory as category
     from unnest($1::oid[], $2::int[]) with ordinality as c(oid, modifier, place) join pg_type t on t.oid = c.oid order by place`,
    [`{${fields.map((field) => field.dataTypeID)}}`, `{${fields.map((field) => field.dataTypeModifier)}}`],
  );
  const twice = fields.find(({ name }, index) => fields.findIndex((other) => other.name === name) !== index);
  if (twice) {
    const message = `two columns are called "${twice.name}"`;
    throw new UserError({ message, hint: "give one of them another name: select … as name" });
  }
  if (!fields.length) throw new UserError({ message: "there is no column to export", found: source });
  const columns = fields.map(({ name }, index) => ({
    name,
    sql: `source.${quoteIdentifier(name)}`,
    type: rows[index]!.type,
    isText: TEXT_CATEGORIES.includes(rows[index]!.category) && !NO_TEXT.test(rows[index]!.type),
  }));
  return { columns, from: `(${query}\n) as source` };
}

/** Strings, enumerations, other types with a text form, unknown. */
const TEXT_CATEGORIES = ["S", "E", "U", "X"];
const NO_TEXT = /^(?:json|jsonb|uuid|bytea|xml)$/;

export function selectList(
  columns: readonly ExportColumn[],
  shape: (column: ExportColumn) => { readonly value: string; readonly name: string },
): string {
  return columns
    .map((column) => {
      const { value, name } = shape(column);
      return `${value} as ${quoteIdentifier(name)}`;
    })
    .join(", ");
}

/** What begins a statement with rows, after comments and parentheses. */
const SELECT = /^(?:\s|\(|--[^\n]*\n|\/\*[\s\S]*?\*\/)*(?:select|with|values|table)\b/i;

function oneSelect(source: string): string {
  const statements = splitStatements(source);
  const [first = ""] = statements;
  if (first && !SELECT.test(first))
    throw new UserError({
      message: "only a select can be exported",
      found: first.slice(0, 80),
      hint: "the rows of select, with … select, values or table",
    });
  if (statements.length === 1) return first;
  throw new UserError({
    message: "one select can be exported",
    found: `${statements.length} statements`,
    hint: "name a relation, or write one select",
  });
}

async function relation(client: Client, name: string): Promise<string> {
  const { rows } = await client
    .query<{ found: string | null }>(
      `select format('%I.%I', n.nspname, c.relname) as found from pg_class c join pg_namespace n on n.oid = c.relnamespace
       where c.oid = to_regclass($1)`,
      [name],
    )
    .catch(() => ({ rows: [] }));
  if (rows[0]?.found) return rows[0].found;
  const { rows: all } = await client.query<{ name: string }>(
    `select n.nspname || '.' || c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where c.relkind in ('r', 'v', 'm', 'p', 'f') and n.nspname not like 'pg\\_%' and n.nspname not in ('information_schema', '_dataform')`,
  );
  const suggestion = nearest(
    name,
    all.map((one) => one.name),
  );
  throw new UserError({
    message: `there is no relation ${name}`,
    ...(suggestion ? { hint: `did you mean ${suggestion}?` } : { hint: "write schema.name, or a select" }),
  });
}
