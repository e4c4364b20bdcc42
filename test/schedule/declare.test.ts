import { resolve } from "node:path";
import { expect, test } from "vitest";
import { commands } from "../../src/cli/commands.ts";
import { declaredLines } from "../../src/cli/schedule/declared.ts";
import { targetKey } from "../../src/model/target.ts";
import { selectActions } from "../../src/plan/select.ts";
import { schedulesSchema } from "../../src/schemas/schedules.ts";
import { cli } from "../support/cli.ts";
import { testProject } from "../support/project.ts";

// schedules.yaml, as a person writes it: what it means, and what is refused with its line.

const files = {
  "definitions/revenue.sqlx": 'config { type: "table", tags: ["daily"] }\nselect 1 as id',
  "ingest/shop.yaml": `version: 1
source: shop
files: { at: data }
streams:
  - { name: orders, files: "*.csv", format: csv, table: orders, recordSchema: schemas/orders.json }`,
  "ingest/web.yaml": `version: 1
source: web
rest: { baseUrl: "https://a.example" }
streams:
  - { name: hits, path: /hits, table: hits, recordSchema: schemas/orders.json }`,
  "ingest/schemas/orders.json": '{ "type": "object", "properties": { "id": { "type": "integer" } } }',
};

async function next(yaml: string, ...flags: string[]) {
  const project = testProject({ ...files, "schedules.yaml": yaml });
  return cli(project.dir, ["schedule", "next", ...flags]);
}

const line = (text: string) => `schedules:\n  nightly:\n${text.replace(/^/gm, "    ")}`;
const runs = "steps: [{ run: {} }]";

test.each([
  [`cron: "0 0 31 2 *"\n${runs}`, "schedules.yaml:3:11: this line is never due"],
  [`cron: "0 25 * * *"\n${runs}`, "schedules.yaml:3:11: hour: 25 is none"],
  [`cron: "0 0 * * *"\ntimezone: Europe/Berln\n${runs}`, "schedules.yaml:4:15: there is no time zone Europe/Berln"],
  [runs, "schedules.yaml:3:5: nothing says when this line is due"],
  [`cron: "@daily"\non: { load: shop.orders }\n${runs}`, "schedules.yaml:3:5: two things say when this line is due"],
  [`on: { load: shop.order }\n${runs}`, "schedules.yaml:3:17: there is no stream shop.order"],
  [`on: { file: web.hits }\n${runs}`, "schedules.yaml:3:17: web.hits is no stream of files"],
  [`on: { load: shop.orders, every: 5s }\n${runs}`, "every is of a file that is looked for"],
  [`on: { load: shop.orders }\ncatchUp: all\n${runs}`, "schedules.yaml:4:5: catchUp is of lines with a cron"],
  [
    `on: { load: shop.orders }\ncatchUpWithin: 1d\n${runs}`,
    "schedules.yaml:4:5: catchUpWithin is of lines with a cron",
  ],
  ['cron: "@daily"\nsteps: [{ ingest: { sources: [shopp] } }]', "schedules.yaml:4:35: there is no source shopp"],
  ['cron: "@daily"\nsteps: [{ run: { tags: [dayly] } }]', "schedules.yaml:4:29: no action has the tag dayly"],
  ['cron: "@daily"\nsteps: [{ run: { actions: [revenu] } }]', "schedules.yaml:4:32: nothing is named revenu"],
  ['cron: "@daily"\nsteps: [{ run: { select: [+revenu] } }]', "schedules.yaml:4:31: nothing is named revenu"],
  ['cron: "@daily"\nsteps: [{ run: { exclude: ["tag:dayly"] } }]', "schedules.yaml:4:32: no action has tag:dayly"],
  ['cron: "@daily"\nsteps: [{ run: { select: ["selector:x"] } }]', "no selection is called x"],
  ['cron: "@daily"\nsteps: [{ run: { select: ["result:eror"] } }]', "did you mean result:error?"],
  [
    'cron: "@daily"\nsteps: [{ export: { source: marts.revenu, path: a.csv, to: csv } }]',
    "there is no relation marts.revenu",
  ],
  ['cron: "@daily"\nsteps: [{ run: { fullrefresh: true } }]', 'unknown property "fullrefresh"'],
  ['cron: "@daily"\nsteps: [{ run: {}, ingest: {} }]', "steps.0 is wrong"],
  [`cron: "@daily"\ncatchup: all\n${runs}`, 'did you mean "catchUp"?'],
  [`cron: "*/5 * * * *"\njitter: 10m\n${runs}`, "the jitter is longer than the time between two dues"],
  [`cron: "@daily"\ntimeout: 30d\n${runs}`, "timeout is out of bounds"],
  [`cron: "@daily"\nblackout: [{ from: 2026-02-30, until: 2026-03-01 }]\n${runs}`, "there is no such moment"],
  [`cron: "@daily"\nblackout: [{ from: 2026-03-02, until: 2026-03-01 }]\n${runs}`, "this time ends before it begins"],
])("%j is refused with its line", async (text, message) => {
  const { exitCode, stderr } = await next(line(text));
  expect(stderr).toContain(message);
  expect(exitCode).toBe(2);
});

