import type { Action, CompiledGraph, Declaration } from "../model/graph.ts";
import type { AbsentTable, StepResult } from "../model/report.ts";
import { type Target, targetKey } from "../model/target.ts";
import { type Client, withNames } from "../postgres/client.ts";
import { postgresError, SQLSTATE } from "../postgres/sqlstate.ts";
import { sql } from "../sql/sql.ts";
import type { RunContext } from "./context.ts";
import { namedMissing } from "./missing-relation.ts";

/**
 * The declared tables that an action reads and that are not there, once it has failed for want of a relation: by `ref()`, or by
 * the name that is missed, as a ledger is read. Asked then and not before the run, because operations may make what a
 * declaration names.
 */
export async function absentTables(
  error: unknown,
  target: Target,
  graph: CompiledGraph,
  client: Client,
): Promise<readonly AbsentTable[]> {
  const failure = postgresError(error);
  if (failure?.code !== SQLSTATE.undefinedTable) return [];
  const key = targetKey(target);
  const action = graph.actions.find((one) => targetKey(one.target) === key);
  const missed = namedMissing(failure.message);
  const read = new Set([...(action?.dependencies ?? []), ...(missed ? [missed] : [])].map(targetKey));
  const declared = graph.actions.filter(isDeclaration).filter((one) => read.has(targetKey(one.target)));
  if (!declared.length) return [];
  const query = sql`
    select nspname as schema, relname as name
    from pg_class join pg_namespace n on n.oid = relnamespace
    where (nspname, relname) in (select * from unnest($1::text[], $2::text[]))`;
  const names = [declared.map((one) => one.target.schema), declared.map((one) => one.target.name)];
  const { rows } = await withNames(client, "ours", () => client.query<{ schema: string; name: string }>(query, names));
  const there = new Set(rows.map(targetKey));
  return declared
    .map(
      ({ target, landedBy, file, isCollected }): AbsentTable => ({
        name: targetKey(target),
        file: landedBy ?? file,
        ...(isCollected ? { isCollected } : {}),
      }),
    )
    .filter(({ name }) => !there.has(name));
}

function isDeclaration(action: Action): action is Declaration {
  return action.kind === "declaration";
}

/** Why a step is not tried, or undefined where it is. What waits for data only waits for the same data. */
export function whySkipped(
  waitsFor: readonly string[],
  context: RunContext,
): Pick<StepResult, "reason" | "awaits"> | undefined {
  if (context.signal.aborted) return { reason: "the run was cancelled" };
  const blockers = waitsFor.filter((key) => context.isBlocked(key));
  if (!blockers.length) return undefined;
  const failed = blockers.find((key) => !context.awaits(key).length);
  if (failed !== undefined) return { reason: `${failed} did not succeed` };
  return awaiting(blockers.flatMap((key) => context.awaits(key)));
}

/** What is said of a step whose data has not landed. */
export function awaiting(tables: readonly AbsentTable[]): Required<Pick<StepResult, "reason" | "awaits">> {
  const awaits = [...new Map(tables.map((table) => [table.name, table])).values()];
  return { reason: `${awaits.map(({ name }) => name).join(", ")} not there yet`, awaits };
}
