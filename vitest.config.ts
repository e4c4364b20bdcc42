import { resolve } from "node:path";
import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";
import { buildWhatIsNew } from "./test/support/built.ts";
import { filesByLane } from "./test/support/lanes.ts";

const { VITEST_JSON, TEST_DATABASE_URL, TEST_ALSO_ON = "" } = process.env;
const files = filesByLane();
buildWhatIsNew();

const lane = (name: string, test: object, more: object = {}) => ({
  extends: true as const,
  ...more,
  test: { name, ...test },
});

/** The compiler's answers are kept, where it is not what is tested. */
const keepCompiled = {
  resolve: { alias: [{ find: /^\.\/sandbox\.ts$/, replacement: resolve("test/support/compiled.ts") }] },
};

/** Files of one worker share the modules: no test changes one for the next. Where one does, it goes to `others`. */
const shared = { isolate: false };

/** The tests that share a server: one by its URL, or the major of an embedded one. */
const onServer = (name: string, server: string, test: object) =>
  lane(name, { ...shared, globalSetup: ["test/support/server.ts"], provide: { server }, ...test }, keepCompiled);

/** Servers side by side with the first: by a URL all that differs by the server, by a major releases and landing. */
const alsoOn = TEST_ALSO_ON.split(" ").filter(Boolean);
const DIFFER_BY_SCENARIO = [
  "test/products/{*-property,reconciliation-places}.test.ts",
  "test/{sql,docs}/**",
  "test/examples.test.ts",
];
const RELEASES_AND_LANDING = [
  "test/release/*.test.ts",
  "test/run/run.test.ts",
  "test/run/in*.test.ts",
  "test/land/*.test.ts",
];

const also = alsoOn.map((server) =>
  server.includes("://")
    ? onServer("postgres by URL", server, { include: files.postgres, exclude: DIFFER_BY_SCENARIO })
    : onServer(`postgres ${server}`, server, { include: RELEASES_AND_LANDING, exclude: ["test/land/oracle.test.ts"] }),
);

/**
 * Lane by lane, so that a worker that has read the sources of one goes on with it; what takes long and cannot be divided
 * first, so that no core waits for it at the end.
 */
class LaneByLane extends BaseSequencer {
  override async sort(specifications: TestSpecification[]): Promise<TestSpecification[]> {
    const order = ["fuzz", "others", ...also.map(({ test }) => test.name), "postgres", "compiler", "quick"];
    const place = ({ project }: TestSpecification) => order.indexOf(project.name);
    return (await super.sort(specifications)).sort((a, b) => place(a) - place(b));
  }
}

export default defineConfig(({ mode }) => {
  const first = TEST_DATABASE_URL || (/^postgres-(\d+)$/.exec(mode)?.[1] ?? "18");
  return {
    test: {
      testTimeout: 60_000,
      hookTimeout: 60_000,
      // Two cores: a third test has something to do while two wait for their server; a fourth gained nothing.
      maxWorkers: 3,
      sequence: { sequencer: LaneByLane },
      ...(VITEST_JSON ? { reporters: ["default", "json"], outputFile: { json: VITEST_JSON } } : {}),
      projects: [
        onServer("fuzz", first, { include: files.fuzz }),
        lane("others", { include: files.others }),
        ...also,
        onServer("postgres", first, { include: files.postgres }),
        lane("compiler", { ...shared, include: files.compiler }),
        lane("quick", { ...shared, include: files.quick }, keepCompiled),
      ],
    },
  };
});
