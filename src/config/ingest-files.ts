import { readdirSync } from "node:fs";
import { join } from "node:path";

/** The `*.yaml` files in the project's `ingest/` folder, by name. */
export function ingestFiles(projectDir: string): readonly string[] {
  const folder = join(projectDir, "ingest");
  try {
    const names = readdirSync(folder).filter((name) => /\.ya?ml$/.test(name));
    return names.sort().map((name) => join(folder, name));
  } catch {
    return [];
  }
}
