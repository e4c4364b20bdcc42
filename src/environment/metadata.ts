import { UserError } from "../model/errors.ts";
import { FENCED } from "../model/release.ts";
import type { Client } from "../postgres/client.ts";
import { nextRelease } from "../postgres/read-catalog.ts";
import { labelled } from "../sql/ddl.ts";
import { dollarQuoted, literal } from "../sql/literals.ts";
import { type Sql, sql } from "../sql/sql.ts";

/**
 * Takes the next fence: from now on every earlier run of this environment is too late to publish. Makes the environment
 * where there is none. Numbers go on behind those of one that had this name before, of what has its label, and of releases
 * and runs that are recorded, whatever somebody did to the record by hand.
 */
export async function claimFence(client: Client, environment: string): Promise<number> {
  const next = sql`
    update _dataform.environment as e set fence = e.fence + 1, next_release = ${nextRelease} where e.name = $1 returning fence`;
  const { rows } = await client.query<{ fence: string }>(next, [environment]);
  if (rows.length) return Number(rows[0]!.fence);
  const made = await client.query<{ fence: string }>(
    sql`
      insert into _dataform.environment as e (name, fence, next_release)
      select
        $1,
        1 + coalesce((select max(r.fence) from _dataform.run as r where r.environment = $1), 0),
        greatest(
          1,
          (select max(o.next_release) from _dataform.environment as o where $1 = any(o.former_names)),
          1 + (select max(r.release_id) from _dataform.release as r where r.environment = $1),
          1 + (
            select max(${labelled(sql`l.description`, "release")}::bigint)
            from pg_description as l
            join pg_class as c
              on l.classoid = 'pg_class'::regclass and l.objoid = c.oid and l.objsubid = 0
            where c.relnamespace = to_regnamespace('_dataform')
              and ${labelled(sql`l.description`, "environment")} = $1
          )
        )
      on conflict (name) do update set fence = e.fence + 1
      returning fence`,
    [environment],
  );
  return Number(made.rows[0]!.fence);
}

/** @throws UserError where nothing has run in an environment of that name */
export async function refuseUnknown(client: Client, environment: string): Promise<void> {
  const { rows } = await client.query<{ name: string }>(sql`select name from _dataform.environment order by name`);
  const names = rows.map(({ name }) => name);
  if (names.includes(environment)) return;
  throw new UserError({
    message: `there is no environment ${environment} in this database`,
    expected: names.length ? `one of ${names.join(", ")}` : "an environment that `dataform run` has made",
    hint: "`dataform env ls` lists them; a run's is named by --environment, or DATAFORM_ENVIRONMENT",
  });
}

export interface ReadFence {
  readonly fence: number;
  /** The server process that answers. */
  readonly processId: number;
  /** Whether what was written before is in a transaction that goes on. */
  readonly isOpen: boolean;
}

export async function readFence(client: Client, environment: string): Promise<ReadFence> {
  const { rows } = await client.query<Record<"fence" | "pid" | "open", string>>(
    sql`
      select pg_backend_pid() as pid, pg_current_xact_id_if_assigned() is not null as open,
        (select fence from _dataform.environment where name = $1) as fence`,
    [environment],
  );
  const { fence, pid, open } = rows[0]!;
  // No environment can have been dropped under a run that still has its lock.
  return { fence: Number(fence ?? -1), processId: Number(pid), isOpen: open === "t" };
}

/** Runs of the environment that began and never ended. */
export async function unendedRuns(client: Client, environment: string): Promise<string[]> {
  const { rows } = await client.query<{ run_id: string }>(
    sql`select run_id from _dataform.run where environment = $1 and status = 'running'`,
    [environment],
  );
  return rows.map(({ run_id }) => run_id);
}

export interface RunStart {
  readonly runId: string;
  readonly environment: string;
  /** Whose the environment is from now on. */
  readonly project?: string | undefined;
  /** Where it has no name. */
  readonly folder?: string | undefined;
  /** Schemas that the run makes. */
  readonly madeSchemas?: readonly string[];
  readonly fence: number;
  /** Release numbers the run may use. */
  readonly releases: number;
  readonly coreVersion: string | null;
  readonly notes: readonly string[];
}

/**
 * Records that a run began, reserves its release numbers, and marks runs that never ended. Not where another run has taken over: those that
 * are recorded end in the order of their fences, by which others follow them.
 */
export async function recordStart(client: Client, start: RunStart): Promise<void> {
  const {
    runId,
    environment,
    project = null,
    folder = null,
    madeSchemas = [],
    fence,
    releases,
    coreVersion,
    notes,
  } = start;
  const isOwn = sql`
    begin
      perform from _dataform.environment where name = ${literal(environment)} and fence = ${literal(fence)} for update;
      if not found then
        raise exception 'another run has taken over environment %', ${literal(environment)} using errcode = ${literal(FENCED)};
      end if;
    end`;
  await client.script(sql`
    do ${dollarQuoted(isOwn)};
    update _dataform.run set status = 'abandoned', finished_at = clock_timestamp()
    where environment = ${literal(environment)} and status = 'running';
    update _dataform.environment
    set next_release = next_release + ${literal(releases)}, project = coalesce(${literal(project)}, project),
      folder = coalesce(${literal(folder)}, folder),
      made_schemas = made_schemas || array(select jsonb_array_elements_text(${json(madeSchemas)}))
    where name = ${literal(environment)};
    insert into _dataform.run (run_id, environment, fence, status, core_version, warnings)
    values (${literal(runId)}, ${literal(environment)}, ${literal(fence)}, 'running', ${literal(coreVersion)}, ${json(notes)})`);
}

export function json(value: unknown): Sql {
  return sql`${literal(JSON.stringify(value))}::jsonb`;
}
