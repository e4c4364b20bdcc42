import { pruneDues } from "../environment/prune-dues.ts";
import type { Client } from "../postgres/client.ts";
import { sql } from "../sql/sql.ts";
import { DEFAULT_RETENTION, type Retention } from "./retention.ts";

const interval = (milliseconds: number) => `${milliseconds} milliseconds`;

/** From now on nobody can go back to them; those that operations split one run into count as one. Returns how many. */
export async function forgetOldReleases(
  client: Client,
  environment: string,
  { releases, age }: Retention,
): Promise<number> {
  const { rowCount } = await client.query(
    sql`with of_runs as (
       select release_id, run_id, max(release_id) over (partition by run_id) as last
       from _dataform.release where environment = $1 and status = 'published' and manifest is not null
     ),
     ranked as (
       select release_id, dense_rank() over (order by last desc) as place
       from of_runs
     )
     update _dataform.release r set manifest = null, collected_at = clock_timestamp()
     where r.environment = $1 and r.manifest is not null
       and (r.status = 'discarded' or r.release_id in (
         select release_id from ranked where place > $2 and r.published_at < clock_timestamp() - $3::interval))
       and r.release_id <> coalesce((select release_id from _dataform.environment where name = $1), -1)`,
    [environment, releases, interval(age)],
  );
  return rowCount;
}

/**
 * Drops the record of old runs: their steps, the rows that their assertions found, and the releases that can no longer be
 * gone back to. So many are kept of each line of the schedule, as many dues, and of all that no line began; incidents that are over as long. The last run stays, and so does a run whose release
 * is kept; of releases those stay that tell what a kept one was published upon.
 */
export async function pruneHistory(
  client: Client,
  environment: string,
  retention: Retention,
): Promise<{ readonly runs: number; readonly failingRows: number }> {
  const { runs, runsAge, failingRowsAge } = { ...DEFAULT_RETENTION, ...retention };
  const { rows } = await client.query<{ runs: string; failing_rows: string }>(
    sql`
      with old as materialized (
        select r.run_id
        from (
          select
            run.run_id,
            run.started_at,
            run.status,
            row_number() over (order by run.fence desc, run.run_id) as newest,
            -- a line that is due every few seconds takes no place of the others
            row_number() over (partition by line.schedule order by run.fence desc, run.run_id) as place
          from _dataform.run as run
          left join (
            select distinct on (run_id) ran.run_id, due.schedule
            from _dataform.schedule_step as step
            cross join lateral unnest(step.run_ids) as ran (run_id)
            inner join _dataform.schedule_due as due using (due_id)
            order by run_id
          ) as line using (run_id)
          where run.environment = $1
        ) as r
        where (r.place > greatest($2::bigint, 1) or r.started_at < clock_timestamp() - $3::interval)
          and r.newest > 1 and r.status <> 'running'
          and not exists (select from _dataform.release as l where l.run_id = r.run_id and l.manifest is not null)
      ),
      failing_rows as (
        delete from _dataform.failing_row
        where run_id in (
          select run_id from old
          union
          select run_id from _dataform.run where environment = $1 and started_at < clock_timestamp() - $4::interval
        )
        returning run_id
      ),
      steps as (
        delete from _dataform.step where run_id in (select run_id from old)
      ),
      publishings as (
        delete from _dataform.publishing where run_id in (select run_id from old)
      ),
      runs as (
        delete from _dataform.run where run_id in (select run_id from old)
      ),
      releases as (
        delete from _dataform.release as l
        where l.environment = $1 and l.manifest is null
          and not exists (
            select from _dataform.run as r where r.run_id = l.run_id and r.run_id not in (select run_id from old)
          )
          and not exists (
            select from _dataform.release as k
            where k.environment = $1 and k.manifest is not null
              and l.release_id in (k.base_release_id, k.content_of)
          )
      )
      select (select count(*) from old) as runs, (select count(*) from failing_rows) as failing_rows`,
    [environment, runs, interval(runsAge), interval(failingRowsAge)],
  );
  while (await pruneDues(client, environment, { dues: runs, age: runsAge }));
  const { runs: old, failing_rows } = rows[0]!;
  return { runs: Number(old), failingRows: Number(failing_rows) };
}
