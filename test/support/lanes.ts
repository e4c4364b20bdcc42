import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";

/**
 * What a test needs decides its lane, and what it imports tells what it needs:
 * `quick` nothing but Node; `postgres` the one server that the tests share; `others` servers of its own (SFTP, MariaDB, an
 * embedded PostgreSQL); `fuzz` is test/fuzz/, a fixed time each.
 */
const lanes = ["quick", "postgres", "others", "fuzz"] as const;
export type Lane = (typeof lanes)[number];

const root = resolve(import.meta.dirname, "../..");
const support = join(root, "test/support");

/** The files of each lane, relative to the project. */
export function filesByLane(): Readonly<Record<Lane, readonly string[]>> {
  const files: Record<Lane, string[]> = { quick: [], postgres: [], others: [], fuzz: [] };
  for (const name of readdirSync(join(root, "test"), { recursive: true, encoding: "utf8" }).sort()) {
    if (!name.endsWith(".test.ts") || name.includes("node_modules")) continue;
    const file = join(root, "test", name);
    files[laneOf(file)].push(relative(root, file).replaceAll("\\", "/"));
  }
  return files;
}

function laneOf(file: string): Lane {
  if (file.startsWith(join(root, "test/fuzz/"))) return "fuzz";
  const reached = [...reach(file)];
  if (reached.includes(join(support, "database.ts"))) return "postgres";
  const own = (path: string) => path === join(support, "embedded.ts") || path.startsWith(join(support, "servers/"));
  return reached.some(own) ? "others" : "quick";
}

/** The file and those of test/ that it imports, directly or not. */
function reach(file: string, found = new Set<string>()): Set<string> {
  if (found.has(file) || !file.startsWith(join(root, "test"))) return found;
  found.add(file);
  for (const [, path] of readFileSync(file, "utf8").matchAll(/^(?:import|export)\b[^;]*?\bfrom "(\.[^"]+)"/gm))
    reach(resolve(dirname(file), path!), found);
  return found;
}
