import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { connectionUrl, parseConnectionUrl, script, startEmbedded, withClient } from "dataform-postgres";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { testDatabase } from "../support/database.ts";
import { resetProject } from "../support/embedded.ts";
import { uniquePrefix } from "../support/roles.ts";
import { type Place, runLine, shows } from "./commands.ts";
import { given } from "./given.ts";
import { type Block, blocksOf, pages, root } from "./markdown.ts";
import { missingSchemas, wrongInYaml } from "./yaml.ts";

// Every page is taken at its word: its files make a project, its commands and statements run there in their order, on a
// database of its own, and what it shows of their output is compared. README's and of what it leaves there are on the server
// that comes along, as a new user runs them.

interface Project extends Place {
  /** The URL of its database, once there is one. */
  url(): Promise<string>;
  end(): Promise<void>;
}

const LONG_AGO = new Date("2026-01-01");

const open: Project[] = [];
/** The repository, with marketing landed and published by what README shows. */
let clone: Project;

beforeAll(async () => {
  const dir = folder((dir) => {
    for (const name of [
      "dashboards",
      "definitions",
      "includes",
      "ingest",
      "src",
      "dist",
      "package.json",
      "dataform.json",
      "schedules.yaml",
      "tsconfig.json",
    ])
      symlinkSync(join(root, name), join(dir, name));
  });
  // Its server has a user of its own, who must get in.
  chmodSync(dir, 0o755);
  const stateDir = join(dir, ".dataform");
  const url = async () => connectionUrl(await startEmbedded(stateDir), { password: true });
  clone = { dir, env: {}, url, end: () => resetProject(dir) };
  open.push(clone);
});

afterAll(async () => {
  for (const { dir, end } of open) {
    await end();
    rmSync(dir, { recursive: true, force: true });
  }
  await dropRoles();
});

function folder(fill: (dir: string) => void): string {
  const dir = mkdtempSync(join(tmpdir(), "docs-"));
  mkdirSync(join(dir, "node_modules/.bin"), { recursive: true });
  symlinkSync(root, join(dir, "node_modules/dataform-postgres"));
  symlinkSync(join(root, "bin/dataform.js"), join(dir, "node_modules/.bin/dataform"));
  fill(dir);
  return dir;
}

async function project(fill: (dir: string) => void): Promise<Project> {
  const dir = folder(fill);
  const { url, drop } = await testDatabase();
  const made = { dir, env: { DATABASE_URL: url }, url: async () => url, end: drop };
  open.push(made);
  return made;
}

function write(dir: string, path: string, text: string): void {
  mkdirSync(dirname(join(dir, path)), { recursive: true });
  writeFileSync(join(dir, path), text);
  // No load waits to see whether it still grows.
  utimesSync(join(dir, path), LONG_AGO, LONG_AGO);
}

/** Roles belong to the whole server: those of the page that makes some have a prefix of their own. */
const prefix = uniquePrefix();
const ownNames = (text: string) => text.replaceAll(/\bdf(?=_|\b)/g, prefix);

async function dropRoles(): Promise<void> {
  await withClient(parseConnectionUrl(inject("serverUrl"), "test"), {}, async (client) => {
    for (const duty of ["loader", "builder", "publisher", "reader"])
      await client.script(script(`drop role if exists ${prefix}_${duty}`));
  });
}

const notMeantToRun = new Set(["text"]);
const tested = pages().filter((page) => blocksOf(page).some(({ language }) => !notMeantToRun.has(language)));

