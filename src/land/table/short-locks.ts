import { UserError } from "../../model/errors.ts";
import type { Target } from "../../model/target.ts";
import { LOCKED_EXIT_CODE } from "../../postgres/advisory-lock.ts";
import type { Client } from "../../postgres/client.ts";
import { describeHolder, hasHolder, withHolders } from "../../postgres/holders.ts";
import { undoSavepoint } from "../../postgres/savepoint.ts";
import { IN_THE_WAY, sqlState } from "../../postgres/sqlstate.ts";
import { relationId } from "../../sql/identifiers.ts";
import { sql } from "../../sql/sql.ts";
import { until, type Wait } from "../../wait/until.ts";

export interface TableWait extends Pick<Wait<true>, "signal"> {
  /** Milliseconds. */
  readonly deadline: number;
  readonly onWait?: ((what: string) => void) | undefined;
}

/**
 * Does in a transaction what needs locks on a table and the views on it. A lock is waited for a moment only, since readers
 * queue behind who waits; then all is given up, and tried again a little later.
 * @throws UserError that says who holds them when the time is up
 */
export async function withShortLocks<T>(
  client: Client,
  table: Target,
  wait: TableWait,
  work: () => Promise<T>,
): Promise<T> {
  const message = `${table.schema}.${table.name} cannot be changed: it is in use`;
  let holders = "";
  const done = await until({
    ...wait,
    tell: wait.onWait,
    toldAfter: 0,
    every: 500,
    look: async () => {
      await client.script(sql`savepoint short_locks; set local lock_timeout = '100ms'`);
      try {
        const result = await work();
        await client.query(sql`release savepoint short_locks`);
        return { result };
      } catch (error) {
        if (!IN_THE_WAY.has(sqlState(error) ?? "")) throw error;
        await undoSavepoint(client, "short_locks");
        holders = await holdersOf(client, table);
        return undefined;
      }
    },
    describe: () => `${message} by ${holders}`,
  });
  if (done) return done.result;
  throw new UserError({
    message,
    found: holders,
    hint: "nothing was changed; end what holds it, or try again when it is done (a load waits for --wait-timeout)",
    exitCode: LOCKED_EXIT_CODE,
  });
}

/** Who has the table, a partition of it, or a view on it. */
async function holdersOf(client: Client, table: Target): Promise<string> {
  const { rows } = await client.query<{ holder: string }>(
    sql`
      with recursive reached as (
        select to_regclass($1)::oid as oid
        union
        select n.oid
        from reached as r
        cross join lateral (
          select inhrelid from pg_inherits where inhparent = r.oid
          union all
          select w.ev_class
          from pg_depend as d
          join pg_rewrite as w on w.oid = d.objid
          where d.classid = 'pg_rewrite'::regclass and d.refclassid = 'pg_class'::regclass and d.refobjid = r.oid
        ) as n (oid)
      )
      select distinct ${describeHolder} as holder
      from pg_locks as l
      ${withHolders}
      where l.relation in (select oid from reached)
        and l.database = (select oid from pg_database where datname = current_database())
        and l.granted
        and l.pid is distinct from pg_backend_pid()
        and ${hasHolder}`,
    [relationId(table).toString()],
  );
  return rows.map(({ holder }) => holder).join("; ") || "one that has just ended";
}