test("every mistake is told at once, and one of the whole file once", async () => {
  const { stderr } = await next(
    'timezone: Nowhere/Town\nschedules:\n  a: { cron: "61 * * * *", steps: [{ run: {} }] }\n  b: { cron: "@daily", steps: [{ run: { tags: [x] } }] }\n  "c d": { cron: "@daily", steps: [{ run: {} }] }',
  );
  expect(stderr.match(/^error /gm)).toHaveLength(4);
  expect(stderr).toContain("this is no name of a line");
});

test("the next dues of each line are told in UTC and in its zone, without a database", async () => {
  const yaml = `timezone: Asia/Kolkata
schedules:
  yearly: { cron: "0 0 29 2 *", steps: [{ run: {} }] }
  off: { cron: "@daily", enabled: false, steps: [{ run: {} }] }
  follows: { on: { load: shop.orders }, steps: [{ run: {} }] }`;
  const { stdout, stderr, exitCode } = await next(yaml, "--count", "1");
  expect(stdout).toMatch(/^\d{4}-02-28T18:30:00Z +\w+,? 29 Feb/m);
  expect(stderr).toContain("off: not enabled");
  expect(stderr).toContain("follows: after a load of shop.orders");
  expect(exitCode).toBe(0);
  expect((await next(yaml, "yearli")).stderr).toContain("did you mean yearly?");
});

test("a due that will not run for a blackout says so", async () => {
  const yaml = `schedules:
  rests: { cron: "@yearly", blackout: [{ from: 2000-01-01, until: 2999-01-01 }], steps: [{ run: {} }] }
  runs: { cron: "@yearly", steps: [{ run: {} }] }`;
  const { stdout } = await next(yaml, "--count", "1");
  expect(stdout).toMatch(/ UTC, blackout +rests$/m);
  expect(stdout).toMatch(/ UTC +runs$/m);
  const all = JSON.parse((await next(yaml, "--json", "--count", "1")).stdout);
  expect(all.map(({ line, isBlackout }: Record<string, unknown>) => [line, isBlackout])).toEqual([
    ["rests", true],
    ["runs", false],
  ]);
});

test("schedules.yml is told, and not passed over", async () => {
  const project = testProject({ ...files, "schedules.yml": "schedules: {}" });
  expect((await cli(project.dir, ["schedule", "next"])).stderr).toContain("rename it to schedules.yaml");
});

test("each key of a step is a flag or an argument of its command", async () => {
  const steps = schedulesSchema.properties.schedules.additionalProperties.properties.steps.items.properties;
  const project = testProject(files);
  for (const [command, { properties }] of Object.entries(steps)) {
    expect(commands.has(command)).toBe(true);
    const { stdout } = await cli(project.dir, [command, "--help"]);
    for (const key of Object.keys(properties)) {
      const flag = `--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
      const known = stdout.includes(flag) || { sources: "[name...]", source: "<source>", path: "<path>" }[key];
      expect([command, key, known && (known === true || stdout.includes(known))]).toEqual([command, key, true]);
    }
  }
});

test("each line of this repository's schedules.yaml lands and builds all that it reads: on a fresh database any may come first", async () => {
  const shell = { projectDir: resolve("."), env: {}, color: false, print: () => {}, say: () => {}, exitCode: 0 };
  const { lines, known } = await declaredLines(shell, {});
  const actions = new Map(known.graph.actions.map((action) => [targetKey(action.target), action]));
  const wrong = lines.flatMap((line) => {
    const there = new Set<string>();
    // Whoever takes events makes all tables of their source before a load of one ends.
    if (line.trigger.kind === "load") there.add(`ingest/${line.trigger.source}.yaml`);
    return line.steps.flatMap(({ command, scope }) => {
      if (command === "ingest") for (const source of scope!.sources!) there.add(`ingest/${source}.yaml`);
      const built = scope?.actions ? selectActions(known.graph, scope.actions) : new Set<string>();
      const missing = [...built].flatMap((key) =>
        actions
          .get(key)!
          .dependencies.map(targetKey)
          .filter((name) => {
            const read = actions.get(name);
            if (read?.kind !== "declaration") return !built.has(name) && !there.has(name);
            return read.file.startsWith("ingest/") && !there.has(read.file);
          }),
      );
      if (command === "export") return [...built].filter((key) => !there.has(key));
      for (const key of built) there.add(key);
      return [...new Set(missing)].map((name) => `${line.name} reads ${name}`);
    });
  });
  expect(wrong).toEqual([]);
});
