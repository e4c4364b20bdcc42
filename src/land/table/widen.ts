import type { Client } from "../../postgres/client.ts";
import { id, relationId } from "../../sql/identifiers.ts";
import { join, type Sql, sql } from "../../sql/sql.ts";
import { LOADING_SESSION } from "./server-types.ts";
import { aroundViews, holdViews } from "./views-on.ts";

/** A column that gets a wider type. */
export interface Widening {
  readonly column: string;
  /** As the server calls them. */
  readonly from: string;
  readonly to: string;
  /** The new type. */
  readonly type: Sql;
}

type Table = { readonly schema: string; readonly name: string };

/**
 * Locks a table until the transaction ends, so that its columns and what stands on them can be changed. A text is what the
 * value is in every session: dates and floats as loads write them.
 */
export async function lockToWiden(client: Client, table: Table): Promise<void> {
  await client.script(sql`
    set local lock_timeout = '30s';
    ${LOADING_SESSION};
    set local extra_float_digits = 1;
    set local bytea_output = 'hex';
    lock table ${relationId(table)} in access exclusive mode`);
}

/**
 * Gives columns of a locked table wider types, all at once, with the views that stand on the table. Returns these.
 * @throws UserError where a view could not be made anew
 */
export async function widenColumns(
  client: Client,
  table: Table,
  widenings: readonly Widening[],
): Promise<readonly string[]> {
  if (!widenings.length) return [];
  const { rows } = await client.query<{ oid: string }>(sql`select to_regclass($1)::oid as oid`, [
    relationId(table).toString(),
  ]);
  const what = widenings.map(({ column }) => `${table.schema}.${table.name}.${column}`).join(", ");
  const commands = widenings.map(({ column, to }) => retypeCommand(table, column, to)).join(" && ");
  const views = await holdViews(client, String(rows[0]!.oid), { what, commands });
  const changes = widenings.map(({ column, type }) => sql`alter column ${id(column)} type ${type}`);
  await aroundViews(client, views, { what, commands }, sql`alter table ${relationId(table)} ${join(changes, ", ")}`);
  return views.map((view) => view.what);
}

function retypeCommand(table: Pick<Table, "name">, column: string, to: string): string {
  return `npx dataform ingest retype ${table.name}.${column} "${to}"`;
}
