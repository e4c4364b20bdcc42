import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

const json = process.env.VITEST_JSON;

/** Fuzzers take a minute in CI and are short files, which Vitest puts last on a fresh clone: one core would wait for them. */
class FuzzersFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const isFuzzer = ({ moduleId }: TestSpecification) => moduleId.includes("/test/fuzz/");
    return [...sorted.filter(isFuzzer), ...sorted.filter((file) => !isFuzzer(file))];
  }
}

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: ["test/support/server.ts"],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // Two cores: more workers only queue for the one PostgreSQL server.
    maxWorkers: 2,
    sequence: { sequencer: FuzzersFirst },
    ...(json ? { reporters: ["default", "json"], outputFile: { json } } : {}),
  },
});
