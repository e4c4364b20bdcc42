import { createHash } from "node:crypto";
import type { Action } from "../model/graph.ts";

/** An action is never changed, and is asked for by who plans, who builds and who keeps in mind what was built. */
const known = new WeakMap<Action, string>();

/** The same for two actions that are compiled to the same SQL and the same settings, wherever their file is. */
export function fingerprint(action: Action): string {
  const found = known.get(action) ?? hashOf(action);
  known.set(action, found);
  return found;
}

function hashOf(action: Action): string {
  const { file: _, package: ___, tags: __, ...written } = action;
  const columns = written.columns.flatMap(({ name, description }) => (description ? [{ name, description }] : []));
  const code = { ...written, columns };
  return createHash("sha256").update(JSON.stringify(code)).digest("hex").slice(0, 16);
}
