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

/**
 * What no version of the server can change is asked of the first server alone, where CI asks several; `npm run test:both` asks all
 * of both. A file that stands in no line here is asked of every server: what plans, builds, publishes, lands and reads the
 * catalogue is not listed. test/architecture.test.ts asks that each line is of a file.
 */
export const ASKED_OF_ONE_SERVER: readonly string[] = [
  // Names and texts are quoted by us, in one way; each product's models are built, and every cell of them compared, on every server
  // by test/proofs/truth, day by day and anew.
  "test/**/*names.test.ts",
  "test/products/*.test.ts",
  // What is asked of the package, the programs and PostgreSQL's grammar, not of a server.
  "test/{docs,export,ingest,sql}/*.test.ts",
  "test/examples.test.ts",
  // What a Redis, a browser, a BI tool, an HTTP client, an assistant or a lineage service is told: what is read for them, other files read.
  "test/serve/{redis,keys,mcp,drain,server-settings}.test.ts",
  "test/openlineage/openlineage.test.ts",
  "test/collect/hostile.test.ts",
  "test/{site,bi,charts,lsp}/**/*.test.ts",
  "test/dashboards/render.test.ts",
  // A pooler between the program and a server.
  "test/postgres/pgbouncer.test.ts",
  "test/run/interrupted.test.ts",
  // Clocks, channels, hands and foreign readers around what others send: of 100 shapes of statements 97 are left, the rest is plain.
  "test/schedule/scheduler.test.ts",
  "test/notify/notify.test.ts",
  "test/run/{absent,foreign,preview,waits}.test.ts",
  "test/release/by-hand.test.ts",
  "test/cli/{commands,infer,ingest,told}.test.ts",
  "test/proofs/mutators.test.ts",
  // What a load reads, asks for and decides before PostgreSQL has a word; how rows come into tables stays.
  "test/land/{csv,days,digits,files,oracle,refresh-tokens,rehearsal}.test.ts",
  // More values, moments and orders for what other files send to every server: each function of src/ that they run, those run, too.
  "test/library/{camt,counters-runs,live-property,reconcile-corrections,reconcile-passes,reconcile-values,scd2-values,slices-values}.test.ts",
  "test/run/{increments,ways}.test.ts",
  // What a broker sends, and what is done about it; the statement that moves a place is one.
  "test/land/kafka.test.ts",
  "test/collect/queue.test.ts",
  // A server sees of a process that is killed that its connection is cut, and forgets what was not committed.
  "test/{run,land}/killed.test.ts",
  "test/run/cut.test.ts",
  // Every statement of src/ that they send, others send, too: by the shapes of the statements in a server's log, file by file.
  "test/compat/compat.test.ts",
  "test/land/replay.test.ts",
  "test/postgres/catalog.test.ts",
  "test/release/retire.test.ts",
  "test/run/{again,places}.test.ts",
];

/** Of releases and landing those files that together send nearly all that all of them do, and what asks a server for its version. */
const RELEASES_AND_LANDING: readonly string[] = [
  ...["environments", "releases"].map((name) => `test/release/${name}.test.ts`),
  ...["current", "land", "retype", "verdict"].map((name) => `test/land/${name}.test.ts`),
  "test/run/run.test.ts",
];

/** What 17 is asked: our code asks a server whether it is 16 or newer, and 17 has 16 before it and 18 behind. */
const OF_17: readonly string[] = [
  "test/release/environments.test.ts",
  "test/land/land.test.ts",
  "test/land/retype.test.ts",
  "test/run/run.test.ts",
];

/** What a major between the newest and the oldest is asked beside them. */
export const askedOfMajor = (major: string): readonly string[] => (major === "17" ? OF_17 : RELEASES_AND_LANDING);
