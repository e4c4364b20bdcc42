import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize, relative } from "node:path";
import { Command } from "commander";
import { expect, test } from "vitest";
import { addCommand, commands } from "../../src/cli/commands.ts";
import { adviceForHabit } from "../../src/cli/habits.ts";
import type { Shell } from "../../src/cli/shell.ts";
import { anchorsOf, blocksOf, linksOf, pages, readPage, root } from "./markdown.ts";

const { files } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { files: string[] };

test.each(pages())("every link of %s leads somewhere, in the package too", (page) => {
  const packed = isPacked(page);
  const wrong = linksOf(page).filter((link) => {
    if (/^[a-z]+:/.test(link)) return false;
    const [path = "", anchor] = link.split("#");
    const target = path === "" ? page : normalize(join(dirname(page), path));
    // Pictures are for where pages are drawn: without them the package is a fifth smaller.
    if (!existsSync(join(root, target)) || (packed && !isPacked(target) && !/\.png$/.test(target))) return true;
    return anchor !== undefined && !anchorsOf(target).has(anchor);
  });
  expect(wrong).toEqual([]);
});

test.each([
  ["docs/architecture.md", 40],
  ["docs/decisions.md", 12],
])("every path that %s names is there", (page, fewest) => {
  const spans = [...readPage(page).matchAll(/`([\w./-]+(?:\/|\.(?:ts|cjs|sqlx|md)))`/g)];
  const paths = spans.map(([, path = ""]) => path).filter((path) => path.includes("/"));
  const missing = paths.filter(
    (path) =>
      ![
        "",
        "src",
        "src/sources",
        "src/sources/formats",
        "src/land",
        "src/library",
        "src/postgres",
        "src/schemas",
        "src/cli",
      ].some((at) => existsSync(join(root, at, path))),
  );
  expect(paths.length).toBeGreaterThan(fewest);
  expect(missing).toEqual([]);
});

test("every decision stands under a subject, has a heading of its own and begins with its date", () => {
  const page = readPage("docs/decisions.md");
  const decisions = [...page.matchAll(/^### (.*)\n+(.*)$/gm)];
  expect(page.indexOf("\n## ")).toBeLessThan(page.indexOf("\n### "));
  expect(
    decisions.filter(([, , text = ""]) => !/^2\d{3}-\d\d-\d\d\. \S/.test(text)).map(([, heading]) => heading),
  ).toEqual([]);
  expect(new Set(decisions.map(([, heading]) => heading)).size).toBe(decisions.length);
});

test("the architecture names every folder of src/, and every file of the rooms that it tells file by file", () => {
  const page = readPage("docs/architecture.md");
  const folders = readdirSync(join(root, "src"), { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isDirectory())
    .map(({ parentPath, name }) => relative(join(root, "src"), join(parentPath, name)));
  // A folder inside of a room stands in the room's line by its own name.
  const isNamed = (folder: string) =>
    [folder, folder.split("/").at(-1)!].some((name) => new RegExp(`(?<![\\w-])${name}/`).test(page));
  expect(folders.filter((folder) => !isNamed(folder))).toEqual([]);
  const rows = [...page.slice(page.indexOf("| room | file by file |")).matchAll(/^\| `([\w/]+)\/` \| (.*) \|$/gm)];
  expect(rows.length).toBeGreaterThan(10);
  for (const [, room = "", text = ""] of rows) {
    const named = [...text.matchAll(/`([\w-]+\.(?:ts|cjs))`/g)].map(([, name = ""]) => name);
    const there = readdirSync(join(root, "src", room)).filter((name) => /\.(?:ts|cjs)$/.test(name));
    expect([room, named.sort()]).toEqual([room, there.sort()]);
  }
});

test("every term of the glossary is a word of the code, in alphabetical order", () => {
  const code = readdirSync(join(root, "src"), { withFileTypes: true, recursive: true })
    .filter((entry) => /\.(?:ts|cjs)$/.test(entry.name))
    .map(({ parentPath, name }) => readFileSync(join(parentPath, name), "utf8"))
    .join("\n");
  for (const section of readPage("docs/glossary.md").split("\n## ").slice(1)) {
    const terms = [...section.matchAll(/^\| ([^|]+) \| [A-Z]/gm)].map(([, term = ""]) => term);
    expect(terms.length).toBeGreaterThan(5);
    expect(terms).toEqual([...terms].sort());
    const words = terms.flatMap((term) => term.split(", "));
    const unused = words.filter((word) => !new RegExp(`\\b${word.replaceAll(/[ -]/g, "[\\s_-]?")}`, "i").test(code));
    expect(unused).toEqual([]);
  }
});

test("the model that the README begins with is the mart of the project that docs/start.md makes", () => {
  const model = (page: string) => blocksOf(page).find(({ file }) => file === "definitions/revenue.sqlx");
  expect(model("README.md")).toBeDefined();
  expect(model("README.md")!.text).toBe(model("docs/start.md")!.text);
});

test.each([
  ["docs/from-dbt.md", "dbt"],
  ["docs/from-sqlmesh.md", "sqlmesh"],
])("whoever types a command or a flag that %s translates meets it, or is told what it is here", async (page, tool) => {
  const program = new Command();
  await addCommand(program, "run", { env: {} } as Shell);
  const flags = program.commands[0]!.options.flatMap(({ short, long }) =>
    [short, long].filter((one) => one !== undefined),
  );
  const cells = readPage(page)
    .split("## Commands")[1]!
    .split(/^## (?!Flags)/m)[0]!
    .matchAll(/^\| ([^|]*) \|/gm);
  const words = [...cells].flatMap(([, cell = ""]) => [
    ...cell.matchAll(new RegExp(`\`(?:${tool} (\\w+)|(--?[\\w-]+))`, "g")),
  ]);
  const untold = words.filter(([, command, flag]) => {
    if (command !== undefined)
      return !isCommand(command) && adviceForHabit(`unknown command '${command}'`) === undefined;
    return !flags.includes(flag!) && adviceForHabit(`unknown option '${flag}'`) === undefined;
  });
  expect(words.length).toBeGreaterThan(20);
  expect(untold.map(([word]) => word)).toEqual([]);
});

const isCommand = (word: string) => [...commands].some(([name, { alias }]) => word === name || word === alias);

test("every block says what it is written in", () => {
  const unknown = pages().flatMap((page) =>
    blocksOf(page)
      .filter(
        ({ language }) =>
          !["sh", "console", "text", "sql", "sqlx", "js", "ts", "json", "yaml", "ini", "dockerfile"].includes(language),
      )
      .map(({ line }) => `${page}:${line}`),
  );
  expect(unknown).toEqual([]);
});

test("few blocks are not run, and each says why", () => {
  const notRun = pages().flatMap((page) => blocksOf(page).filter((block) => block.notRun !== undefined));
  expect(notRun.every(({ notRun = "" }) => notRun.length > 10)).toBe(true);
  // those that name another test are run by it
  expect(notRun.filter(({ notRun = "" }) => !notRun.startsWith("by test/")).length).toBeLessThanOrEqual(10);
});

/** Whether the tarball has it: what `files` lists, and what npm always packs. */
function isPacked(path: string): boolean {
  const isIn = (one: string) => path === one || path.startsWith(`${one}/`);
  if (files.some((one) => one.startsWith("!") && isIn(one.slice(1)))) return false;
  return [...files, "package.json", "README.md", "LICENSE"].some(isIn);
}
