import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { compile } from "../../src/compile/compile.ts";
import { CORE_FIELDS } from "../../src/compile/core-fields.ts";
import { testProject } from "../support/project.ts";

/** The messages and enums of core.proto that are not inside of others: the names in each. */
function readProto(core: string): Map<string, readonly { readonly name: string; readonly type: string }[]> {
  const folder = dirname(createRequire(import.meta.url).resolve(core));
  const text = readFileSync(join(folder, "core.proto"), "utf8").replaceAll(/\/\/.*/g, "");
  const blocks = [...text.matchAll(/^(message|enum) (\w+) \{([\s\S]*?)^\}/gm)];
  return new Map(
    blocks.map(([, kind, name, body]) => {
      const field =
        kind === "enum" ? /^ {2}()(\w+) = \d+/gm : /^ +(?:repeated |optional )?(map<[^>]+>|[\w.]+) (\w+) = \d+/gm;
      const fields = [...body!.matchAll(field)].filter(([line]) => !line.includes("reserved"));
      return [name!, fields.map(([, type, field]) => ({ type: type!, name: field! }))];
    }),
  );
}

const camelCase = (name: string) => name.replaceAll(/_(\w)/g, (_, letter: string) => letter.toUpperCase());

test.each([["@dataform/core"], ["core-3.0.36"], ["core-3.0.2"]])(
  "of every field and every value that %s can answer it is decided what becomes of it",
  (core) => {
    const proto = readProto(core);
    const undecided = Object.entries(CORE_FIELDS).flatMap(([message, decisions]) =>
      proto.get(message)!.flatMap(({ name, type }) => {
        const decision = decisions[camelCase(name)];
        const path = `${message}.${name}`;
        if (decision === undefined) return [path];
        const nested = typeof decision === "object" && "of" in decision ? decision.of : undefined;
        if (nested !== undefined) return nested === type && CORE_FIELDS[nested] ? [] : [`${path} is a ${type}`];
        const values = typeof decision === "object" && "values" in decision ? decision : undefined;
        const left = values && !values.otherwise ? proto.get(type)!.slice(type === "TableType" ? 1 : 0) : [];
        return left.filter((value) => !values!.values.includes(value.name)).map((value) => `${path}: ${value.name}`);
      }),
    );
    expect(undecided).toEqual([]);
    // The newest has all of them: what is decided and never comes is a leftover.
    if (core === "@dataform/core")
      for (const [message, decisions] of Object.entries(CORE_FIELDS))
        expect(proto.get(message)!.map(({ name }) => camelCase(name))).toEqual(
          expect.arrayContaining(Object.keys(decisions)),
        );
  },
);

test("what a builder of JavaScript was told and nothing here does is refused at its line", async () => {
  const { dir } = testProject({
    "definitions/made.js": `publish("t", { type: "table" })
  .query("select 1 as id")
  .where("id > 1");
publish("i", { type: "incremental" }).query("select 1 as id").where("id > 1");
publish("j", { type: "table" })
  .jitCode(async () => "select 1");
jitData("x", 1);`,
  });
  const said = await compile(dir).then(
    () => [],
    (error: Error) => [...error.message.matchAll(/^(?:definitions\/made.js\S* |\w+ has|jitData|j).*$/gm)].map(String),
  );
  expect(said).toEqual([
    "definitions/made.js:3:4: t: where has a meaning for incremental models only",
    "definitions/made.js:6:4: j: jitCode is JavaScript that only BigQuery's service runs",
    "jitData is JavaScript that only BigQuery's service runs",
  ]);
});
