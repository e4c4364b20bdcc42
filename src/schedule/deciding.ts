import type { ScheduleLine } from "../model/schedule.ts";
import type { Client } from "../postgres/client.ts";
import { literal } from "../sql/literals.ts";
import { type Sql, sql } from "../sql/sql.ts";

/** Told whenever something of the schedules is another: what hears it looks again. */
export const CHANNEL = "dataform_schedule";

/** Who decides, and by which lines. */
export interface Deciding {
  readonly environment: string;
  readonly lines: ReadonlyMap<string, ScheduleLine>;
  /** Who it is, for the record. */
  readonly by: string;
}

/** Milliseconds since 1970. */
export const milliseconds = (moment: Sql) => sql`floor(extract(epoch from ${moment}) * 1000)`;
export const momentOf = (name: Sql) => sql`to_timestamp(${name}::numeric / 1000)`;

/** The database's clock: what is due is by it alone. */
export async function clockOf(client: Client): Promise<Date> {
  const { rows } = await client.query<{ now: string }>(sql`select ${milliseconds(sql`clock_timestamp()`)} as now`);
  return new Date(Number(rows[0]!.now));
}

/** In this transaction: they look again when it commits. */
export async function tellFollowers(client: Client): Promise<void> {
  await client.query(sql`select pg_notify(${literal(CHANNEL)}, '')`);
}
