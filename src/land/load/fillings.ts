import { counted } from "../../model/counted.ts";
import type { Client } from "../../postgres/client.ts";
import { relationId } from "../../sql/identifiers.ts";
import { sql } from "../../sql/sql.ts";
import { markFilled, unfilledFields, unknownFields } from "../ledger/drift.ts";
import type { RawTable } from "../table/raw-table.ts";
import { aliasesOf } from "../write/aliases.ts";
import { gatherFields, loadsWithFields, takeFields } from "../write/extra-fields.ts";
import type { LoadTarget } from "./target.ts";

/**
 * What of a stream's table lies in `_extra` and belongs into columns: of columns that the table gets now, wherever a row has it;
 * of those that the schema lacked for a while, where the ledger says so.
 */
export function fillingsOf(client: Client, { table, key, stream }: LoadTarget) {
  const known = table.recordSchema.columns.map(({ name }) => name);
  let isUnknown = false;
  const look = async (added: readonly string[]) => {
    const { unfilled, hasLoads } = await unfilledFields(client, key, known);
    isUnknown = !hasLoads;
    const wanted = new Set([...added, ...unfilled.map(({ field }) => field)]);
    return { fields: known.filter((name) => wanted.has(name)), unfilled };
  };
  return {
    /** After a look: what to tell of rows in a table that the ledger knows nothing of. */
    strangers: async () => (isUnknown ? strangersIn(client, table) : []),
    mayBe: async (added: readonly string[]) => (await look(added)).fields.length > 0,
    gather: async (added: readonly string[]) => {
      const { fields, unfilled } = await look(added);
      const found = added.length ? await loadsWithFields(client, table, added) : [];
      const { connector } = stream;
      const format = connector.kind === "files" ? connector.format : undefined;
      const unknown = added.length ? await unknownFields(client, key) : new Map<string, readonly string[]>();
      const aliases = aliasesOf(format, unknown, { known, added });
      const loads = [...new Set([...found, ...aliases.keys(), ...unfilled.map(({ loadId }) => loadId)])];
      const wanted = { table, fields, loads, format, aliases };
      const gathered = fields.length ? await gatherFields(client, wanted) : undefined;
      return async (): Promise<readonly string[]> => {
        const name = `${table.schema}.${table.name}`;
        const refusal = gathered && (await takeFields(client, table, gathered));
        // Those are tried again, by the next load.
        if (refusal !== undefined)
          return [
            `${name}: ${fields.join(", ")} could not be filled from _extra, PostgreSQL lets no row change: ${refusal}`,
          ];
        await markFilled(client, key, fields);
        for (const [load, spelled] of aliases)
          await markFilled(
            client,
            key,
            spelled.map((alias) => alias.key),
            load,
          );
        return gathered ? told(name, loads.length, gathered) : [];
      };
    },
  };
}

async function strangersIn(client: Client, table: RawTable): Promise<readonly string[]> {
  const { rows } = await client.query<Record<"rows" | "loads", string>>(
    sql`select count(*) as rows, count(distinct _load_id) as loads from ${relationId(table)}`,
  );
  const { rows: count, loads } = rows[0]!;
  const { schema, name } = table;
  if (count === "0") return [];
  return [
    `${schema}.${name} has ${counted(Number(count), "row")} of ${counted(Number(loads), "load")} that the ledger does not know, as after a restore without it: ` +
      `they do not count in ${schema}.${name}_current, and what the source still has lands once more beside them; restore _load, _file, ` +
      "_rejected and _drift with the table, or empty it before",
  ];
}

type Gathered = NonNullable<Awaited<ReturnType<typeof gatherFields>>>;

function told(table: string, loads: number, { fields, rows, refused }: Gathered): readonly string[] {
  const { reasons, more, moreRejects } = refused.told();
  const left = [
    ...reasons.map(({ reason, count }) => `${count} × ${reason}`),
    ...(more ? [`${moreRejects} × ${counted(more, "more reason")}`] : []),
  ];
  return [
    ...(rows
      ? [
          `${table}: ${fields.join(", ")} filled from _extra in ${counted(rows, "row")} of ${counted(loads, "load")}; incremental ` +
            "models and histories that have read them keep what they read, till `dataform run --full-refresh --actions <name>`",
        ]
      : []),
    ...(left.length ? [`${table}: values that do not fit their column stay in _extra: ${left.join("; ")}`] : []),
  ];
}
