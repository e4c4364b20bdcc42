import { UserError } from "../../model/errors.ts";
import { type Client, withTransaction } from "../../postgres/client.ts";
import { sql } from "../../sql/sql.ts";
import { ledgerExists, prepareLedger, rejectedTable } from "./ledger-tables.ts";

interface Dismissal {
  readonly loadId: string;
  /** Those of the load; all of them where none is named. */
  readonly rowNos: readonly string[];
  /** Takes it back. */
  readonly undo: boolean;
}

/** A ledger that has rejects of a load of this number, and the source of that load. */
interface Place {
  readonly schema: string;
  readonly source: string;
}

/**
 * Says of rejects that they need not land, or takes that back. Returns of how many.
 * @throws UserError where that load is in none or in several of the ledgers of `schemas`, or lacks one of the rows; nothing is changed then.
 */
export async function dismissRejects(client: Client, schemas: readonly string[], wanted: Dismissal): Promise<number> {
  const { loadId, rowNos, undo } = wanted;
  const schema = theOnly(await placesOf(client, schemas, loadId), wanted);
  await prepareLedger(client, schema, {});
  return withTransaction(client, async () => {
    const { rows } = await client.query<{ row_no: string }>(
      sql`
        update ${rejectedTable(schema)}
        set dismissed_at = ${undo ? sql`null` : sql`now()`}
        where load_id = $1
          and (row_no = any ($2::bigint[]) or $2::bigint[] = '{}')
          and replayed_by is null
          and dismissed_at is ${undo ? sql`not null` : sql`null`}
        returning row_no`,
      [loadId, `{${rowNos.join()}}`],
    );
    const found = new Set(rows.map((row) => BigInt(row.row_no)));
    const missing = rowNos.filter((row) => !found.has(BigInt(row)));
    if (missing.length || !found.size) throw noRejects(wanted, missing);
    return found.size;
  });
}

async function placesOf(client: Client, schemas: readonly string[], loadId: string): Promise<readonly Place[]> {
  const places: Place[] = [];
  for (const schema of schemas) {
    if (!(await ledgerExists(client, schema))) continue;
    const { rows } = await client.query<{ source: string }>(
      sql`select source from ${rejectedTable(schema)} where load_id = $1 limit 1`,
      [loadId],
    );
    places.push(...rows.map(({ source }) => ({ schema, source })));
  }
  return places;
}

/** Loads of several schemas may have one number: each ledger of an earlier release began with 1. */
function theOnly([place, ...others]: readonly Place[], wanted: Dismissal): string {
  if (!place) throw noRejects(wanted, wanted.rowNos);
  if (!others.length) return place.schema;
  const found = [place, ...others].map(({ schema, source }) => `${schema} (source ${source})`);
  throw new UserError({
    message: `several schemas have rejects of a load ${wanted.loadId}`,
    found: found.join(", "),
    hint: `say which is meant: --schema ${place.schema}; nothing was changed`,
  });
}

function noRejects({ loadId, rowNos, undo }: Dismissal, missing: readonly string[]): UserError {
  const rows = missing.length ? ` of row ${missing.join(", ")}` : "";
  return new UserError({
    message: `load ${loadId} has no ${undo ? "dismissed" : "open"} rejects${rows}`,
    expected: "a load and rows as ingest rejects shows them",
    ...(missing.length < rowNos.length ? { hint: "nothing was changed: leave them out" } : {}),
  });
}
