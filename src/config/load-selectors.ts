import { existsSync } from "node:fs";
import { join } from "node:path";
import type { NamedSelections } from "../model/selection.ts";
import { checkYaml } from "./check.ts";
import { publishedSchema } from "./published.ts";
import { readYaml } from "./yaml.ts";

const SELECTORS_FILE = "selectors.yaml";

/**
 * Reads `selectors.yaml`: by name, what each selection says; none where there is no such file.
 * @throws UserErrors with everything that is wrong in it, each with its line
 */
export function readSelectors(projectDir: string): NamedSelections {
  const path = join(projectDir, SELECTORS_FILE);
  if (!existsSync(path)) return new Map();
  const written = checkYaml(readYaml(path, SELECTORS_FILE), publishedSchema("selectors"));
  return new Map(Object.entries(written.selectors));
}
