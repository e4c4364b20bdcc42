import { sourceFreshness } from "../library/monitoring/loads.ts";
import type { FreshnessDeclaration, IngestDeclaration, StreamDeclaration } from "../model/declarations.ts";
import { UserError } from "../model/errors.ts";
import type { FreshnessState, StreamFreshness } from "../model/operations.ts";
import { type Client, withTransaction } from "../postgres/client.ts";
import { SQLSTATE, sqlState } from "../postgres/sqlstate.ts";
import { id, relationId } from "../sql/identifiers.ts";
import { sql } from "../sql/sql.ts";
import { LOOKING, ledgersIn, rowsOf } from "./rows.ts";

/** A source, and those of its streams that are looked at. */
export interface LookedAt {
  readonly declaration: Pick<IngestDeclaration, "source" | "schema" | "file">;
  readonly streams: readonly StreamDeclaration[];
}

/** A row of the panel. */
interface Loaded {
  readonly raw_schema: string;
  readonly source: string;
  readonly stream: string;
  readonly table_name: string;
  readonly last_load_at: string;
  readonly age_seconds: number;
  readonly failed_at: string | null;
  readonly failure: string | null;
}

/**
 * How new each stream is, against what is declared now, by the server's clock.
 * @throws UserError where a column cannot be judged by
 */
export function readFreshness(client: Client, sources: readonly LookedAt[]): Promise<readonly StreamFreshness[]> {
  return withTransaction(client, () => freshnessOf(client, sources), LOOKING);
}

/** The same in a transaction that is open. */
export async function freshnessOf(client: Client, sources: readonly LookedAt[]): Promise<readonly StreamFreshness[]> {
  const schemas = [...new Set(sources.map(({ declaration }) => declaration.schema))];
  await client.query(sql`set local timezone = 'UTC'`);
  const ledgers = await ledgersIn(client, schemas);
  const loaded = ledgers.length ? await rowsOf<Loaded>(client, sourceFreshness(ledgers)) : [];
  const all: StreamFreshness[] = [];
  for (const { declaration, streams } of sources)
    for (const stream of streams) {
      const { source, schema } = declaration;
      const isIts = (one: Loaded) =>
        one.raw_schema === schema &&
        one.source === source &&
        one.stream === stream.name &&
        one.table_name === stream.table;
      all.push(await streamFreshness(client, { declaration, stream, loaded: loaded.find(isIts) }));
    }
  return all;
}

interface Looked {
  readonly declaration: LookedAt["declaration"];
  readonly stream: StreamDeclaration;
  readonly loaded: Loaded | undefined;
}

async function streamFreshness(client: Client, looked: Looked): Promise<StreamFreshness> {
  const { declaration, stream, loaded } = looked;
  const { freshness } = stream;
  const newest = loaded && freshness?.by !== undefined ? await newestOf(client, looked, freshness.by) : undefined;
  const age = (freshness?.by === undefined ? loaded?.age_seconds : newest?.age) ?? null;
  return {
    source: declaration.source,
    stream: stream.name,
    table: `${declaration.schema}.${stream.table}`,
    lastLoad: loaded?.last_load_at ?? null,
    newest: newest?.at ?? null,
    age,
    state: stateOf(freshness, age),
    warn: freshness?.warn ?? null,
    error: freshness?.error ?? null,
    by: freshness?.by ?? null,
    failure: loaded?.failed_at ? { at: loaded.failed_at, message: loaded.failure ?? "" } : null,
  };
}

/** @param age seconds; null where there is nothing to judge by */
function stateOf(freshness: FreshnessDeclaration | undefined, age: number | null): FreshnessState {
  if (age === null) return "never";
  if (!freshness) return "undeclared";
  if (age > (freshness.error ?? Number.POSITIVE_INFINITY)) return "error";
  return age > (freshness.warn ?? Number.POSITIVE_INFINITY) ? "warn" : "fresh";
}

/** The newest value of a column: a date counts from its beginning in UTC, what lies beyond all time not at all. */
async function newestOf(
  client: Client,
  { declaration, stream }: Looked,
  by: string,
): Promise<{ readonly at: string; readonly age: number } | undefined> {
  const column = id("landed", by);
  const table = relationId({ schema: declaration.schema, name: stream.table });
  try {
    const [row] = await rowsOf<{ at: string | null; age: number | null }>(
      client,
      sql`
        select max(${column})::timestamptz as at, round(extract(epoch from now() - max(${column})::timestamptz), 3) as age
        from ${table} as landed
        where isfinite(${column})`,
    );
    return row?.at && row.age !== null ? { at: row.at, age: row.age } : undefined;
  } catch (error) {
    const code = sqlState(error);
    if (code !== SQLSTATE.undefinedFunction && code !== SQLSTATE.undefinedColumn && code !== SQLSTATE.undefinedTable)
      throw error;
    throw new UserError({
      message: `freshness of stream ${declaration.source}.${stream.name} cannot be judged by ${by}`,
      location: { file: declaration.file },
      expected: `a column of ${declaration.schema}.${stream.table} that holds dates or times`,
      found: (error as Error).message,
      hint: "name another column, or leave by out: the time of the last load counts then",
      cause: error,
    });
  }
}