test.each(tested)("%s is true", { timeout: 600_000 }, async (page) => {
  const { files = {}, inClone, newDatabase, before = [] } = given[page] ?? {};
  const blocks = blocksOf(page).map((block) => ({ ...block, text: ownNames(block.text) }));
  const own = await project((dir) => {
    for (const [path, text] of Object.entries(files)) write(dir, path, text);
    // What several blocks are, the first one is.
    for (const { file, text } of blocks.toReversed()) if (file) write(dir, file, text);
  });
  if (newDatabase) own.env.NEW_DATABASE_URL = await (await project(() => {})).url();
  let place = inClone === "from the start" ? clone : own;
  // A script of a page connects by itself.
  if (place === clone) clone.env.DATABASE_URL ??= await clone.url();
  const wrong: string[] = [];
  for (const line of before) wrong.push(...(await ran(line, place)));
  for (const block of blocks) {
    if (block.notRun !== undefined) continue;
    if (inClone && inClone !== "from the start" && block.text.includes(inClone)) place = clone;
    for (const message of await check(block, place)) wrong.push(`${page}:${block.line}: ${message}`);
  }
  if (blocks.some(({ language, notRun }) => (language === "sqlx" || language === "js") && notRun === undefined))
    wrong.push(...(await ran("npx dataform compile", own)));
  expect(wrong).toEqual([]);
});

/** What is wrong with a block. */
async function check(block: Block, place: Project): Promise<readonly string[]> {
  switch (block.language) {
    case "sh": {
      if (/^pg_dump /m.test(block.text) && !(await canDump(place))) return [];
      const lines = block.text.split("\n").map((line) => line.replace(/(?:^|\s+)# .*$/, "").trim());
      const wrong: string[] = [];
      for (const line of lines.filter(Boolean)) wrong.push(...(await ran(line, place)));
      return wrong;
    }
    case "console":
      return shown(block.text, place);
    case "sql":
      return attempt(async () =>
        withClient(parseConnectionUrl(await place.url(), "test"), {}, async (client) => {
          await client.script(script("begin"));
          await client.script(script(block.text));
          await client.script(script("rollback"));
        }),
      );
    case "json":
      return attempt(() => JSON.parse(block.text));
    case "yaml":
      return [
        ...wrongInYaml(block.text),
        ...(block.file ? missingSchemas(join(place.dir, block.file), block.text) : []).map((path) => `no ${path}`),
      ];
    case "ts":
      write(place.dir, "script.ts", block.text);
      return ran("npx tsx script.ts", place);
    // With the project, below.
    case "sqlx":
    case "js":
      return block.file ? [] : ["no paragraph before it says which file of a project it is"];
    default:
      return [];
  }
}

/** Whether there is a pg_dump, and not an older one than the server. */
async function canDump({ dir, env, url }: Project): Promise<boolean> {
  const { exitCode, output } = await runLine("pg_dump --version", { dir, env });
  const { rows } = await withClient(parseConnectionUrl(await url(), "test"), {}, (client) =>
    client.query<{ major: string }>(script("select current_setting('server_version_num')::int / 10000 as major")),
  );
  return exitCode === 0 && Number(/\d+/.exec(output)?.[0]) >= Number(rows[0]!.major);
}

/** Commands of npm are looked up; all others run. */
async function ran(line: string, place: Project): Promise<readonly string[]> {
  if (/^npm /.test(line)) return unknownScripts(line);
  const { exitCode, output } = await runLine(line, place);
  return exitCode === 0 ? [] : [`${line} ended with ${exitCode}: ${output.slice(-2000)}`];
}

/** Each command of a block with what is shown below it. */
async function shown(text: string, place: Project): Promise<readonly string[]> {
  const wrong: string[] = [];
  for (const part of text.split(/^(?=\$ (?!dataform ))/m)) {
    const [command = "", ...lines] = part.split("\n");
    const { exitCode, output } = await runLine(command.slice(2), place);
    if (exitCode !== 0 || !shows(lines.join("\n"), output)) wrong.push(`${command} ended with ${exitCode}:\n${output}`);
  }
  return wrong;
}

async function unknownScripts(line: string): Promise<readonly string[]> {
  const { scripts } = (await import("../../package.json", { with: { type: "json" } })).default;
  const names = [...line.matchAll(/\bnpm (?:run(?: -s)? )?([\w:-]+)/g)].map(([, name = ""]) => name);
  const known = new Set([...Object.keys(scripts), "ci", "cit", "install", "init", "pack"]);
  return names.filter((name) => !known.has(name)).map((name) => `package.json has no script ${name}`);
}

async function attempt(work: () => unknown): Promise<readonly string[]> {
  try {
    await work();
    return [];
  } catch (error) {
    return [String(error)];
  }
}
