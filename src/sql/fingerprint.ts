import { createHash } from "node:crypto";
import type { Model } from "../model/graph.ts";

/** The same for two models that are compiled to the same SQL and the same settings, wherever their file is. */
export function fingerprint(model: Model): string {
  const { file: _, tags: __, ...written } = model;
  const columns = written.columns.flatMap(({ name, description }) => (description ? [{ name, description }] : []));
  const code = { ...written, columns };
  return createHash("sha256").update(JSON.stringify(code)).digest("hex").slice(0, 16);
}
