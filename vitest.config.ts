import { resolve } from "node:path";
import { setFlagsFromString } from "node:v8";
import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";
import { OPTIMIZE_LATER } from "./src/model/optimizing.ts";
import { asBuilt, buildWhatIsNew } from "./test/support/built.ts";
import { ASKED_OF_ONE_SERVER, askedOfMajor, filesByLane } from "./test/support/lanes.ts";
import { roomInMemory } from "./test/support/room-in-memory.ts";

const { VITEST_JSON, TEST_DATABASE_URL, TEST_ALSO_ON = "" } = process.env;
const files = filesByLane();
buildWhatIsNew();
// Tests are as short as commands: 0.93 of the processor, in all of Vitest's processes.
for (const flag of OPTIMIZE_LATER) setFlagsFromString(flag);

// Where temporary folders are, also those of the workers and of what they start.
const memory = roomInMemory();
if (memory) process.env.TMPDIR ??= memory;

const lane = (name: string, test: object) => ({
  extends: true as const,
  plugins: [asBuilt],
  test: { name, server: { deps: { external: [/\/dist\//] } }, ...test },
});

/** The compiler's answers are kept, and it goes on from one project to the next. */
const keepCompiled = { setupFiles: ["test/support/compiled.ts"] };

/** Files of one worker share the modules: no test changes one for the next. Where one does, it goes to `others`. */
const shared = { isolate: false };

/**
 * The tests that share a server: one by its URL, or the major of an embedded one. `everyCase` where it has all cases of the tests
 * that try a thing at every point; a server beside it has some of each kind.
 */
const onServer = (name: string, provide: { server: string; everyCase: boolean }, test: object) =>
  lane(name, { ...shared, ...keepCompiled, globalSetup: ["test/support/server.ts"], provide, ...test });

/**
 * Servers side by side with the first: by a URL all that its version can change, by a major releases and landing; where `everything`
 * is asked, all of each.
 */
const alsoOn = (everything: boolean) =>
  TEST_ALSO_ON.split(" ")
    .filter(Boolean)
    .map((server) => {
      const isUrl = server.includes("://");
      const include = isUrl || everything ? files.postgres : askedOfMajor(server);
      const exclude = everything ? [] : ASKED_OF_ONE_SERVER;
      return onServer(
        isUrl ? "postgres by URL" : `postgres ${server}`,
        { server, everyCase: everything },
        { include, exclude },
      );
    });

/**
 * Lane by lane, so that a worker that has read the sources of one goes on with it; what takes long and cannot be divided
 * first, so that no core waits for it at the end.
 */
const ENDS = ["fuzz", "others", "postgres", "quick"];

class LaneByLane extends BaseSequencer {
  override async sort(specifications: TestSpecification[]): Promise<TestSpecification[]> {
    const between = [...new Set(specifications.map(({ project }) => project.name))].filter(
      (name) => !ENDS.includes(name),
    );
    const order = ["fuzz", "others", ...between.sort(), "postgres", "quick"];
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
      // What is waited for comes, however loaded the machine is: a second, as Vitest has it, judges the machine.
      expect: { poll: { timeout: 60_000 } },
      // Two cores: others have something to do while two wait for their server, or for a moment to come.
      maxWorkers: 4,
      // What a test has made lives as long as the test: collected less often, more of it is gone.
      execArgv: [...OPTIMIZE_LATER, "--min-semi-space-size=16", "--max-semi-space-size=64"],
      sequence: { sequencer: LaneByLane },
      ...(VITEST_JSON ? { reporters: ["default", "json"], outputFile: { json: VITEST_JSON } } : {}),
      projects: [
        onServer("fuzz", whole, { include: files.fuzz }),
        lane("others", { include: files.others }),
        ...alsoOn(mode === "both"),
        onServer("postgres", whole, { include: files.postgres }),
        lane("quick", { ...shared, ...keepCompiled, include: files.quick }),
      ],
    },
  };
});
