import { join } from "node:path";
import { parseConnectionUrl } from "../../src/config/connection.ts";
import { loadIngest } from "../../src/config/load-ingest.ts";
import { ingest } from "../../src/land/ingest.ts";
import type { LoadEvent } from "../../src/model/load-report.ts";

export interface Order {
  readonly dir: string;
  readonly source: string;
  readonly database: string;
  readonly api: string;
}

/** Loads one source; gives the exit code that a command would have. */
export async function loadOf(
  { dir, source, database, api }: Order,
  onEvent: (event: LoadEvent) => void,
): Promise<number> {
  const declaration = loadIngest(join(dir, `ingest/${source}.yaml`), { projectDir: dir, env: { API: api } });
  const report = await ingest(declaration, parseConnectionUrl(database, "test"), { memory: 200_000, onEvent });
  return report.ok ? 0 : 1;
}
