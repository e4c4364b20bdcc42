import { UserError } from "../model/errors.ts";
import { nearest } from "../model/nearest.ts";
import type { Target } from "../model/target.ts";
import { type Client, withTransaction } from "../postgres/client.ts";
import { describeTypes } from "../postgres/describe-types.ts";
import { typeName } from "../sql/authored.ts";
import { relationId } from "../sql/identifiers.ts";
import { type Sql, sql } from "../sql/sql.ts";
import { type TableWait, withShortLocks } from "./table/short-locks.ts";
import { requireInType } from "./table/values-in-type.ts";
import { lockToWiden, type Widened, widenColumns } from "./table/widen.ts";
import { takesEach } from "./table/widening.ts";

export interface Retype {
  readonly table: Target;
  readonly column: string;
  /** As a person spells it. */
  readonly type: string;
}

export interface Retyped extends Widened {
  readonly table: string;
  readonly column: string;
  readonly from: string;
  readonly to: string;
}

/**
 * Gives a column of a raw table another type that has each of its values, in place, with the views that stand on the table as
 * they are when nobody else can change them any more: all of it in one transaction. It needs no lock of a run's: who builds or
 * publishes meanwhile has locks on what it reads, and sees it as it was or as it is.
 * @throws UserError where a value could change, or a view could not be made anew; nothing is changed then
 */
export async function retype(client: Client, wanted: Retype, wait: Partial<TableWait> = {}): Promise<Retyped> {
  await requireTable(client, wanted.table);
  const to = await typeCalled(client, wanted.column, wanted.type);
  const work = () => retypeTo(client, wanted, to);
  return withTransaction(client, () => withShortLocks(client, wanted.table, { deadline: 30_000, ...wait }, work));
}

async function retypeTo(client: Client, { table, column, type }: Retype, to: string): Promise<Retyped> {
  await lockToWiden(client, table);
  const from = await typeOfColumn(client, table, column);
  const widenings = from === to ? [] : [{ column, from, to, type: typeName(type, "the type") }];
  for (const widening of widenings) if (!takesEach(from, to)) await requireInType(client, table, widening);
  return {
    table: `${table.schema}.${table.name}`,
    column,
    from,
    to,
    ...(await widenColumns(client, table, widenings)),
  };
}

/** Whether the session has the rights of the table's owner. */
export async function ownsTable(client: Client, table: Retype["table"]): Promise<boolean> {
  const { rows } = await client.query<{ owns: string }>(
    sql`select pg_has_role(relowner, 'usage') as owns from pg_class where oid = to_regclass($1)`,
    [relationId(table).toString()],
  );
  return rows[0]?.owns === "t";
}

async function requireTable(client: Client, table: Target): Promise<void> {
  const { rows } = await client.query<{ is_table: string }>(
    sql`select relkind in ('r', 'p') as is_table from pg_class where oid = to_regclass($1)`,
    [relationId(table).toString()],
  );
  if (rows[0]?.is_table === "t") return;
  throw new UserError({
    message: `${table.schema}.${table.name} is ${rows.length ? "no table" : "not there yet"}`,
    expected: "a raw table that a load has made",
    ...(rows.length ? {} : { hint: "the first load makes it with the types that the declaration says" }),
  });
}

async function typeCalled(client: Client, column: string, type: string): Promise<string> {
  const wrong = (found: string) =>
    new UserError({ message: `PostgreSQL has no type "${type}"`, found: `the new type of ${column}: ${found}` });
  let named: Sql;
  try {
    named = typeName(type, `the type of ${column}`);
  } catch (error) {
    throw wrong((error as Error).message);
  }
  const [known] = await describeTypes(client, [named]).catch((error: Error) => {
    throw wrong(error.message);
  });
  return known!.name;
}

async function typeOfColumn(client: Client, table: Retype["table"], column: string): Promise<string> {
  const { rows } = await client.query<{ name: string; type: string }>(
    sql`
      select attname as name, format_type(atttypid, atttypmod) as type
      from pg_attribute
      where attrelid = to_regclass($1) and attnum > 0 and not attisdropped`,
    [relationId(table).toString()],
  );
  const names = rows.map(({ name }) => name).filter((name) => !["_load_id", "_row_no", "_extra"].includes(name));
  const found = names.includes(column) ? rows.find(({ name }) => name === column) : undefined;
  if (found) return found.type;
  const meant = nearest(column, names);
  throw new UserError({
    message: `${table.schema}.${table.name} has no column "${column}" that a record brings`,
    expected: `one of ${names.join(", ")}`,
    ...(meant === undefined ? {} : { hint: `${meant}?` }),
  });
}
