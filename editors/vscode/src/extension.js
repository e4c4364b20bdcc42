// The client of `dataform lsp`: one for each project that is open, started from the project's own packages.

const { existsSync, readFileSync } = require("node:fs");
const path = require("node:path");
const { window, workspace, RelativePattern, Uri } = require("vscode");
const { LanguageClient } = require("vscode-languageclient/node");

const PROJECT_FILES = "**/{dataform.json,workflow_settings.yaml}";
const LANGUAGES = ["sqlx", "javascript", "yaml"];

/** Folder of a project → its client. */
const clients = new Map();

exports.activate = async function activate(context) {
  const watcher = workspace.createFileSystemWatcher(PROJECT_FILES, false, true, false);
  context.subscriptions.push(
    watcher,
    watcher.onDidCreate((file) => start(path.dirname(file.fsPath))),
    watcher.onDidDelete((file) => stop(path.dirname(file.fsPath))),
    workspace.onDidChangeConfiguration(async (change) => {
      if (!change.affectsConfiguration("dataform")) return;
      for (const folder of [...clients.keys()]) {
        await stop(folder);
        await start(folder);
      }
    }),
  );
  const found = await workspace.findFiles(PROJECT_FILES, "**/node_modules/**");
  await Promise.all([...new Set(found.map((file) => path.dirname(file.fsPath)))].map(start));
};

exports.deactivate = () => Promise.all([...clients.keys()].map(stop));

async function start(folder) {
  if (clients.has(folder) || folder.split(path.sep).includes("node_modules")) return;
  const program = programOf(folder);
  if (!program) {
    window.showWarningMessage(
      `Dataform: ${folder} has no dataform-postgres in its node_modules. Run npm install there, and reload.`,
    );
    return;
  }
  const settings = workspace.getConfiguration("dataform", Uri.file(folder));
  const args = [program, "lsp", "--stdio", ...settings.get("arguments", [])];
  const client = new LanguageClient(
    "dataform",
    `Dataform (${path.basename(folder)})`,
    { command: settings.get("node", "node"), args, options: { cwd: folder } },
    {
      documentSelector: LANGUAGES.map((language) => ({
        scheme: "file",
        language,
        pattern: new RelativePattern(Uri.file(folder), "**/*"),
      })),
      synchronize: {
        fileEvents: workspace.createFileSystemWatcher(
          new RelativePattern(Uri.file(folder), "{definitions,includes,ingest,dashboards,serve}/**"),
        ),
      },
    },
  );
  clients.set(folder, client);
  try {
    await client.start();
  } catch (error) {
    clients.delete(folder);
    window.showErrorMessage(`Dataform: ${error.message}. Its output says why.`);
  }
}

async function stop(folder) {
  const client = clients.get(folder);
  clients.delete(folder);
  await client?.dispose();
}

/** The command line that the project has, in its folder or in one above it; of this package's own repository its own. */
function programOf(folder) {
  for (let at = folder; ; at = path.dirname(at)) {
    const program = path.join(at, "node_modules", "dataform-postgres", "bin", "dataform.js");
    if (existsSync(program)) return program;
    if (isItself(at)) return path.join(at, "bin", "dataform.js");
    if (at === path.dirname(at)) return undefined;
  }
}

function isItself(folder) {
  try {
    return JSON.parse(readFileSync(path.join(folder, "package.json"), "utf8")).name === "dataform-postgres";
  } catch {
    return false;
  }
}
