import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: ["test/support/server.ts"],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // Two cores: more workers only queue for the one PostgreSQL server.
    maxWorkers: 2,
  },
});
