import { createHash } from "node:crypto";
import type { Action } from "../model/graph.ts";

/** The same for two actions that are compiled to the same SQL and the same settings, wherever their file is. */
export function fingerprint(action: Action): string {
  const { file: _, package: ___, tags: __, ...written } = action;
  const columns = written.columns.flatMap(({ name, description }) => (description ? [{ name, description }] : []));
  const code = { ...written, columns };
  return createHash("sha256").update(JSON.stringify(code)).digest("hex").slice(0, 16);
}
