import { expect, test } from "vitest";
import { type CompileOptions, compile } from "../../src/compile/compile.ts";
import { isModel } from "../../src/model/graph.ts";
import { cli } from "../support/cli.ts";
import { testProject } from "../support/project.ts";

const model = "config { type: \"view\" }\nselect '${dataform.projectConfig.vars.country}' as country";

const json = (vars: object) => JSON.stringify({ warehouse: "postgres", vars }, null, 2);
const project = (vars: object) => testProject({ "dataform.json": json(vars), "definitions/v.sqlx": model });

async function countryOf(dir: string, options: CompileOptions): Promise<string | undefined> {
  const { actions, project } = await compile(dir, options);
  expect(actions.filter(isModel).map(({ query }) => query.trim())).toEqual([
    `select '${project.vars.country}' as country`,
  ]);
  return project.vars.country;
}

test("a variable that the project declares is what the environment says, what the run says before it, its default without both", async () => {
  const { dir } = project({ country: { env: "COUNTRY", default: "France" }, other: "x" });
  expect(await countryOf(dir, { env: {} })).toBe("France");
  expect(await countryOf(dir, { env: { COUNTRY: "" } })).toBe("France");
  expect(await countryOf(dir, { env: { COUNTRY: "Perú" } })).toBe("Perú");
  expect(await countryOf(dir, { env: { COUNTRY: "Perú" }, vars: { country: "Chile" } })).toBe("Chile");
});

test("workflow_settings.yaml declares them likewise, and .env has them where nobody says another environment", async () => {
  const { dir, remove } = testProject({
    "workflow_settings.yaml": "defaultDataset: shop\nvars:\n  country: { env: DAILY_COUNTRY }\n",
    "definitions/v.sqlx": model,
    ".env": "DAILY_COUNTRY=Chad\n",
  });
  remove("dataform.json");
  expect(await countryOf(dir, {})).toBe("Chad");
  expect(await countryOf(dir, { env: { DAILY_COUNTRY: "Peru" } })).toBe("Peru");
});

test("one that is not set and has no default is told with its line, each of several; the run may say it instead", async () => {
  const { dir } = project({ country: { env: "COUNTRY" }, since: { env: "SINCE" } });
  await expect(compile(dir, { env: {} })).rejects.toMatchObject({
    errors: [
      {
        message: "the environment variable COUNTRY is not set",
        location: { file: "dataform.json", line: 5 },
        expected: "a value for vars.country",
        hint: "set COUNTRY in the environment or in .env, give vars.country a default, or say --vars country=value",
      },
      { message: "the environment variable SINCE is not set", location: { file: "dataform.json", line: 8 } },
    ],
  });
  expect(await countryOf(dir, { env: { SINCE: "2026" }, vars: { country: "Chile" } })).toBe("Chile");
});

test.each(["DATABASE_URL", "PGPASSWORD", "SHOP_API_KEY", "github_token", "CLIENT_SECRET"])(
  "%s is no variable of a project: it would be read in plans and views",
  async (variable) => {
    const { dir } = project({ country: { env: variable, default: "x" } });
    await expect(compile(dir, { env: { [variable]: "hunter2" } })).rejects.toMatchObject({
      errors: [
        { message: `vars.country: ${variable} is called as a secret is`, location: { file: "dataform.json", line: 5 } },
      ],
    });
    await expect(compile(dir, { env: { [variable]: "hunter2" } })).rejects.not.toThrow("hunter2");
  },
);

test.each([
  [{ env: 3 }, "vars.country.env is wrong"],
  [{ env: "" }, "vars.country.env is wrong"],
  [{ env: "A", default: 3 }, "vars.country.default is wrong"],
  [{ env: "B", defualt: "3" }, 'unknown property "defualt" in vars.country'],
  [{ default: "A" }, '"env" is missing in vars.country'],
  [["A"], "vars.country is wrong"],
])("%j is told at its line", async (said, message) => {
  const { dir } = project({ country: said });
  await expect(compile(dir, { env: { A: "a" } })).rejects.toMatchObject({
    errors: [{ message, location: { file: "dataform.json" } }],
  });
});

test("the command line takes them from its environment, and compiles again when they are others", async () => {
  const { dir } = project({ country: { env: "COUNTRY", default: "France" } });
  const compiled = async (env: Record<string, string>, ...args: readonly string[]) => {
    const { stdout } = await cli(dir, ["compile", "--json", ...args], env);
    return (JSON.parse(stdout) as { project: { vars: unknown } }).project.vars;
  };
  expect(await compiled({ COUNTRY: "Peru" })).toEqual({ country: "Peru" });
  expect(await compiled({ COUNTRY: "Chile" })).toEqual({ country: "Chile" });
  expect(await compiled({})).toEqual({ country: "France" });
  expect(await compiled({ COUNTRY: "Peru" }, "--vars", "country=Chad")).toEqual({ country: "Chad" });
});
