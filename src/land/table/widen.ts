import type { Dependent } from "../../model/catalog.ts";
import { UserError } from "../../model/errors.ts";
import type { Target } from "../../model/target.ts";
import type { Client } from "../../postgres/client.ts";
import { id, relationId } from "../../sql/identifiers.ts";
import { join, type Sql, sql } from "../../sql/sql.ts";
import { refuseObstacles } from "./obstacles.ts";
import type { RawTable } from "./raw-table.ts";
import { LOADING_SESSION } from "./server-types.ts";
import { aroundViews, type Change, holdViews, viewsOn } from "./views-on.ts";
import { isText, keepsMeaning, takesEach } from "./widening.ts";

/** A column that gets another type, which has each of its values. */
export interface Widening {
  readonly column: string;
  /** As the server calls them. */
  readonly from: string;
  readonly to: string;
  /** The new type. */
  readonly type: Sql;
}

export interface Widened {
  /** What stands on the table, and was made anew. */
  readonly views: readonly string[];
  /** Columns of these that have another type now. */
  readonly changed: readonly {
    readonly view: string;
    readonly column: string;
    readonly from: string;
    readonly to: string;
  }[];
}

/**
 * Locks a table until the transaction ends, so that its columns and what stands on them can be changed. A text is what the
 * value is in every session: dates and floats as loads write them.
 */
export async function lockToWiden(client: Client, table: Target): Promise<void> {
  await client.script(sql`
    ${LOADING_SESSION};
    set local extra_float_digits = 1;
    set local bytea_output = 'hex';
    lock table ${relationId(table)} in access exclusive mode`);
}

/**
 * What a load may not change by itself, or PostgreSQL would refuse. Nothing is locked or changed.
 * @throws UserError that says what is in the way, or the command that does it
 */
export async function judgeLoad(client: Client, table: RawTable, widenings: readonly Widening[]): Promise<void> {
  if (!widenings.length) return;
  const change = changeOf(table, widenings);
  await refuseObstacles(client, table, columnsOf(widenings), change);
  refuseOtherMeaning(table, widenings, await viewsOn(client, await oidOf(client, table), change));
}

/**
 * What is computed in views on the table may not change by a load.
 * @throws UserError that names the command
 */
export function refuseOtherMeaning(table: RawTable, widenings: readonly Widening[], views: readonly Dependent[]): void {
  const isFilled = views.some(({ kind }) => kind === "materialized view");
  const queries = views.map(({ definition }) => definition);
  const wrong = widenings.filter(({ from, to }) => isFilled || !keepsMeaning(from, to, queries));
  if (wrong.length) throw byCommandOnly(table, wrong);
}

function byCommandOnly(table: RawTable, wrong: readonly Widening[]): UserError {
  const { what, commands } = changeOf(table, wrong);
  return new UserError({
    message: `${what} gets no other type by a load: a value, or what is computed from it, could change`,
    location: { file: table.recordSchema.file },
    expected: `${wrong.map(({ from }) => from).join(", ")}, as the table has it`,
    found: wrong.map(({ to }) => to).join(", "),
    hint: `\`${commands}\` gives the column its type where that has each value, and says which columns of views change theirs; or give the field back its type`,
  });
}

/**
 * Gives columns of a locked table other types, all at once, with the views that stand on the table.
 * @param judge looks at these before, as they are once nobody else can change them
 * @throws UserError where a view could not be made anew
 */
export async function widenColumns(
  client: Client,
  table: Target,
  widenings: readonly Widening[],
  judge: (views: readonly Dependent[]) => void = () => {},
): Promise<Widened> {
  if (!widenings.length) return { views: [], changed: [] };
  const change = changeOf(table, widenings);
  await refuseObstacles(client, table, columnsOf(widenings), change);
  const held = await holdViews(client, await oidOf(client, table), change);
  judge(held);
  const views = held.map((view) => view.what);
  const targets = held.map(({ target }) => relationId(target).toString());
  const before = await viewColumns(client, targets);
  const changes = widenings.map(alterColumn);
  await aroundViews(client, held, change, sql`alter table ${relationId(table)} ${join(changes, ", ")}`);
  const after = await viewColumns(client, targets);
  const changed = before.flatMap(({ place, name, type: from }) => {
    const to = after.find((column) => column.place === place && column.name === name)!.type;
    return from === to ? [] : [{ view: views[Number(place) - 1]!, column: name, from, to }];
  });
  return { views, changed };
}

/** What a text is cut to, assignment refuses; whatever else is read from its text. */
function alterColumn({ column, from, to, type }: Widening): Sql {
  const alter = sql`alter column ${id(column)} type ${type}`;
  return takesEach(from, to) || isText(to) ? alter : sql`${alter} using ${id(column)}::text::${type}`;
}

async function viewColumns(client: Client, targets: readonly string[]) {
  const { rows } = await client.query<Record<"place" | "name" | "type", string>>(
    sql`
      select v.place, a.attname as name, format_type(a.atttypid, a.atttypmod) as type
      from unnest($1::text[]) with ordinality as v (name, place)
      join pg_attribute as a on a.attrelid = to_regclass(v.name) and a.attnum > 0 and not a.attisdropped
      order by v.place, a.attnum`,
    [targets],
  );
  return rows;
}

async function oidOf(client: Client, table: Target): Promise<string> {
  const { rows } = await client.query<{ oid: string }>(sql`select to_regclass($1)::oid as oid`, [
    relationId(table).toString(),
  ]);
  return String(rows[0]!.oid);
}

function columnsOf(widenings: readonly Widening[]): readonly string[] {
  return widenings.map(({ column }) => column);
}

function changeOf(table: Target, widenings: readonly Widening[]): Change {
  return {
    what: widenings.map(({ column }) => `${table.schema}.${table.name}.${column}`).join(", "),
    commands: widenings.map(({ column, to }) => retypeCommand(table, column, to)).join(" && "),
  };
}

function retypeCommand(table: Pick<Target, "name">, column: string, to: string): string {
  return `npx dataform ingest retype ${table.name}.${column} "${to}"`;
}
