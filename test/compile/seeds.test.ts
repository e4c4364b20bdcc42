import { existsSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { type UserError, UserErrors } from "../../src/model/errors.ts";
import { cli } from "../support/cli.ts";
import { ownDatabase } from "../support/database.ts";
import { testProject } from "../support/project.ts";

const reader = 'config { type: "view" } select code, population / 2 as half from ${ref("country_codes")}';

test("a seed is a table of every run: its types are found or said, an edit is no second row, and what it was comes back", async () => {
  const project = testProject({
    "halves.sqlx": reader,
    "seeds/geo/country_codes.csv":
      "Code;name;population;since\nDE;\"Germany {{ x }} ''\\n\";83.000.000,5;23.05.1949\nFR;;NA;04.10.1958",
    "seeds/geo/country_codes.yaml": "schema: reference\ntypes: { code: char(2) }\ncolumns: { code: ISO 3166 }\n",
    "seeds/j.csv": 'id,j,b\n1,"{""a"":1.10}","{""a"":1}"\n',
    "seeds/j.yaml": "types: { j: json, b: pg_catalog.jsonb }",
  });
  const database = await ownDatabase();
  const env = { DATABASE_URL: database.url };
  const run = async (...args: string[]) => {
    const { exitCode, stdout, stderr } = await cli(project.dir, args, env);
    return { exitCode, told: stdout + stderr };
  };
  const rows = async (select: string) => JSON.parse((await cli(project.dir, ["query", select, "--json"], env)).stdout);
  expect(await run("run")).toMatchObject({
    exitCode: 0,
    told: expect.stringContaining("reference.country_codes (2 rows"),
  });
  expect(await rows("select * from reference.country_codes order by 1")).toEqual([
    { code: "DE", name: "Germany {{ x }} ''\\n", population: 83000000.5, since: "1949-05-23" },
    { code: "FR", name: null, population: null, since: "1958-10-04" },
  ]);
  expect(await rows("select id, j::text, b->'a' as b from marts.j")).toEqual([{ id: 1, j: '{"a":1.10}', b: 1 }]);
  const described =
    "select format_type(atttypid, atttypmod) as type, col_description(attrelid, attnum) as about from pg_attribute";
  expect(await rows(`${described} where attrelid = 'reference.country_codes'::regclass and attnum = 1`)).toEqual([
    { type: "character(2)", about: "ISO 3166" },
  ]);
  const path = join(project.dir, "seeds/geo/country_codes.csv");
  const before = readFileSync(path, "utf8");
  writeFileSync(path, before.replace("83.000.000,5", "84"));
  expect((await run("plan")).told).toMatch(/~ reference\.country_codes +its code changed/);
  expect(await run("run", "--tags", "seed")).toMatchObject({ exitCode: 0 });
  expect(await rows("select * from marts.halves order by 1")).toEqual([
    { code: "DE", half: 42 },
    { code: "FR", half: null },
  ]);
  expect((await run("rollback")).exitCode).toBe(0);
  expect(await rows("select population from reference.country_codes where code = 'DE'")).toEqual([
    { population: 83000000.5 },
  ]);
  writeFileSync(path, before.replace("FR;", "FRA;"));
  writeFileSync(join(project.dir, "seeds/j.csv"), 'id,j,b\n1,"{\n}",{}\n1,"{}, ""id"": 99",{}\n');
  for (const command of ["plan", "run"]) {
    const { exitCode, told } = await run(command);
    expect(exitCode).toBe(1);
    expect(told).toMatch(/geo\/country_codes\.csv:3: .*\n?.*column code: not a value of char\(2\): FRA/);
    expect(told).toContain("value too long for type character(2)");
    expect(told).toContain("correct it, or give the column another type in seeds/geo/country_codes.yaml: types");
    expect(told).toMatch(/seeds\/j\.csv:4: .*\n?.*column j: not a value of json: \{\}, "id": 99/);
  }
  rmSync(join(project.dir, "seeds"), { recursive: true });
  writeFileSync(join(project.dir, "definitions/halves.sqlx"), 'config { type: "view" } select 1 as half');
  expect((await run("plan")).told).toMatch(/- reference\.country_codes +no longer in the project/);
  expect(existsSync(path)).toBe(false);
});

test.each([
  [
    "a record of too many cells",
    "code,n\nb,1\nb,2,3\n",
    undefined,
    /csv:3: the record cannot be read: has 3 fields, not 2/,
  ],
  ["a quote that does not close", 'code,n\nb,"1\n', undefined, /csv: quotes of the seed do not close/],
  ["one record of too many cells", "code,n\nb,1,2\n", undefined, /csv: .* has no records to find/],
  ["a header of too few", "code,n\nb,1,2\nc,3,4\n", undefined, /csv:1: 1 line of the seed before its header has other/],
  ["no header", "1,2\n3,4\n", undefined, /csv: the seed has no header/],
  ["no record", "code,n\n", undefined, /csv: .* has no records/],
  ["a type of a column that is not there", "code,n\nb,1\n", "types: { nn: int }", /yaml:1:10: types names "nn"/],
  [
    "a type that is none",
    "code,n\nb,1\n",
    'types: { n: "int; drop" }',
    /yaml:1:13: the type of "n" is not the name of a type/,
  ],
  ["a list", "code,n\nb,1\n", 'types: { n: "int[]" }', /csv: a column of a seed is no list/],
  ["a key that is unknown", "code,n\nb,1\n", "type: { n: int }", /yaml:1:1: unknown property "type"/],
  ["4 MB", `code\n${"x".repeat(1000)}\n`.repeat(4200), undefined, /csv: the seed is larger than 4 MB/],
] as const)("a seed with %s is refused at its place, and nothing else is", async (_, csv, yaml, expected) => {
  const files = { "halves.sqlx": reader, "seeds/country_codes.csv": csv };
  const project = testProject(yaml === undefined ? files : { ...files, "seeds/country_codes.yaml": yaml });
  const error = await project.compile().catch((cause: unknown) => cause);
  const errors = error instanceof UserErrors ? error.errors : [error as UserError];
  const told = errors.map(({ location: { file, line, column } = {}, message }) =>
    [
      [file?.replace("seeds/country_codes.", ""), line, column].filter((part) => part !== undefined).join(":"),
      message,
    ].join(": "),
  );
  expect(told).toEqual([expect.stringMatching(expected)]);
});

test("a seed that is a link out of the project is refused, and one within is read", async () => {
  const { dir } = testProject({ "seeds/b.csv": "x\n1\n" });
  const compiled = async () => JSON.parse((await cli(dir, ["compile", "--json"], {})).stdout);
  symlinkSync("b.csv", join(dir, "seeds/c.csv"));
  const files = (await compiled()).actions.map(({ file }: { file: string }) => file);
  expect(files).toEqual(["seeds/b.csv", "seeds/c.csv"]);
  symlinkSync("/etc/passwd", join(dir, "seeds/d.csv"));
  symlinkSync("nothing", join(dir, "seeds/e.csv"));
  expect((await compiled()).errors).toMatchObject([
    { message: "the seed is a link that leads out of the project", location: { file: "seeds/d.csv" } },
    { message: "the link leads to nothing", location: { file: "seeds/e.csv" } },
  ]);
});

test("what lies beside seeds is told: a YAML without its table, files that are none, two of one name", async () => {
  const { compile } = testProject({
    "seeds/a.tsv": "x",
    "seeds/README.md": "",
    "seeds/b.csv": "x\n1\n",
    "seeds/j.csv": 'id,j\n1,"{""a"":1.10}"\n',
    "seeds/j.yaml": "types: { j: jsonb }",
  });
  const { notes, actions } = await compile();
  expect(notes).toContain("seeds/a.tsv is not read: a seed is a .csv file (docs/models.md)");
  expect(actions.map(({ kind, file, tags }) => [kind, file, tags])).toEqual([
    ["table", "seeds/b.csv", ["seed"]],
    ["table", "seeds/j.csv", ["seed"]],
  ]);
  const twice = testProject({ "seeds/b.csv": "x\n1\n", "seeds/sub/b.csv": "x\n1\n", "seeds/c.yaml": "{}" });
  await expect(twice.compile()).rejects.toMatchObject({
    errors: expect.arrayContaining([
      expect.objectContaining({ message: "there is no seed of this name", location: { file: "seeds/c.yaml" } }),
      expect.objectContaining({ message: "two actions are named marts.b" }),
    ]),
  });
});

test("a number in a seed's YAML is refused with its digits where it would be another one, or is no text", async () => {
  const said = async (yaml: string) => {
    const project = testProject({ "seeds/s.csv": "id,big\n1,12345678901234567890\n", "seeds/s.yaml": yaml });
    return (await cli(project.dir, ["compile"])).stderr;
  };
  for (const yaml of [
    "csv: { skipLines: 9007199254740993 }",
    "description: 9007199254740993",
    "columns: { big: 9007199254740993 }",
    "schema: 9007199254740993",
    "types: { big: 9007199254740993 }",
    "csv: { null: [9007199254740993] }",
  ]) {
    const told = await said(yaml);
    expect(told).toMatch(/seeds\/s\.yaml:1:\d+: .*\n[\s\S]*found: +9007199254740993/);
    // In the advice, too.
    expect([yaml, told.match(/\d{16}/g)!.filter((digits) => digits !== "9007199254740993")]).toEqual([yaml, []]);
  }
});
