import type { CompiledGraph } from "../model/graph.ts";
import { roleName } from "../model/roles.ts";
import type { Client } from "../postgres/client.ts";
import { id } from "../sql/identifiers.ts";
import { PRIVATE_SCHEMA, privateId } from "../sql/names.ts";
import { sql } from "../sql/sql.ts";

/** Tables of the record that models may read: those without rows of models. */
const LENT = ["environment", "publishing", "release", "run", "schedule", "schedule_due", "step"];

/**
 * Lets the builder read those tables of the record that the project declares as sources. Sent by the publisher, whose they are.
 * @param roles their prefix; without roles one user does all
 */
export async function lendRecord(
  client: Client,
  { actions }: Pick<CompiledGraph, "actions">,
  roles: string | undefined,
): Promise<void> {
  if (!roles) return;
  const declared = actions
    .filter(({ kind, target, disabled }) => kind === "declaration" && !disabled && target.schema === PRIVATE_SCHEMA)
    .map(({ target }) => target.name)
    .filter((name) => LENT.includes(name));
  if (!declared.length) return;
  const builder = roleName(roles, "builder");
  const { rows } = await client.query<{ name: string }>(
    sql`
      select name from unnest($1::text[]) as name
      where not has_table_privilege($2, format('%I.%I', $3::text, name), 'select')`,
    [declared, builder, PRIVATE_SCHEMA],
  );
  if (rows.length)
    await client.query(sql`grant select on ${rows.map(({ name }) => privateId(name))} to ${id(builder)}`);
}
