import { counted } from "../../model/counted.ts";
import type { Client } from "../../postgres/client.ts";
import { markFilled, unfilledFields } from "../ledger/drift.ts";
import { gatherFields, loadsWithFields, takeFields } from "../write/extra-fields.ts";
import type { LoadTarget } from "./target.ts";

/**
 * What of a stream's table lies in `_extra` and belongs into columns: of columns that the table gets now, wherever a row has it;
 * of those that the schema lacked for a while, where the ledger says so.
 */
export function fillingsOf(client: Client, { table, key, stream }: LoadTarget) {
  const known = table.recordSchema.columns.map(({ name }) => name);
  const look = async (added: readonly string[]) => {
    const unfilled = await unfilledFields(client, key, known);
    return { fields: [...new Set([...added, ...unfilled.map(({ field }) => field)])], unfilled };
  };
  return {
    mayBe: async (added: readonly string[]) => (await look(added)).fields.length > 0,
    gather: async (added: readonly string[]) => {
      const { fields, unfilled } = await look(added);
      const found = added.length ? await loadsWithFields(client, table, added) : [];
      const loads = [...new Set([...found, ...unfilled.map(({ loadId }) => loadId)])];
      const { connector } = stream;
      const csv = connector.kind === "files" && connector.format.kind === "csv" ? connector.format : undefined;
      const gathered = fields.length ? await gatherFields(client, { table, fields, loads, csv }) : undefined;
      return async (): Promise<readonly string[]> => {
        await markFilled(client, key, fields);
        if (!gathered) return [];
        await takeFields(client, table, gathered);
        return told(`${table.schema}.${table.name}`, loads.length, gathered);
      };
    },
  };
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
