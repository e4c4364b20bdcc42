import { resolve } from "node:path";
import { setFlagsFromString } from "node:v8";
import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";
import { OPTIMIZE_LATER } from "./src/model/optimizing.ts";
import { buildWhatIsNew } from "./test/support/built.ts";
import { filesByLane } from "./test/support/lanes.ts";
import { roomInMemory } from "./test/support/room-in-memory.ts";

const { VITEST_JSON, TEST_DATABASE_URL, TEST_ALSO_ON = "" } = process.env;
const files = filesByLane();
buildWhatIsNew();
// Tests are as short as commands: 0.93 of the processor, in all of Vitest's processes.
for (const flag of OPTIMIZE_LATER) setFlagsFromString(flag);

// Where temporary folders are, also those of the workers and of what they start.
const memory = roomInMemory();
if (memory) process.env.TMPDIR ??= memory;

const lane = (name: string, test: object, more: object = {}) => ({
  extends: true as const,
  ...more,
  test: { name, ...test },
});

/** The compiler's answers are kept. */
const keepCompiled = {
  resolve: { alias: [{ find: /^\.\/sandbox\.ts$/, replacement: resolve("test/support/compiled.ts") }] },
};

/** Files of one worker share the modules: no test changes one for the next. Where one does, it goes to `others`. */
const shared = { isolate: false };

/**
 * The tests that share a server: one by its URL, or the major of an embedded one. `everyCase` where it has all cases of the tests
 * that try a thing at every point; a server beside it has some of each kind.
 */
const onServer = (name: string, provide: { server: string; everyCase: boolean }, test: object) =>
  lane(name, { ...shared, globalSetup: ["test/support/server.ts"], provide, ...test }, keepCompiled);

/** Servers side by side with the first: by a URL all that its version can change, by a major releases and landing. */
const alsoOn = TEST_ALSO_ON.split(" ").filter(Boolean);
const ASKED_OF_ONE_SERVER = [
  // Names and texts are quoted by us, in one way; each product is built whole on every server by the file that has its name.
  "test/**/*names.test.ts",
  "test/products/{*-*,package}.test.ts",
  // What is asked of the package, the programs and PostgreSQL's grammar, not of a server.
  "test/{sql,docs,ingest,export}/**",
  "test/examples.test.ts",
  "test/site/project.test.ts",
  // What a Redis or a browser does beside it.
  "test/serve/redis.test.ts",
  "test/run/interrupted.test.ts",
  "test/cli/{commands,infer,ingest,told}.test.ts",
  "test/proofs/{mutators,truth}.test.ts",
  // What a load reads, asks for and decides before PostgreSQL has a word; how rows come into tables stays.
  "test/land/{csv,days,digits,files,oracle,refresh-tokens,rehearsal}.test.ts",
  // More values, moments and orders for what other files send to every server: each function of src/ that they run, those run, too.
  "test/products/scd2.test.ts",
  "test/library/{counters-runs,scd2-values,slices-values}.test.ts",
  "test/run/{increments,ways}.test.ts",
  // A server sees of a process that is killed that its connection is cut: run/cut asks for that.
  "test/{run,land}/killed.test.ts",
];
/** Of releases and landing those files that together run 95 of 100 functions of all, and what asks a server for its version. */
const releasesAndLanding = [
  ...["environments", "releases", "retire"].map((name) => `test/release/${name}.test.ts`),
  ...["current", "land", "reject", "replay", "retype", "verdict"].map((name) => `test/land/${name}.test.ts`),
  "test/run/run.test.ts",
];

const also = alsoOn.map((server) => {
  const isUrl = server.includes("://");
  return onServer(
    isUrl ? "postgres by URL" : `postgres ${server}`,
    { server, everyCase: false },
    {
      include: isUrl ? files.postgres : releasesAndLanding,
      exclude: ASKED_OF_ONE_SERVER,
    },
  );
});

/**
 * Lane by lane, so that a worker that has read the sources of one goes on with it; what takes long and cannot be divided
 * first, so that no core waits for it at the end.
 */
class LaneByLane extends BaseSequencer {
  override async sort(specifications: TestSpecification[]): Promise<TestSpecification[]> {
    const order = ["fuzz", "others", ...also.map(({ test }) => test.name), "postgres", "quick"];
    const place = ({ project }: TestSpecification) => order.indexOf(project.name);
    return (await super.sort(specifications)).sort((a, b) => place(a) - place(b));
  }
}

export default defineConfig(({ mode }) => {
  // Modes do not reach the projects; what the process has does.
  if (mode === "proof") process.env.PROOF = "whole";
  if (mode === "pictures") process.env.PICTURES = "new";
  const first = TEST_DATABASE_URL || (/^postgres-(\d+)$/.exec(mode)?.[1] ?? "18");
  const whole = { server: first, everyCase: true };
  return {
    test: {
      // What a file is transformed to is kept: for the next lane, and for the next time.
      experimental: { fsModuleCache: true, fsModuleCachePath: resolve("node_modules/.cache/vitest") },
      testTimeout: mode === "proof" ? 3_600_000 : 120_000,
      hookTimeout: 120_000,
      // Two cores: a third test has something to do while two wait for their server; a fourth gained nothing.
      maxWorkers: 3,
      execArgv: [...OPTIMIZE_LATER],
      sequence: { sequencer: LaneByLane },
      ...(VITEST_JSON ? { reporters: ["default", "json"], outputFile: { json: VITEST_JSON } } : {}),
      projects: [
        onServer("fuzz", whole, { include: files.fuzz }),
        lane("others", { include: files.others }),
        ...also,
        onServer("postgres", whole, { include: files.postgres }),
        lane("quick", { ...shared, include: files.quick }, keepCompiled),
      ],
    },
  };
});
