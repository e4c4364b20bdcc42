// Packages that what is shipped is made of, and that nobody installs with it, become a part of dist/.
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = new URL("../", import.meta.url);
if (!existsSync(new URL("node_modules/echarts/package.json", root))) {
  process.stderr.write("echarts is not installed: `npm install` first\n");
  process.exit(1);
}
const { version } = createRequire(import.meta.url)("echarts/package.json");
await build({
  absWorkingDir: fileURLToPath(root),
  entryPoints: ["src/charts/draw.ts"],
  outfile: "dist/charts/draw.js",
  allowOverwrite: true,
  bundle: true,
  minify: true,
  format: "esm",
  legalComments: "eof",
  banner: { js: `/* Apache ECharts ${version}, Apache-2.0, https://echarts.apache.org */` },
  logLevel: "warning",
});

// Fastify brings packages that ask for a later Node than it needs itself, for what no server does. Our own modules stay beside it:
// an error of theirs must be the one that everybody else knows.
const { version: fastify } = createRequire(import.meta.url)("fastify/package.json");
await build({
  absWorkingDir: fileURLToPath(root),
  entryPoints: ["dist/serve/server.js"],
  outfile: "dist/serve/server.js",
  allowOverwrite: true,
  bundle: true,
  minify: true,
  platform: "node",
  format: "esm",
  // The last is for tests of who writes plugins, and is loaded by them.
  external: ["./api/*", "./certificate.js", "../model/*", "../postgres/*", "../wait/*", "light-my-request"],
  legalComments: "eof",
  banner: {
    js: `/* Fastify ${fastify} and @fastify/cors, MIT, https://fastify.dev */
import { createRequire as requireOf } from "node:module";
const require = requireOf(import.meta.url);`,
  },
  logLevel: "warning",
});
