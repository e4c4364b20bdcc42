import { randomBytes } from "node:crypto";
import type { ConnectionSettings } from "../model/connection-settings.ts";
import { UserError } from "../model/errors.ts";
import { roleName } from "../model/roles.ts";
import { asWritten } from "../sql/authored.ts";
import { id } from "../sql/identifiers.ts";
import { dollarQuoted, sqlLiteral } from "../sql/literals.ts";
import { empty, type Identifier, join, type Sql, sql } from "../sql/sql.ts";
import { meaningful } from "../sql/tokens.ts";
import { type Client, type ConnectOptions, withClient, withNames } from "./client.ts";
import { describeStatement, type Field } from "./describe.ts";
import { SQLSTATE, sqlState } from "./sqlstate.ts";

/**
 * A transaction in which nothing is written, whatever is asked. It is read only, takes one statement at a time and ends
 * with a rollback. A superuser could do much beside it (files and programs of the server, sessions of others), so a
 * superuser's text is run by a function that belongs to a role which may only read, and which PostgreSQL lets nobody
 * leave from inside of such a function.
 */
export interface Reader {
  readonly client: Client;
  /** The query as it may be sent. Its columns are the same. Asked for once, before anything else is read. */
  fence(query: Sql): Promise<Sql>;
}

/** As whom a person's text is read where there are roles: as what builds, or as what reads published views and nothing else. */
export type ReadAs = "builder" | "reader";

interface ReadingOptions extends Pick<ConnectOptions, "onWait" | "signal"> {
  readonly applicationName: string;
  /** @default builder */
  readonly as?: ReadAs;
  /** Sent first, as `set local …`. */
  readonly settings: Sql;
}

export function withReader<T>(
  settings: ConnectionSettings,
  { settings: local, as = "builder", ...reach }: ReadingOptions,
  work: (reader: Reader) => Promise<T>,
): Promise<T> {
  const how = { ...reach, duty: as, oneTransaction: true } as const;
  return withClient(settings, how, async (client) => {
    const begin = sql`begin transaction isolation level repeatable read`;
    await client.script(join([begin, ...client.eachTransaction, local], ";\n"));
    try {
      return await work((await isSuperuser(client)) ? fencedReader(client, as) : await plainReader(client));
    } finally {
      // A notification that was sent, and what a server before 16 lets write large objects, is undone.
      await client.query(sql`rollback`).catch(() => {});
    }
  });
}

/** The user who logged in: whoever acts as another role can turn back. */
async function isSuperuser(client: Client): Promise<boolean> {
  const { rows } = await client.query<{ rolsuper: string }>(
    sql`select rolsuper from pg_catalog.pg_roles where rolname = session_user`,
  );
  return rows[0]?.rolsuper === "t";
}

async function plainReader(client: Client): Promise<Reader> {
  await client.query(sql`set transaction read only`);
  return { client, fence: async (query) => query };
}

function fencedReader(client: Client, as: ReadAs): Reader {
  return {
    client,
    async fence(query) {
      const fields = await describeStatement(client, query);
      if (!fields.length) throw new UserError({ message: "there is no column to read", found: query.toString() });
      try {
        return await build(client, query, { fields, as });
      } catch (error) {
        if (sqlState(error) !== SQLSTATE.readOnlySqlTransaction) throw error;
        throw new UserError({
          message: "a superuser cannot be kept from writing on this server, which is a standby or read only",
          hint: "log in as another user: create role reader login in role pg_read_all_data",
          cause: error,
        });
      }
    },
  };
}

const FUNCTION = id("pg_temp", "dataform_read");

interface Fence {
  readonly fields: readonly Field[];
  readonly as: ReadAs;
}

async function build(client: Client, query: Sql, { fields, as }: Fence): Promise<Sql> {
  // As the user who logged in: the roles of this program make no other.
  await client.query(sql`set local role none`);
  const types = await typesOf(client, fields);
  const columns = fields.map((_, index) => id(`c${index + 1}`));
  const reader = client.roles
    ? id(roleName(client.roles, as))
    : id(`dataform_reader_${randomBytes(8).toString("hex")}`);
  // The role is gone with the transaction. It passes row-level security, as the superuser who asks does.
  if (!client.roles) await client.query(sql`create role ${reader} bypassrls in role pg_read_all_data, pg_monitor`);
  await client.script(sql`
    create function ${FUNCTION}() returns table (${list(columns.map((column, index) => sql`${column} ${types[index]!.sql}`))})
      security definer ${bodyOf(query, columns, types)};
    alter function ${FUNCTION}() owner to ${reader};
    set transaction read only;
    set local role ${reader}`);
  const named = fields.map(({ name }, index) => sql`${columns[index]!}${cast(types[index]!)} as ${id(name)}`);
  return sql`select ${list(named)} from ${FUNCTION}()`;
}

interface ColumnType {
  readonly sql: Sql;
  /** What a function cannot give: it comes as text. */
  readonly isPseudo: boolean;
  readonly hasModifier: boolean;
}

async function typesOf(client: Client, fields: readonly Field[]): Promise<readonly ColumnType[]> {
  const question = sql`
    select format_type(f.oid, nullif(f.modifier, -1)) as name, t.typtype = 'p' as pseudo
    from unnest($1::oid[], $2::int[]) with ordinality as f (oid, modifier, place) join pg_type t on t.oid = f.oid
    order by place`;
  const given = [fields.map(({ oid }) => oid), fields.map(({ modifier }) => modifier)];
  const { rows } = await withNames(client, "ours", () =>
    client.query<{ name: string; pseudo: string }>(question, given),
  );
  return rows.map(({ name, pseudo }, index) => {
    const isPseudo = pseudo === "t";
    const type = isPseudo ? sql`text` : asWritten(name);
    return { sql: type, isPseudo, hasModifier: !isPseudo && fields[index]!.modifier >= 0 };
  });
}

/** A function forgets lengths and scales: they are said again, of values that have them. */
function cast({ sql: type, hasModifier }: ColumnType): Sql {
  return hasModifier ? sql`::${type}` : empty;
}

/** `explain` and `show` give their rows to PL/pgSQL only. */
function bodyOf(query: Sql, columns: readonly Identifier[], types: readonly ColumnType[]): Sql {
  if (/^(?:explain|show)$/i.test(meaningful(query.toString())[0]!.text))
    return sql`language plpgsql as ${dollarQuoted(sql`begin return query execute ${sqlLiteral(query)}; end`)}`;
  if (!types.some(({ isPseudo }) => isPseudo)) return sql`language sql as ${dollarQuoted(query)}`;
  const texts = columns.map((column, index) => (types[index]!.isPseudo ? sql`${column}::text` : column));
  return sql`language sql as ${dollarQuoted(sql`select ${list(texts)} from (
    ${query}
  ) as asked (${list(columns)})`)}`;
}

const list = (parts: readonly Sql[]): Sql => join(parts, ", ");
