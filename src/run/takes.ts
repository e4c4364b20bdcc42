import type { Client } from "../postgres/client.ts";
import { sqlState } from "../postgres/sqlstate.ts";
import { areFew } from "../sql/few-rows.ts";
import { id } from "../sql/identifiers.ts";
import { literal } from "../sql/literals.ts";
import { PRIVATE_SCHEMA, privateId, WRITTEN_BY } from "../sql/names.ts";
import { join, or, type Sql, sql } from "../sql/sql.ts";
import { clashes, computed, condition } from "./clashes.ts";
import { type Refusal, refusals } from "./refusals.ts";

/** An index cannot hold a row of more than a third of a page, as it is once packed. Bytes. */
const SURELY_SHORT = 2000;

/**
 * Whether a table surely takes new rows, by what can be read of both. False where it does not, and where only writing tells.
 * @param storage the private table
 * @param delta the private table of the new rows
 * @param uniqueKey by which they replace rows: an index over it refuses nothing that is replaced
 */
export async function takes(
  client: Client,
  storage: string,
  delta: string,
  uniqueKey: readonly string[],
): Promise<boolean> {
  const { rows } = await client.query<Refusal>(refusals, [PRIVATE_SCHEMA, storage, delta, WRITTEN_BY, uniqueKey]);
  if (rows.every(({ kind }) => kind === "doubt" || kind === "key")) return true;
  if (rows.some(({ kind }) => kind === "other" || kind === "doubt")) return false;
  try {
    const few = rows.some(({ kind }) => kind === "alike") && (await areFewRows(client, storage, delta));
    for (const question of [refusedRows(delta, rows), ...clashes(storage, delta, rows, few)]) {
      const answer = await client.query<{ refused: string }>(question);
      if (answer.rows[0]?.refused !== "f") return false;
    }
    return true;
  } catch (error) {
    // A condition cannot be computed of some row. What the table says of that is what its author is told.
    if (/^(?:2[23]|42)/.test(sqlState(error) ?? "")) return false;
    throw error;
  }
}

async function areFewRows(client: Client, storage: string, delta: string): Promise<boolean> {
  const { rows } = await client.query<{ few: string | null }>(sql`select ${areFew(delta, storage)} as few`);
  return rows[0]?.few === "t";
}

function refusedRows(delta: string, all: readonly Refusal[]): Sql {
  return sql`
    select
      ${[
        sql`coalesce(bool_or(${or([sql`false`, ...all.flatMap(refused)])}), false) as refused`,
        // Nothing is asked of them but that they can be computed.
        ...all.flatMap(computable),
      ]}
    from ${privateId(delta)}`;
}

function computable(refusal: Refusal): Sql[] {
  const { kind } = refusal;
  if (kind === "within") return [sql`count(*) filter (where ${condition(refusal)})`];
  if (kind === "alike")
    return computed(refusal).map((value) => sql`count(${value}) filter (where ${condition(refusal)})`);
  return [];
}

function refused(refusal: Refusal): Sql[] {
  const { kind } = refusal;
  if (kind === "check") return [sql`${condition(refusal)} is false`];
  if (kind !== "column" && kind !== "long") return [];
  const names = (JSON.parse(refusal.columns ?? "[]") as string[]).map((name) => id(name));
  if (kind === "column") return [or(names.map((name) => sql`${name} is null`))];
  return [
    sql`${join(
      names.map((name) => sql`coalesce(pg_column_size(${name}), 0)`),
      " + ",
    )} > ${literal(SURELY_SHORT)}`,
  ];
}
