import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import type { ConnectionSettings } from "../../src/model/connection-settings.ts";
import { DBT, dbtProject } from "../peers/dbt.ts";
import { type Timing, timed } from "./timed.ts";

/** dbt's documentation of the same models, in the database where ours are published. */
export interface DbtDocs {
  readonly version: string;
  /** `dbt docs generate`: it parses, compiles and asks for the catalogue. */
  generate(): Promise<Timing>;
  /** Of what a browser loads. */
  bytes(): number;
}

/** @throws where pip cannot install it */
export function dbtDocs(cache: string, settings: ConnectionSettings, models: number): DbtDocs {
  const { program, folder, flags, env, connect } = dbtProject(cache, models);
  connect(settings);
  const logFile = join(cache, "logs/dbt-docs.log");
  return {
    version: DBT,
    generate: () => timed(program, ["docs", "generate", ...flags], { cwd: folder, env, logFile }),
    bytes: () =>
      ["index.html", "manifest.json", "catalog.json"].reduce(
        (sum, name) => sum + statSync(join(folder, "target", name)).size,
        0,
      ),
  };
}

/** What a folder holds, in bytes. */
export function bytesOf(folder: string): number {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return files.reduce((sum, { parentPath, name }) => sum + statSync(join(parentPath, name)).size, 0);
}
