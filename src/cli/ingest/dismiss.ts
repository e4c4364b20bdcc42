import { dismissRejects } from "../../land/ledger/dismissal.ts";
import { counted } from "../../model/counted.ts";
import { UserError } from "../../model/errors.ts";
import { openDatabase } from "../database.ts";
import type { Shell } from "../shell.ts";
import { type IngestFlags, looking } from "./actions.ts";
import { schemasToLookIn } from "./choose.ts";

export interface DismissFlags extends IngestFlags {
  readonly undo?: boolean;
  /** Whose ledger has the load. */
  readonly schema?: string;
}

/** Says of rejects of a load that they need not land, or takes it back. */
export async function dismiss(shell: Shell, loadId: string, rowNos: readonly string[], flags: DismissFlags) {
  for (const number of [loadId, ...rowNos])
    if (!/^\d{1,18}$/.test(number))
      throw new UserError({
        message: `"${number}" is no number of a ${number === loadId ? "load" : "row"}`,
        expected: "dataform ingest dismiss <load> [row...], as ingest rejects shows them",
      });
  const undo = flags.undo ?? false;
  const schemas = schemasToLookIn(shell, flags.schema);
  const settings = await openDatabase(shell, flags);
  const dismissed = await looking(shell, settings, (client) =>
    dismissRejects(client, schemas, { loadId, rowNos, undo }),
  );
  if (flags.json) return shell.print(JSON.stringify({ loadId, undo, rejects: dismissed }));
  shell.say(`${counted(dismissed, "reject")} of load ${loadId} ${undo ? "open again" : "dismissed"}`);
}
