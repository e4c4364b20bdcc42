import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { type CompileOptions, compile } from "../../src/compile/compile.ts";
import { type ProjectFiles, testProject } from "../support/project.ts";

// What a project's code says is kept, and said again without running it. So that a test sees which of the two it was, what is kept is
// spoilt by hand: whoever takes it says so.

const SPOILT = "nothing was read";

const FILES: ProjectFiles = {
  "package.json": '{ "name": "shop" }',
  "includes/words.js": 'module.exports = { word: require("./parts").word };',
  "includes/parts.js": 'module.exports = { word: "a word" };',
  "names.json": '{ "name": "a name" }',
  "lib/index.js": 'module.exports = "a folder";',
  "lists/one.txt": "one",
  "node_modules/unit/package.json": '{ "name": "unit", "main": "first.js" }',
  "node_modules/unit/first.js": 'module.exports = "first";',
  "node_modules/unit/second.js": 'module.exports = "second";',
  "definitions/model.sqlx": `config { type: "table" }
js {
  const fs = require("fs");
  const here = dataform.projectConfig.vars;
  const said = [words.word, require("names.json").name, require("./../lib"), require("unit")].join();
  const read = [fs.readFileSync("lists/one.txt", "utf8"), fs.readdirSync("lists").join("+"), fs.existsSync("lists/two.txt")].join();
}
select '\${said}' as said, '\${read}' as read, '\${here.word}' as given`,
};

/** A project that was compiled once, and what is kept of it. */
async function compiledOnce(files: ProjectFiles = FILES, options: CompileOptions = {}) {
  const project = testProject({ ...files });
  const keepIn = join(project.dir, ".dataform/compiled");
  const kept = () => {
    try {
      return readdirSync(keepIn).filter((name) => name.endsWith(".json"));
    } catch {
      return [];
    }
  };
  const query = async (asked: CompileOptions = {}) => {
    const { actions } = await compile(project.dir, { vars: { word: "x" }, ...options, ...asked });
    return actions.map((action) => ("query" in action ? JSON.stringify(action.query) : action.kind)).join("\n");
  };
  const again = (asked: CompileOptions = {}) => query({ keepIn, ...asked });
  const first = await again();
  for (const name of kept()) {
    const text = readFileSync(join(keepIn, name), "utf8");
    writeFileSync(join(keepIn, name), text.replaceAll("select '", `select '${SPOILT}', '`));
  }
  return { project, keepIn, kept, query, again, first };
}

test("a project that is what it was is not compiled again, and what it printed is printed again", async () => {
  const printing = { ...FILES, "includes/hello.js": 'console.log("hello");' };
  const { again, kept } = await compiledOnce(printing);
  expect(kept()).toHaveLength(1);
  let printed = "";
  const onPrinted = (text: string) => {
    printed += text;
  };
  expect(await again({ onPrinted })).toContain(SPOILT);
  expect(printed).toBe("hello\n");
});

describe("what its code has found may change, and it is compiled again:", () => {
  const changes: Readonly<Record<string, ProjectFiles>> = {
    "a model": { "definitions/model.sqlx": "config { type: \"table\" }\nselect 'new' as said" },
    "one model more": { "definitions/other.sqlx": 'config { type: "view" }\nselect 1 as id' },
    "an include": { "includes/words.js": 'module.exports = { word: "another" };' },
    "what an include requires": { "includes/parts.js": 'module.exports = { word: "another" };' },
    "an include more": { "includes/more.js": "module.exports = {};" },
    "a JSON file": { "names.json": '{ "name": "another" }' },
    "a file in a folder that a name means": { "lib/index.js": 'module.exports = "another";' },
    "a file that a name means first": { "lib.js": 'module.exports = "a file";' },
    "which file of a folder its name means": { "lib/package.json": '{ "main": "other" }', "lib/other.js": "" },
    "a package's file": { "node_modules/unit/first.js": 'module.exports = "another";' },
    "which file a package means": { "node_modules/unit/package.json": '{ "name": "unit", "main": "second.js" }' },
    "a package that is nearer": { "definitions/node_modules/unit/index.js": 'module.exports = "nearer";' },
    "a file that is read": { "lists/one.txt": "another" },
    "what there is in a folder": { "lists/three.txt": "" },
    "whether a file is there": { "lists/two.txt": "" },
    "a setting": {
      "dataform.json": '{ "warehouse": "postgres", "defaultSchema": "another" }',
    },
    "a seed": { "seeds/countries.csv": "code\nde\n" },
    "a raw table": {
      "ingest/shop.yaml":
        'version: 1\nsource: shop\nfiles: { at: data }\nstreams: [{ name: v, files: "v*", format: csv, table: v, recordSchema: { type: object, properties: { id: { type: integer } } } }]\n',
    },
  };
  test.each(Object.entries(changes))("%s", async (_name, files) => {
    const { project, query, again } = await compiledOnce();
    project.write(files);
    const now = await query();
    expect(await again()).toBe(now);
    expect(now).not.toContain(SPOILT);
  });

  test("a file that is gone", async () => {
    const { project, again } = await compiledOnce();
    project.remove("names.json");
    await expect(again()).rejects.toThrow("names.json");
  });

  test("a variable or a schema that is given", async () => {
    const { again, kept } = await compiledOnce();
    expect(await again({ vars: { word: "y" } })).toContain("'y' as given");
    expect(await again({ schemaSuffix: "dev" })).not.toContain(SPOILT);
    expect(kept()).toHaveLength(3);
    expect(await again()).toContain(SPOILT);
  });
});

