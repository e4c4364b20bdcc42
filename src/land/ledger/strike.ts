import { UserError } from "../../model/errors.ts";
import { type Client, withTransaction } from "../../postgres/client.ts";
import { literal } from "../../sql/literals.ts";
import { sql } from "../../sql/sql.ts";
import { ledgerExists, loadTable, prepareLedger } from "./ledger-tables.ts";

/** The status of a load that somebody said counts not. */
export const STRUCK = "struck";

interface Strike {
  readonly loadId: string;
  /** Why it counts not; undefined takes it back. */
  readonly why: string | undefined;
}

/** A load that was struck or counts again, and the replays of its rejects, which went with it. */
export interface Struck {
  readonly loadId: string;
  readonly source: string;
  readonly stream: string;
  readonly rows: string;
  readonly replays: readonly string[];
}

interface Found {
  readonly schema: string;
  readonly source: string;
  readonly stream: string;
  readonly status: string;
  readonly rows: string;
  readonly is_gone: string;
  readonly replay_of: string | null;
}

/**
 * Says of a load that it counts not, or takes that back. Its rows stay in the raw table; who asks the ledger leaves them out.
 * @throws UserError where that load is in none or in several of the ledgers of `schemas`, or is not as it has to be; nothing is changed then.
 */
export async function strikeLoad(client: Client, schemas: readonly string[], strike: Strike): Promise<Struck> {
  const { why } = strike;
  // As the ledger writes it: 007 is 7 when it is taken back, too.
  const loadId = String(BigInt(strike.loadId));
  const found = theOnly(await findLoads(client, schemas, loadId), loadId);
  await prepareLedger(client, found.schema, {});
  return withTransaction(client, async () => {
    const load = theOnly(await findLoads(client, [found.schema], loadId, "for update"), loadId);
    checkStatus(load, loadId, why);
    const table = loadTable(load.schema);
    // What a load had rejected and landed later stands or falls with it.
    const { rows } = await client.query<{ load_id: string }>(
      why === undefined
        ? sql`
            update ${table}
            set status = 'loaded', details = details - ${literal(STRUCK)}
            where status = ${literal(STRUCK)} and details #>> ${literal(`{${STRUCK},load}`)} = $1
            returning load_id`
        : sql`
            update ${table}
            set
              status = ${literal(STRUCK)},
              details = coalesce(details, '{}') || jsonb_build_object(
                ${literal(STRUCK)},
                jsonb_build_object('load', $1::text, 'why', $2::text, 'at', now(), 'by', session_user)
              )
            where status = 'loaded' and (load_id = $1::bigint or replay_of = $1::bigint)
            returning load_id`,
      why === undefined ? [loadId] : [loadId, why],
    );
    const replays = rows.map(({ load_id }) => load_id).filter((one) => BigInt(one) !== BigInt(loadId));
    return { loadId, source: load.source, stream: load.stream, rows: load.rows, replays };
  });
}

async function findLoads(
  client: Client,
  schemas: readonly string[],
  loadId: string,
  lock?: "for update",
): Promise<readonly Found[]> {
  const all: Found[] = [];
  for (const schema of schemas) {
    if (!(await ledgerExists(client, schema))) continue;
    const { rows } = await client.query<Omit<Found, "schema">>(
      sql`
        select source, stream, status, rows, is_gone, replay_of
        from ${loadTable(schema)}
        where load_id = $1
        ${lock ? sql`for update` : sql``}`,
      [loadId],
    );
    all.push(...rows.map((row) => ({ schema, ...row })));
  }
  return all;
}

function theOnly(found: readonly Found[], loadId: string): Found {
  if (found.length === 1) return found[0]!;
  if (!found.length)
    throw new UserError({
      message: `there is no load ${loadId}`,
      expected: "the number of a load: load_id in raw._load, _load_id in a raw table, or as ingest shows it",
      hint: "dataform ingest state --json has the last load of each stream",
    });
  throw new UserError({
    message: `${found.length} schemas have a load ${loadId}`,
    found: found.map(({ schema, source, stream }) => `${schema} (${source}.${stream})`).join(", "),
    hint: `say which: --schema ${found[0]!.schema}`,
  });
}

function checkStatus({ status, replay_of }: Found, loadId: string, why: string | undefined): void {
  if (status === (why === undefined ? STRUCK : "loaded")) {
    if (replay_of === null) return;
    throw new UserError({
      message: `load ${loadId} is a replay of what load ${replay_of} had rejected, and counts as that one does`,
      hint: `dataform ingest strike ${replay_of}, or dismiss its rejects`,
    });
  }
  if (status === "loading")
    throw new UserError({
      message: `load ${loadId} is still open: its rows are coming`,
      found: `status ${status}`,
      expected: `a load with status ${why === undefined ? STRUCK : "loaded"}`,
      hint: "once it is closed it can be struck; the next load of its stream closes one whose program is gone",
    });
  throw new UserError({
    message: why === undefined ? `load ${loadId} was not struck` : `load ${loadId} does not count anyway`,
    found: `status ${status}`,
    expected: `a load with status ${why === undefined ? STRUCK : "loaded"}`,
  });
}
