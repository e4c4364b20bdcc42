// Packages editors/vscode as a .vsix: its own packages, its tests, its bundle, and then what is in the package.
import { execFileSync } from "node:child_process";
import { copyFileSync, readFileSync } from "node:fs";
import { builtinModules } from "node:module";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");
const folder = join(root, "editors/vscode");
const VSIX = "dataform-postgres.vsix";

const IN_IT = [
  "extension/LICENSE.txt",
  "extension/dist/extension.js",
  "extension/language-configuration.json",
  "extension/package.json",
  "extension/readme.md",
  "extension/syntaxes/sqlx.tmLanguage.json",
];

const npm = (...args) => execFileSync("npm", args, { cwd: folder, stdio: "inherit" });

npm("ci", "--ignore-scripts", "--no-fund", "--no-audit");
npm("test");
copyFileSync(join(root, "LICENSE"), join(folder, "LICENSE.txt"));
npm("run", "package");
const found = namesIn(readFileSync(join(folder, VSIX))).filter((name) => name.startsWith("extension/"));
if (found.sort().join() !== IN_IT.join())
  throw new Error(`the package has ${found.join(", ")}, and should have ${IN_IT.join(", ")}`);
const bundle = readFileSync(join(folder, "dist/extension.js"), "utf8");
const asked = [...bundle.matchAll(/\brequire\("([^"]+)"\)/g)].map(([, name]) => name.replace(/^node:/, ""));
const others = asked.filter((name) => name !== "vscode" && !builtinModules.includes(name));
if (others.length) throw new Error(`the bundle asks for ${others.join(", ")}, which are not in it`);
process.stdout.write(`${join(folder, VSIX)}\n`);

/** Names of the files in a ZIP archive, by its directory. */
function namesIn(zip) {
  const names = [];
  for (let at = zip.readUInt32LE(zip.lastIndexOf("PK\x05\x06") + 16); zip.readUInt32LE(at) === 0x02014b50; ) {
    const [name, extra, comment] = [28, 30, 32].map((field) => zip.readUInt16LE(at + field));
    names.push(zip.toString("utf8", at + 46, at + 46 + name));
    at += 46 + name + extra + comment;
  }
  return names;
}
