import type { Client } from "../postgres/client.ts";
import { literal } from "../sql/literals.ts";
import { sql } from "../sql/sql.ts";

/** What is kept of the dues of each line, and how long of incidents that are over. */
export interface KeptDues {
  /** Of each line at most; its last one stays. */
  readonly dues: number;
  /** Milliseconds. */
  readonly age: number;
}

/** Dues, and incidents, that are dropped at once: nobody waits for long. */
const AT_ONCE = 2_000;

/**
 * Drops what came of old dues, with their steps, and incidents that were over long ago: the oldest first, so many at once.
 * @returns whether more is left
 */
export async function pruneDues(client: Client, environment: string, { dues, age }: KeptDues): Promise<boolean> {
  const { rows } = await client.query<{ dropped: string }>(
    sql`
      with old_dues as materialized (
        select due_id
        from (
          select due_id, due, status, row_number() over (partition by schedule order by due desc, due_id desc) as place
          from _dataform.schedule_due
          where environment = $1
        ) as d
        where (place > greatest($2::bigint, 1) or due < clock_timestamp() - $3::interval)
          and place > 1 and status not in ('queued', 'running')
        order by due
        limit ${literal(AT_ONCE)}
      ),
      due_steps as (
        delete from _dataform.schedule_step where due_id in (select due_id from old_dues)
      ),
      dues as (
        delete from _dataform.schedule_due where due_id in (select due_id from old_dues)
      ),
      old_incidents as materialized (
        select incident_id
        from _dataform.incident
        where environment = $1 and closed_at < clock_timestamp() - $3::interval
        order by closed_at
        limit ${literal(AT_ONCE)}
      ),
      deliveries as (
        delete from _dataform.delivery where incident_id in (select incident_id from old_incidents)
      ),
      incidents as (
        delete from _dataform.incident where incident_id in (select incident_id from old_incidents)
      )
      select greatest((select count(*) from old_dues), (select count(*) from old_incidents)) as dropped`,
    [environment, dues, `${age} milliseconds`],
  );
  return Number(rows[0]!.dropped) === AT_ONCE;
}
