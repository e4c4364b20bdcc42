import type { StepStatus } from "../model/report.ts";
import type { Verdict } from "../model/site.ts";
import { targetKey } from "../model/target.ts";
import type { Client } from "../postgres/client.ts";
import { sql } from "../sql/sql.ts";

/** By `schema.name`. */
export async function readVerdicts(client: Client, environment: string): Promise<ReadonlyMap<string, Verdict>> {
  const { rows } = await client.query<
    Record<"schema_name" | "name" | "seconds", string> & { status: StepStatus; rows: string | null }
  >(
    sql`
      select distinct on (s.schema_name, s.name) s.schema_name, s.name, s.status, s.seconds, s.rows
      from _dataform.step as s
      inner join _dataform.run as r on r.run_id = s.run_id
      where r.environment = $1
      order by s.schema_name, s.name, r.started_at desc, r.fence desc`,
    [environment],
  );
  return new Map(
    rows.map(({ schema_name: schema, name, status, seconds, rows }) => [
      targetKey({ schema, name }),
      { status, seconds, ...(rows === null ? {} : { rows: Number(rows) }) },
    ]),
  );
}
