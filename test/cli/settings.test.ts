import { readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { Command } from "commander";
import { expect, test } from "vitest";
import { addCommand, commands as declared } from "../../src/cli/commands.ts";
import { applySettings } from "../../src/cli/settings.ts";
import type { Shell } from "../../src/cli/shell.ts";
import { DATABASE, SETTINGS, settingOf } from "../../src/config/settings.ts";
import { cli } from "../support/cli.ts";
import { testProject } from "../support/project.ts";

const shell: Shell = { projectDir: ".", env: {}, color: false, exitCode: 0, print() {}, say() {} };

const program = new Command();
for (const name of declared.keys()) await addCommand(program, name, shell);

/** Every command of the program, those of a group, too, with its real options. */
const within = (command: Command): Command[] => [command, ...command.commands.flatMap(within)];
const commands = program.commands.flatMap(within);

test("the list of commands, for which none is loaded, says what each of them takes", async () => {
  const { stdout: help } = await cli(".", ["--help"]);
  const listed = program.helpInformation().split("Commands:")[1]!;
  expect(help.split("Commands:")[1]!.trim()).toBe(listed.trim());
});

/** Two values of each setting, as they are written, and what they come to. */
const values: Readonly<Record<string, readonly [string, unknown, string, unknown]>> = {
  target: ["prod", "prod", "dev", "dev"],
  environment: ["dev", "dev", "test", "test"],
  roles: ["df", "df", "shop", "shop"],
  "publisher-url": ["postgresql://a@", "postgresql://a@", "postgresql://b@", "postgresql://b@"],
  "reader-url": ["postgresql://a@", "postgresql://a@", "postgresql://b@", "postgresql://b@"],
  vars: ["a=1,b=2", { a: "1", b: "2" }, "c=3", { c: "3" }],
  "default-schema": ["shop", "shop", "x", "x"],
  "assertion-schema": ["checks", "checks", "x", "x"],
  "schema-suffix": ["dev", "dev", "x", "x"],
  "table-prefix": ["dev", "dev", "x", "x"],
  "disable-assertions": ["true", true, "false", undefined],
  timeout: ["2m", 120_000, "5", 5_000],
  concurrency: ["8", 8, "2", 2],
  wait: ["yes", true, "0", undefined],
  "wait-timeout": ["5m", 300_000, "1h", 3_600_000],
  assertions: ["report", "report", "block", "block"],
  "all-or-nothing": ["1", true, "off", undefined],
  "publish-deadline": ["5s", 5_000, "1m", 60_000],
  horizon: ["fail", "fail", "publish", "publish"],
  "horizon-timeout": ["1s", 1_000, "2s", 2_000],
  artifacts: ["target", "target", "out", "out"],
  "keep-releases": ["9", 9, "3", 3],
  "keep-for": ["2h", 7_200_000, "1s", 1_000],
};

test("no flag that takes a value begins with --no-: its value would be told by another name", () => {
  const all = commands.flatMap(({ options }) =>
    options.filter(({ negate, required, optional }) => negate && (required || optional)),
  );
  expect(all.map(({ flags }) => flags)).toEqual([]);
});

test.each(SETTINGS.filter((setting) => setting !== DATABASE))(
  "$variable counts in the environment and in .env, --$flag before it, on every command that has the flag",
  ({ flag, variable }) => {
    const [text, value, other, otherValue] = values[flag]!;
    const having = commands.filter(({ options }) => options.some((one) => settingOf(one.name())?.flag === flag));
    expect(having.length).toBeGreaterThan(0);
    for (const { options: all } of having) {
      const option = all.find((one) => settingOf(one.name())?.flag === flag)!;
      const given = (argv: string[], env: Record<string, string>, dotEnv: Record<string, string>) => {
        const command = new Command().addOption(option);
        command.parse(argv, { from: "user" });
        applySettings(command, { ...dotEnv, ...env }, dotEnv);
        return command.opts()[option.attributeName()];
      };
      expect(given([], {}, { [variable]: text })).toEqual(value);
      expect(given([], { [variable]: text }, { [variable]: other })).toEqual(value);
      if (!option.isBoolean()) {
        // Variables of the project are looked for name by name.
        const behind = flag === "vars" ? Object(otherValue) : undefined;
        const typed = behind ? { ...behind, ...Object(value) } : value;
        expect(given([`--${option.name()}`, text], { [variable]: other }, {})).toEqual(typed);
        expect(given([], { [variable]: other }, {})).toEqual(otherValue);
      } else {
        expect(given([`--${option.name()}`], { [variable]: other }, {})).toBe(true);
        expect(given([], { [variable]: other }, {})).toBe(otherValue);
      }
    }
  },
);

test("every setting stands in the documentation's table with its flag, variable and key, and no other does", () => {
  const page = readFileSync(resolve(import.meta.dirname, "../../docs/cli.md"), "utf8");
  const rows = [...page.matchAll(/^\| `--([\w-]+)` \| `(DATA\w+)` \| (?:`([\w.]+)`)? ?\| (.*?) ?\|$/gm)];
  expect(rows.map(([, flag, variable, key = ""]) => [flag, variable, key])).toEqual(
    SETTINGS.map(({ flag, variable, key = "" }) => [flag, variable, key]),
  );
  for (const [, flag, , , byDefault] of rows) {
    const known = settingOf(flag!)!.default;
    if (known !== undefined) expect([flag, byDefault]).toEqual([flag, known]);
  }
});

test("every flag of every command stands in the documentation's tables with the commands that have it, and no other does", async () => {
  const page = readFileSync(resolve(import.meta.dirname, "../../docs/cli.md"), "utf8");
  const { stdout: help } = await cli(".", ["--help"]);
  const ofAll = [...help.split("Commands:")[0]!.matchAll(/^ .*?(--[\w-]+)/gm)].map(([, flag]) => flag!);
  const [section = ""] = page.slice(page.indexOf("\n## Flags\n") + 1).split(/^## (?!Flags)/m);
  const leaves = commands.filter(
    ({ commands: inner }) => !inner.length || /^(?:ingest|schedule) /.test(nameOf(inner[0]!)),
  );
  const under = (name: string) => leaves.map(nameOf).filter((one) => one === name || one.startsWith(`${name} `));
  const documented = [...section.matchAll(/^\| (`--.*?) \| (.*?) \| .* \|$/gm)].flatMap(([, flags, of]) => {
    const names = [...of!.matchAll(/`([\w -]+)`/g)].map(([, name]) => name!);
    const excepted = names.flatMap(under);
    const having = of!.startsWith("all") ? leaves.map(nameOf).filter((one) => !excepted.includes(one)) : names;
    return [...flags!.matchAll(/--[\w-]+/g)].flatMap(([flag]) => having.map((name) => `${name} ${flag}`));
  });
  const real = leaves.flatMap((command) =>
    [...command.options.filter(({ hidden }) => !hidden).map(({ long }) => long!), ...ofAll].map(
      (flag) => `${nameOf(command)} ${flag}`,
    ),
  );
  expect(documented.toSorted()).toEqual(real.toSorted());
});

function nameOf(command: Command): string {
  const group = command.parent?.name();
  return group ? `${group} ${command.name()}` : command.name();
}

test.each([
  ["DATAFORM_ENVIROMENT", "did you mean DATAFORM_ENVIRONMENT?"],
  ["DATAFORM_ENV", "did you mean DATAFORM_ENVIRONMENT?"],
  ["dataform_environment", "did you mean DATAFORM_ENVIRONMENT?"],
  ["DATAFORM_ROLE", "did you mean DATAFORM_ROLES?"],
  ["DATAFORM_URL", "did you mean DATABASE_URL?"],
  ["DATAFORM_DATABASE_URL", "did you mean DATABASE_URL?"],
  ["DATAFORM_SCHEMA_SUFIX", "did you mean DATAFORM_SCHEMA_SUFFIX?"],
  ["DATAFROM_ENVIRONMENT", "did you mean DATAFORM_ENVIRONMENT?"],
  ["DATA_FORM_ENVIRONMENT", "did you mean DATAFORM_ENVIRONMENT?"],
])("%s in .env or outside is refused before anything is done, with the name that was meant", async (name, hint) => {
  const { dir } = testProject({ "a.sqlx": 'config { type: "table" }\nselect 1 as id' });
  const outside = await cli(dir, ["compile"], { [name]: "dev" });
  expect([outside.exitCode, outside.stderr]).toEqual([2, expect.stringContaining(`${name} is not a setting`)]);
  expect(outside.stderr).toContain(hint);
  writeFileSync(join(dir, ".env"), `${name}=dev\n`);
  expect((await cli(dir, ["compile"])).stderr).toContain(`${name} in .env is not a setting\n  → ${hint}`);
});

test("a variable that is empty or has a wrong value is refused where it was set; one of another program is told", async () => {
  const { dir } = testProject({ "a.sqlx": 'config { type: "table" }\nselect 1 as id' });
  const said = async (env: Record<string, string>) =>
    (await cli(dir, ["run"], { DATABASE_URL: "postgresql://127.0.0.1:1/x", ...env })).stderr;
  expect(await said({ DATAFORM_ENVIRONMENT: "" })).toContain("DATAFORM_ENVIRONMENT is empty");
  writeFileSync(join(dir, ".env"), "DATAFORM_CONCURRENCY=many\n");
  expect(await said({})).toContain("DATAFORM_CONCURRENCY in .env is wrong\n  expected: a whole number from 1 on\n");
  expect(await said({ DATAFORM_CONCURRENCY: "1", DATAFORM_WAIT: "maybe" })).toContain("DATAFORM_WAIT is wrong");
  expect(await said({ DATAFORM_CONCURRENCY: "1", DATAFORM_HORIZON: "never" })).toContain("DATAFORM_HORIZON is wrong");
  expect(await said({ DATAFORM_CONCURRENCY: "1", DATAFORM_GCP_PROJECT: "x" })).toContain(
    "warning DATAFORM_GCP_PROJECT is no setting of dataform-postgres and is ignored",
  );
});
