import { mkdirSync, readFileSync, symlinkSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { runInThisContext } from "node:vm";
import { expect, test } from "vitest";
import { testProject } from "../support/project.ts";

// The extension of VS Code, as its editor runs it: with stand-ins for the editor and for the client of its library. `npm run
// extension` tests its grammar and packages it.

const root = resolve(import.meta.dirname, "../..");
const folder = join(root, "editors/vscode");
const readJson = (...path: string[]) => JSON.parse(readFileSync(join(...path), "utf8"));

interface Started {
  readonly command: string;
  readonly args: readonly string[];
  readonly options: { readonly cwd: string };
}

/** What the extension does in an editor that has these projects open. */
async function opened(projects: readonly string[], settings: Readonly<Record<string, unknown>> = {}) {
  const started: Started[] = [];
  const warned: string[] = [];
  let disposed = 0;
  const event = () => ({ dispose: () => {} });
  const watcher = () => ({ ...event(), onDidCreate: event, onDidDelete: event });
  const vscode = {
    window: {
      showWarningMessage: (text: string) => warned.push(text),
      showErrorMessage: (text: string) => warned.push(text),
    },
    workspace: {
      createFileSystemWatcher: watcher,
      onDidChangeConfiguration: event,
      findFiles: async () => projects.map((dir) => ({ fsPath: join(dir, "dataform.json") })),
      getConfiguration: () => ({ get: (name: string, otherwise: unknown) => settings[name] ?? otherwise }),
    },
    RelativePattern: class {},
    Uri: { file: (path: string) => ({ path }) },
  };
  class LanguageClient {
    constructor(_id: string, _name: string, how: Started) {
      started.push(how);
    }
    async start() {}
    async dispose() {
      disposed++;
    }
  }
  const node = createRequire(join(folder, "src/extension.js"));
  const loaded = (name: string) =>
    name === "vscode" ? vscode : name === "vscode-languageclient/node" ? { LanguageClient } : node(name);
  const module = { exports: {} as { activate(context: object): Promise<void>; deactivate(): Promise<void> } };
  const code = readFileSync(join(folder, "src/extension.js"), "utf8");
  runInThisContext(`(function (require, module, exports) {${code}\n})`)(loaded, module, module.exports);
  await module.exports.activate({ subscriptions: [] });
  await module.exports.deactivate();
  return { started, warned, disposed };
}

test("each project that is open is asked by its own dataform, with the Node.js and the flags that are set", async () => {
  const own = testProject({});
  mkdirSync(join(own.dir, "node_modules"));
  symlinkSync(root, join(own.dir, "node_modules/dataform-postgres"));
  const without = testProject({});
  const { started, warned, disposed } = await opened([own.dir, root, without.dir], {
    node: "/opt/node",
    arguments: ["--schema-suffix=dev"],
  });
  expect(started).toEqual([
    {
      command: "/opt/node",
      args: [join(own.dir, "node_modules/dataform-postgres/bin/dataform.js"), "lsp", "--stdio", "--schema-suffix=dev"],
      options: { cwd: own.dir },
    },
    {
      command: "/opt/node",
      args: [join(root, "bin/dataform.js"), "lsp", "--stdio", "--schema-suffix=dev"],
      options: { cwd: root },
    },
  ]);
  expect(warned).toEqual([expect.stringContaining(`${without.dir} has no dataform-postgres`)]);
  expect(disposed).toBe(2);
});

test("what its manifest names is there, its version is the program's, and the package of npm does not carry it", () => {
  const manifest = readJson(folder, "package.json");
  const { version, files } = readJson(root, "package.json");
  expect(manifest.version).toBe(version);
  const [language] = manifest.contributes.languages;
  const [grammar] = manifest.contributes.grammars;
  expect(readJson(folder, grammar.path).scopeName).toBe(grammar.scopeName);
  expect(readJson(folder, language.configuration).comments.lineComment).toBe("--");
  const asked = [...readFileSync(join(folder, "src/extension.js"), "utf8").matchAll(/get\("(\w+)"/g)].map(
    ([, name]) => `dataform.${name}`,
  );
  expect(asked.sort()).toEqual(Object.keys(manifest.contributes.configuration.properties).sort());
  expect(files.filter((path: string) => path.startsWith("editors"))).toEqual([]);
});