describe("what may be otherwise next time is asked for every time:", () => {
  const asked = [
    "Date.now()",
    "new Date()",
    "new (new Date(0).constructor)()",
    "Date()",
    "Math.random()",
    "performance.now()",
    "process.hrtime()",
    "process.pid",
    "process.memoryUsage()",
    "new Intl.DateTimeFormat().format()",
    'require("crypto").randomUUID()',
    'require("node:crypto").randomBytes(4)',
    "crypto.randomUUID()",
    'require("os").hostname()',
    'require("node:child_process").execSync("echo 1")',
    'require("fs").statSync("names.json").mtimeMs',
    'require("fs").readdirSync("lists", { withFileTypes: true })',
    'require("fs").readFileSync(0).length',
    'require("fs").writeFileSync("written.txt", "x")',
    'require("fs").promises',
    'process.binding("fs")',
  ];
  test.each(asked)("%s", async (expression) => {
    const model = `config { type: "table" }\njs { let asked; try { asked = ${expression}; } catch {} }\nselect '\${typeof asked}' as kind`;
    const { kept, first } = await compiledOnce({ "definitions/model.sqlx": model });
    expect(first).toContain("as kind");
    expect(kept()).toEqual([]);
  });

  test("a date that is said, a hash and a path are no such thing", async () => {
    const expression =
      '[new Date("2026-11-30").getTime(), Date.UTC(2026, 1), new Date(2026, 1, 1).getDate(), require("crypto").createHash("md5").update("x").digest("hex"), require("path").join("a", "b")]';
    const model = `config { type: "table" }\nselect '\${${expression}.join()}' as said`;
    const { again, first } = await compiledOnce({ "definitions/model.sqlx": model });
    expect(first).toContain("a/b");
    expect(await again()).toContain(SPOILT);
  });
});

test("a project with mistakes tells them each time, and keeps nothing", async () => {
  const files = { "definitions/model.sqlx": 'config { type: "table" }\nselect ${nobody} as id' };
  const project = testProject(files);
  const keepIn = join(project.dir, ".dataform/compiled");
  for (let n = 0; n < 2; n++) await expect(compile(project.dir, { keepIn })).rejects.toThrow("nobody");
  expect(() => readdirSync(keepIn)).toThrow("ENOENT");
});

test("what is kept is its owner's alone, no part of a repository, only so much, and may be broken, gone or not writable", async () => {
  const { keepIn, kept, again, query } = await compiledOnce();
  expect(readFileSync(join(keepIn, ".gitignore"), "utf8")).toBe("*\n");
  expect(statSync(join(keepIn, kept()[0]!)).mode & 0o777).toBe(0o600);
  for (let n = 0; n < 10; n++) await again({ vars: { word: String(n) } });
  expect(kept()).toHaveLength(8);
  const right = await query();
  for (const name of kept()) writeFileSync(join(keepIn, name), '{"states":');
  expect(await again()).toBe(right);
  rmSync(keepIn, { recursive: true });
  writeFileSync(keepIn, "a file");
  expect(await again()).toBe(right);
});
