import { defineConfig } from "vitest/config";

const json = process.env.VITEST_JSON;

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: ["test/support/server.ts"],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // Two cores: more workers only queue for the one PostgreSQL server.
    maxWorkers: 2,
    ...(json ? { reporters: ["default", "json"], outputFile: { json } } : {}),
  },
});
