import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from "vitest";
import { missingSchemas } from "./docs/yaml.ts";
import { folder, resetProject } from "./support/embedded.ts";
import { answers, copyOfExample, exampleNames, followReadme, installed } from "./support/example.ts";
import { cloneInto, hasTools, projectWith, root, runs, tool, typeErrors } from "./support/packed.ts";

// Compilers, checkers and npm work for seconds, and share two cores with other tests.
vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

const packagedFunctions = readdirSync(join(root, "src/library"))
  .filter((name) => name.endsWith(".ts"))
  .map((name) => name.replace(".ts", ""));

const { dependencies } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));

let dir: string;
let before: string;
let after: string;
let tarball: string;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), "dataform-packed-"));
  const clone = cloneInto(dir);
  before = readFileSync(join(clone, "package.json"), "utf8");
  const { code, text } = await runs("npm", ["pack", "--silent", "--pack-destination", dir], clone);
  expect([code, text]).toEqual([0, expect.stringMatching(/^dataform-postgres-[\d.]+\.tgz\n$/)]);
  after = readFileSync(join(clone, "package.json"), "utf8");
  tarball = join(dir, text.trim());
});

afterAll(() => rmSync(dir, { recursive: true, force: true }));

test("what is packed has no scripts and nothing that only a clone needs; the clone's package.json is as it was", async () => {
  const packed = await runs("tar", ["-xzOf", tarball, "package/package.json"], dir);
  const { scripts, devDependencies, overrides, allowScripts, ...kept } = JSON.parse(
    readFileSync(join(root, "package.json"), "utf8"),
  );
  expect(JSON.parse(packed.text)).toEqual(kept);
  expect([scripts, devDependencies, overrides, allowScripts]).not.toContain(undefined);
  expect(after).toBe(before);
});

test("a TypeScript project needs Node's types only, for the API, and for packaged functions by import and require", async () => {
  const project = folder();
  const calls = (end: string) => `
    scd2.publish("customers", { from: ["raw", "feed"], key: "id", attributes: { name: "text" } });
    // @ts-expect-error: a key is a name
    scd2.publish("customers", { from: ["raw", "feed"], key: 1, attributes: { name: "text" } });
    // @ts-expect-error: there is no such function
    reconcile.compare();
    ${end}`;
  await projectWith(tarball, project, {
    packages: ["@types/node", ...Object.keys(dependencies)],
    files: {
      "by-import.mts": `
        import { type Client, ingest, run, sql, withClient } from "dataform-postgres";
        import * as scd2 from "dataform-postgres/includes/scd2";
        import { publish } from "dataform-postgres/includes/reconcile";
        import reconcile from "dataform-postgres/includes/reconcile";
        export const read = async (client: Client): Promise<string | null> =>
          (await client.query(sql\`select 1 as a\`)).rows[0]?.a ?? null;
        // @ts-expect-error: SQL is no string
        export const unsafe = (client: Client) => client.query("select 1");
        ${calls("export { ingest, publish, run, withClient };")}`,
      "by-require.cts": `
        import scd2 = require("dataform-postgres/includes/scd2");
        import reconcile = require("dataform-postgres/includes/reconcile");
        ${calls("")}`,
      "every.cts": packagedFunctions
        .map((name, at) => `export import f${at} = require("dataform-postgres/includes/${name}");`)
        .join("\n"),
    },
  });
  const options = { module: "nodenext", target: "es2023", strict: true, noEmit: true, types: ["node"] };
  expect(typeErrors(project, options)).toEqual([]);
});

test.skipIf(!hasTools)("publint, attw and knip have nothing to say (needs test/servers)", async () => {
  expect(await tool("publint", [tarball, "--strict"], dir)).toMatchObject({
    code: 0,
    text: expect.stringContaining("All good!"),
  });
  // A script is a module: what is CommonJS are the packaged functions.
  const entrypoints = [".", ...packagedFunctions.map((name) => `includes/${name}`)];
  const options = ["--profile", "node16", "--ignore-rules", "cjs-resolves-to-esm", "--entrypoints", ...entrypoints];
  expect(await tool("attw", [tarball, ...options], dir)).toMatchObject({ code: 0 });
  expect(await tool("knip", [], root)).toEqual({ code: 0, text: "" });
});

test.skipIf(!hasTools)(
  "an example works where the package is installed, the YAML of each finds the schema, and npm warns of nothing (needs test/servers)",
  async () => {
    let modules: string | undefined;
    for (const name of exampleNames) {
      const project = copyOfExample(name);
      chmodSync(project, 0o755);
      onTestFinished(() => resetProject(project));
      if (modules) symlinkSync(modules, join(project, "node_modules"), "junction");
      else {
        const { code, text } = await runs(
          "npm",
          ["install", tarball, "--prefer-offline", "--no-audit", "--no-fund"],
          project,
        );
        expect([code, text]).toEqual([0, expect.stringMatching(/^\s*added \d+ packages in \S+\s*$/)]);
      }
      modules ??= join(project, "node_modules");
      for (const file of readdirSync(project, { recursive: true, encoding: "utf8" })) {
        if (!/\.ya?ml$/.test(file) || file.startsWith("node_modules")) continue;
        const text = readFileSync(join(project, file), "utf8");
        expect([file, text]).toEqual([file, expect.stringMatching(/^# yaml-language-server: \$schema=/)]);
        expect([file, missingSchemas(join(project, file), text)]).toEqual([file, []]);
      }
      // What the others' READMEs tell to type runs without an installed package, in test/examples.test.ts.
      if (name !== "csv") continue;
      const bin = join(modules, "dataform-postgres/bin/dataform.js");
      expect([name, await followReadme(project, installed(bin, project, { PATH: process.env.PATH }))]).toEqual([
        name,
        answers[name],
      ]);
    }
  },
);
