import type { Catalog } from "../model/catalog.ts";
import type { BuildStep } from "../model/plan.ts";
import type { StepResult } from "../model/report.ts";
import { targetKey } from "../model/target.ts";
import type { Client } from "../postgres/client.ts";
import { SQLSTATE, sqlState } from "../postgres/sqlstate.ts";
import { relationId } from "../sql/identifiers.ts";
import { literal } from "../sql/literals.ts";
import { privateId } from "../sql/names.ts";
import { join, type Sql, sql } from "../sql/sql.ts";

/** Tables that had rows and have none now, as warnings. Looks at nothing where each that was built got rows. */
export async function emptiedTables(
  steps: readonly BuildStep[],
  results: ReadonlyMap<string, StepResult>,
  catalog: Catalog,
  client: Client,
): Promise<string[]> {
  const empty = steps.filter(({ kind, target }) => kind === "table" && results.get(targetKey(target))?.rows === 0);
  const asked = empty.flatMap((step) => {
    const before = relationBefore(step, catalog);
    return before ? [isEmptied(step, before)] : [];
  });
  if (!asked.length) return [];
  const { rows } = await client.query<{ key: string }>(join(asked, "\nunion all\n")).catch((error) => {
    // What is taken over may be nothing that the builder may read.
    if (sqlState(error) === SQLSTATE.insufficientPrivilege) return { rows: [] };
    throw error;
  });
  return rows.map(({ key }) => `${key} had rows and has none now`);
}

/** What readers have under the name; undefined where that is nothing. */
function relationBefore({ target }: BuildStep, { manifest, relations }: Catalog): Sql | undefined {
  const published = manifest[targetKey(target)];
  if (published) return privateId(published.object);
  return relations[targetKey(target)] && relationId(target);
}

/** Rows may have come by post_operations. */
function isEmptied({ target, entry }: BuildStep, before: Sql): Sql {
  return sql`
    select ${literal(targetKey(target))} as key
    where exists (select from ${before}) and not exists (select from ${privateId(entry.object)})`;
}
