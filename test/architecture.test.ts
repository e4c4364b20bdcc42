import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { expect, test } from "vitest";
import { parseGlob } from "../src/sources/files/glob.ts";
import { ASKED_OF_ONE_SERVER, askedOfMajor, filesByLane } from "./support/lanes.ts";

const root = resolve(import.meta.dirname, "..");

/** What each folder of src/ may import, from the ground up; docs/architecture.md says why. */
const allowed: Record<string, readonly string[]> = {
  schemas: [],
  wait: [],
  model: ["schemas"],
  config: ["model", "schemas"],
  sql: ["model"],
  library: ["model", "sql"],
  compile: ["model", "config", "sql", "wait", "seeds"],
  format: ["model", "sql", "compile"],
  plan: ["model", "sql"],
  postgres: ["model", "sql", "config", "wait"],
  roles: ["model", "sql", "postgres"],
  environment: ["model", "sql", "postgres", "wait"],
  release: ["model", "sql", "postgres", "plan", "environment", "wait"],
  run: ["model", "sql", "postgres", "plan", "environment", "release", "wait"],
  sources: ["model", "config", "sql", "wait"],
  land: ["model", "sql", "postgres", "plan", "sources", "wait"],
  collect: ["model", "postgres", "sources", "land", "wait"],
  seeds: ["model", "schemas", "config", "sql", "sources", "infer"],
  infer: ["model", "sql", "config", "postgres", "sources"],
  export: ["model", "sql", "postgres", "sources"],
  catalogue: ["model", "sql", "postgres", "environment", "release", "library"],
  site: ["model", "sql", "charts", "wait"],
  serve: ["model", "collect", "config", "sql", "postgres", "environment", "release", "export", "wait"],
  schedule: ["model", "schemas", "config", "sql", "plan", "postgres", "environment", "sources", "wait"],
  metrics: ["model", "sql", "postgres", "environment", "library", "catalogue", "wait"],
  notify: ["model", "sql", "plan", "postgres", "environment", "catalogue", "wait"],
  openlineage: ["model", "sql", "postgres", "environment", "catalogue", "notify"],
  bi: ["model", "sql", "charts", "wait"],
  charts: ["model"],
  lineage: ["model", "sql", "postgres", "plan"],
  dashboards: ["model", "sql", "postgres", "plan", "run", "charts", "wait"],
};
allowed.cli = Object.keys(allowed);

