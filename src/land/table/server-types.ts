import type { RawColumn, RecordSchema } from "../../model/declarations.ts";
import { UserError } from "../../model/errors.ts";
import type { Client } from "../../postgres/client.ts";
import { describeTypes, type ServerType } from "../../postgres/describe-types.ts";
import { typeName } from "../../sql/authored.ts";
import { type ServerSetting, setAll } from "../../sql/session.ts";
import type { Sql } from "../../sql/sql.ts";
import { inCatalog } from "../../sql/types.ts";

/** What a text means must not depend on the server's settings; the source may be slow. */
export const LOADING_SETTINGS: readonly ServerSetting[] = [
  ["idle_in_transaction_session_timeout", "0"],
  ["datestyle", "ISO, YMD"],
  ["intervalstyle", "postgres"],
  ["timezone", "UTC"],
];

/** For a transaction. */
export const LOADING_SESSION = setAll(LOADING_SETTINGS, "transaction");

/** The column's type as SQL. */
export function typeOf({ name, type }: Pick<RawColumn, "name" | "type">): Sql {
  return typeName(type, `the type of ${name}`);
}

/**
 * The schema with its types as the server calls them: a declaration may say decimal(10, 2) where the table says
 * numeric(10,2).
 * @throws UserError for a type that no column can have: without it, a load would not name the field
 */
export async function withServerTypes(client: Client, recordSchema: RecordSchema): Promise<RecordSchema> {
  const { columns } = recordSchema;
  const known = await describeTypes(client, columns.map(typeOf)).catch((error: { code?: string }) => {
    if (isAnswer(error)) return undefined;
    throw error;
  });
  const types = known ?? (await oneByOne(client, recordSchema));
  return {
    ...recordSchema,
    columns: columns.map((column, at) => {
      const { name: type, base, kind } = types[at]!;
      if (kind === "p") throw noType(recordSchema, column, "a type that columns cannot have");
      return { ...column, type, ...(base === type ? {} : { base }) };
    }),
  };
}

/** The type where names may be looked up in other schemas first. */
export function typeAnywhere(column: Pick<RawColumn, "name" | "type">): Sql {
  return typeOf({ ...column, type: inCatalog(column.type) });
}

/** Whether the server answered, and what it was asked is wrong. */
function isAnswer({ code }: { code?: string }): boolean {
  return /^(?:0A|22|3F|42)/.test(code ?? "");
}

/** To find the one that is none. */
async function oneByOne(client: Client, recordSchema: RecordSchema): Promise<readonly ServerType[]> {
  const types: ServerType[] = [];
  for (const column of recordSchema.columns) {
    const [type] = await describeTypes(client, [typeOf(column)]).catch((error: { code?: string; message: string }) => {
      throw isAnswer(error) ? noType(recordSchema, column, error.message) : error;
    });
    types.push(type!);
  }
  return types;
}

function noType({ file }: RecordSchema, { name, type }: RawColumn, said: string): UserError {
  return new UserError({
    message: `PostgreSQL has no type "${type}"`,
    location: { file },
    found: `the field ${name}: ${said}`,
    hint: "correct its postgresType, or create the type first (an extension may have it)",
  });
}
