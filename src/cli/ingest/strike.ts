import { strikeLoad } from "../../land/ledger/strike.ts";
import { counted } from "../../model/counted.ts";
import { UserError } from "../../model/errors.ts";
import { openDatabase } from "../database.ts";
import type { Shell } from "../shell.ts";
import { type IngestFlags, looking } from "./actions.ts";
import { schemasToLookIn } from "./choose.ts";

export interface StrikeFlags extends IngestFlags {
  readonly why?: string;
  readonly undo?: boolean;
  /** Whose ledger has the load. */
  readonly schema?: string;
}

/** Says of a load that it counts not, or takes that back. */
export async function strike(shell: Shell, loadId: string, flags: StrikeFlags): Promise<void> {
  if (!/^\d{1,18}$/.test(loadId))
    throw new UserError({
      message: `"${loadId}" is no number of a load`,
      expected: "dataform ingest strike <load> --why <text>",
    });
  const why = reason(loadId, flags);
  const schemas = schemasToLookIn(shell, flags.schema);
  const settings = await openDatabase(shell, flags);
  const struck = await looking(shell, settings, (client) => strikeLoad(client, schemas, { loadId, why }));
  if (flags.json) return shell.print(JSON.stringify({ ...struck, undo: why === undefined, why: why ?? null }));
  const { source, stream, rows, replays } = struck;
  const what = `load ${loadId} of ${source}.${stream} (${counted(Number(rows), "row")}${replays.length ? `, with ${counted(replays.length, "replay")} of its rejects` : ""})`;
  shell.say(`${what} ${why === undefined ? "counts again" : "counts not"}; the next dataform run follows`);
}

function reason(loadId: string, { why, undo }: StrikeFlags): string | undefined {
  if (undo && why !== undefined)
    throw new UserError({
      message: "--undo takes back what --why was said of",
      hint: `dataform ingest strike ${loadId} --undo`,
    });
  if (undo) return undefined;
  if (why !== undefined && why.trim() !== "") return why;
  throw new UserError({
    message: "who strikes a load says why",
    hint: `dataform ingest strike ${loadId} --why "the export had test orders"`,
  });
}