/** Words that belong to one folder. */
const confined: readonly (readonly [RegExp, readonly string[]])[] = [
  [/["'`]pg(?:-copy-streams)?["'`]/, ["postgres"]],
  [/["'`](?:croner|node-cron)["'`]/, ["schedule"]],
  [/process\.env\b/, ["config"]],
  [/\bconsole\./, []],
  [/process\.exit\(/, ["cli"]],
  [/["']@dataform\/core["']/, ["compile"]],
  // Whatever sleeps or looks again has a deadline, a message and the signal there.
  [/\bset(?:Timeout|Interval)\b|\bAtomics\.wait\b|\bpg_sleep/, ["wait"]],
  // A session that waits in the server for a lock of ours hears no signal and tells nobody: it is asked for again.
  [/\bpg_advisory_(?:xact_)?lock/, []],
  [/\bcascade\b/i, []],
];

function sourceFiles(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return entry.name === "node_modules" ? [] : sourceFiles(path);
    return /\.(tsx?|cjs)$/.test(entry.name) ? [path] : [];
  });
}

const files = sourceFiles(join(root, "src")).map((path) => ({
  path,
  name: relative(join(root, "src"), path),
  folder: relative(join(root, "src"), path).split("/")[0]!,
  text: readFileSync(path, "utf8"),
}));

/** Every way in which a file names another one: static, dynamic, for its effects, by `require`, as a program to start. */
const MENTION =
  /(?:\bfrom|\bimport|\bimport\(|\brequire\(|\bnew URL\()\s*["'`]((?:\.[^"'`]*\/)?[^"'`/]+\.(?:tsx?|cjs))["'`]/g;

function importsOf(file: (typeof files)[number]): string[] {
  return [...file.text.matchAll(MENTION)].map(([, path]) => resolve(dirname(file.path), path!));
}

test("the table above has the folders of src/, each of them and no other", () => {
  const folders = readdirSync(join(root, "src"), { withFileTypes: true }).filter((entry) => entry.isDirectory());
  expect(Object.keys(allowed).sort()).toEqual(folders.map(({ name }) => name).sort());
});

test("what is imported while the program runs is named where it is imported, but for files and packages of a project", () => {
  const computed = files.filter(({ text }) =>
    /\b(?:import|require)\((?!\s*["'])/.test(text.replace(/\/\/.*|\/\*[\s\S]*?\*\//g, "")),
  );
  expect(computed.map(({ name }) => name)).toEqual([
    "compile/loading.cjs",
    "config/optional-package.ts",
    "postgres/embedded/upgrade/pg-dump.cjs",
  ]);
});

test("every import goes in an allowed direction", () => {
  const wrong = files
    .filter(({ folder }) => folder !== "index.ts")
    .flatMap((file) =>
      importsOf(file)
        .map((target) => relative(join(root, "src"), target).split("/")[0]!)
        .filter((folder) => folder !== file.folder && !allowed[file.folder]?.includes(folder))
        .map((folder) => `${file.name} imports ${folder}/`),
    );
  expect(wrong).toEqual([]);
});

test("inside a folder of src/ its own folders lean on each other in one direction", () => {
  const inside = new Map<string, Set<string>>();
  for (const file of files) {
    for (const target of importsOf(file)) {
      const [from, to] = [dirname(file.name), dirname(relative(join(root, "src"), target))].map((path) =>
        path.split("/"),
      );
      if (from!.length < 2 || to!.length < 2 || from![0] !== to![0] || from![1] === to![1]) continue;
      const name = `${from![0]}/${from![1]}`;
      inside.set(name, (inside.get(name) ?? new Set()).add(`${to![0]}/${to![1]}`));
    }
  }
  expect(inside.size).toBeGreaterThan(0);
  const reached = (start: string) => {
    const found = new Set(inside.get(start));
    for (const name of found) for (const next of inside.get(name) ?? []) found.add(next);
    return found;
  };
  expect([...inside.keys()].filter((name) => reached(name).has(name))).toEqual([]);
});

test("schemas are types to whoever uses them: the program reads schemas/*.json and never loads their builder", () => {
  const loading = files
    .filter(({ folder }) => folder !== "schemas")
    .filter(({ text }) => /(?:^import (?!type\b)[^;]*from |import\()"(?:[^"]*\/schemas\/[^"]*|typebox)"/m.test(text));
  expect(loading.map(({ name }) => name)).toEqual([]);
});

test("a load reads the programs of its own way in alone: a source without HTTP, none that speaks it", () => {
  const byPath = new Map(files.map((file) => [file.path, file.text]));
  const reached = new Set([join(root, "src/cli/ingest/actions.ts")]);
  for (const path of reached)
    for (const [, name] of byPath.get(path)!.matchAll(/^(?:import (?!type\b)|export )[^;]*?from "(\.[^"]+\.ts)"/gm))
      reached.add(resolve(dirname(path), name!));
  const speaking = [...reached].filter((path) => /^import (?!type\b)[^;]*?from "undici"/m.test(byPath.get(path)!));
  expect(reached.size).toBeGreaterThan(100);
  expect(speaking.map((path) => relative(root, path))).toEqual([]);
});

test("no file of src/ imports the project that it runs", () => {
  const outside = files.flatMap((file) =>
    importsOf(file)
      .filter((target) => relative(join(root, "src"), target).startsWith(".."))
      .map((target) => `${file.name} imports ${target}`),
  );
  expect(outside).toEqual([]);
});

test("no file imports two files of one name", () => {
  const twice = files.flatMap((file) => {
    const names = [...new Set(importsOf(file))].map((path) => path.split("/").at(-1)!);
    return names
      .filter((name, index) => names.indexOf(name) !== index)
      .map((name) => `${file.name} imports ${name} twice`);
  });
  expect(twice).toEqual([]);
});

test("no two files import each other, directly or in a circle", () => {
  const graph = new Map(files.map((file) => [file.path, importsOf(file)]));
  const done = new Set<string>();
  const circles: string[] = [];
  const visit = (path: string, trail: readonly string[]) => {
    if (trail.includes(path)) {
      circles.push([...trail.slice(trail.indexOf(path)), path].map((file) => relative(root, file)).join(" → "));
      return;
    }
    if (done.has(path)) return;
    for (const next of graph.get(path) ?? []) visit(next, [...trail, path]);
    done.add(path);
  };
  for (const path of graph.keys()) visit(path, []);
  expect(circles).toEqual([]);
});

test.each(confined)("%s stands only in its own folder", (pattern, folders) => {
  const elsewhere = files.filter(({ folder, text }) => !folders.includes(folder) && pattern.test(text));
  expect(elsewhere.map(({ name }) => name)).toEqual([]);
});

test("an SQLSTATE has its name, and the advice for it stands beside: only postgres/sqlstate.ts writes one out", () => {
  const code = String.raw`(?:\d[\dA-Z]|F0|HV|P0|XX)[\dA-Z]{3}`;
  const written = new RegExp(`(["'\`])${code}\\1|[(|^]${code}[)|$]|\\b(?:${code}\\|)`);
  const writing = files.filter(({ text }) => written.test(text.replace(/\/\/.*|\/\*[\s\S]*?\*\//g, "")));
  expect(writing.map(({ name }) => name)).toEqual(["postgres/sqlstate.ts"]);
});

test("one file writes to a terminal or a log; what the project's code prints comes to it as a message", () => {
  const writing = files.filter(({ text }) =>
    /\bprocess\.std(?:out|err)\b|writeSync\([12]\b|"inherit"|stdio: \["ignore", [12]/.test(text),
  );
  // Where a signal ends the program that is loading, the terminal is not there yet.
  const known = ["cli/main.ts", "cli/terminal.ts", "cli/unattended.ts", "compile/worker.cjs"];
  expect(writing.map(({ name }) => name).sort()).toEqual(known);
});

test("only src/sql makes SQL out of a string", () => {
  const elsewhere = files.filter(
    ({ folder, text }) => folder !== "sql" && /\bfixed\b[^;]*from "[./]*sql\/sql\.ts"|new Sql\b/.test(text),
  );
  expect(elsewhere.map(({ name }) => name)).toEqual([]);
});

test("only sql/statement.ts makes statements: each has its role from there, and nobody reads its text again", () => {
  const elsewhere = files.filter(
    ({ folder, text }) =>
      folder !== "sql" && /\brole: "|\bsql: `|\.test\((?:statement\.)?sql\)|sql\.(?:startsWith|match)\(/.test(text),
  );
  expect(elsewhere.map(({ name }) => name)).toEqual([]);
});

test("who ends sessions by their name ends those of its own database, and not of a test or a run beside it", () => {
  const folders = ["src", "test", "bench", "ingest"];
  const statements = folders
    .flatMap((folder) => sourceFiles(join(root, folder)))
    .filter((path) => path !== import.meta.filename)
    .flatMap((path) => readFileSync(path, "utf8").match(/pg_terminate_backend\(pid[^"`]*/g) ?? []);
  expect(statements.length).toBeGreaterThan(0);
  expect(statements.filter((sql) => !sql.includes("datname = current_database()"))).toEqual([]);
});

test("the lines of test/support/lanes.ts that say what is asked of one server are of files that need one, and so are those of a major", () => {
  const { postgres } = filesByLane();
  for (const line of [...ASKED_OF_ONE_SERVER, ...askedOfMajor("16"), ...askedOfMajor("17")])
    expect([line, postgres.filter((file) => parseGlob(line).matches(file)).length]).toEqual([
      line,
      expect.toSatisfy((n) => n > 0),
    ]);
});
