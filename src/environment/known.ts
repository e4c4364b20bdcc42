import type { Known } from "../model/ground.ts";
import type { StepStatus } from "../model/report.ts";
import type { Result } from "../model/selection.ts";
import type { Client } from "../postgres/client.ts";
import { sql } from "../sql/sql.ts";

/** Of what each action of an environment was built when it went well last, by `schema.name`. Nothing where no run has recorded it. */
export async function readKnown(client: Client, environment: string): Promise<Record<string, Known>> {
  if (!(await isThere(client, "_dataform.state"))) return {};
  const { rows } = await client.query<{ known: string }>(
    sql`
      select coalesce(jsonb_object_agg(schema_name || '.' || name, content), '{}') as known
      from _dataform.state
      where environment = $1`,
    [environment],
  );
  return JSON.parse(rows[0]!.known) as Record<string, Known>;
}

/** What came of each action of the last run that ended, by `schema.name`. */
export async function readResults(client: Client, environment: string): Promise<Record<string, Result>> {
  if (!(await isThere(client, "_dataform.step"))) return {};
  const { rows } = await client.query<Record<"key" | "status" | "error", string>>(
    sql`
      select s.schema_name || '.' || s.name as key, s.status, s.error is not null as error
      from _dataform.step as s
      where s.run_id = (
        select run_id from _dataform.run where environment = $1 and status <> 'running' order by fence desc limit 1
      )`,
    [environment],
  );
  return Object.fromEntries(
    rows.map(({ key, status, error }) => [key, { status: status as StepStatus, error: error === "t" }]),
  );
}

/** Not where an earlier version of this program made the record, and \`plan\` changes nothing. */
async function isThere(client: Client, table: string): Promise<boolean> {
  const { rows } = await client.query<{ there: string }>(sql`select to_regclass($1) is not null as there`, [table]);
  return rows[0]!.there === "t";
}
