import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { Ajv, type ValidateFunction } from "ajv";
import { describe, expect, test } from "vitest";
import { documentSchemas } from "../../scripts/document-schemas.js";
import { checkIngest } from "../../src/config/load-ingest.ts";
import { parseYaml } from "../../src/config/yaml.ts";
import { published, publishedText } from "../../src/schemas/published.ts";

const root = resolve(import.meta.dirname, "../..");
const names = Object.keys(published) as (keyof typeof published)[];

/** A keyword that begins with x- is an annotation, which editors pass over. */
const strictly = () => new Ajv({ strict: true, allowUnionTypes: true }).addVocabulary(["x-withheld"]);

interface Schema {
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
}

/** Every property that a schema names, with its path. */
function propertiesOf({ properties = {}, items, anyOf = [] }: Schema, path = ""): [string, Schema][] {
  const own = Object.entries(properties).flatMap(([key, property]): [string, Schema][] => [
    [`${path}.${key}`, property],
    ...propertiesOf(property, `${path}.${key}`),
  ]);
  return [...own, ...[...anyOf, ...(items ? [items] : [])].flatMap((schema) => propertiesOf(schema, path))];
}

describe("the schemas for editors, and of documents", () => {
  test("are those in src/schemas/; where they are not, run `npm run schemas`", () => {
    const texts = { ...Object.fromEntries(names.map((name) => [name, publishedText(name)])), ...documentSchemas() };
    expect(readdirSync(join(root, "schemas")).sort()).toEqual(
      Object.keys(texts)
        .map((name) => `${name}.json`)
        .sort(),
    );
    for (const [name, text] of Object.entries(texts))
      expect(readFileSync(join(root, `schemas/${name}.json`), "utf8")).toBe(text);
  });

  test.each(names)("%s is a JSON Schema, strict, that says in words what every property means", (name) => {
    const schema = JSON.parse(publishedText(name)) as Schema;
    expect(() => strictly().compile(schema)).not.toThrow();
    const mute = propertiesOf(schema).filter(([, { description }]) => !description);
    expect(mute.map(([path]) => path)).toEqual([]);
  });
});

const HEADER = /^# yaml-language-server: \$schema=(\S+)$/;
const PACKAGE = "node_modules/dataform-postgres/";

function yamlFiles(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (/^\.|^(?:node_modules|dist|target)$/.test(entry.name)) return [];
    const path = join(folder, entry.name);
    // Projects as Dataform has them, which know nothing of ours.
    if (path === join(root, "test/compat/projects")) return [];
    if (entry.isDirectory()) return yamlFiles(path);
    return /\.ya?ml$/.test(entry.name) ? [path] : [];
  });
}

/** Where an editor finds the schema: beside the file. In a project of its own the package is installed. */
function schemaOf(file: string, header: string): string {
  const path = resolve(dirname(file), header);
  const [project, inPackage] = path.split(`/${PACKAGE}`);
  return inPackage === undefined || !existsSync(join(project!, "package.json")) ? path : join(root, inPackage);
}

/** A schema is compiled for seconds, and most files have the same one. */
const validators = new Map<string, ValidateFunction>();
function validatorOf(path: string): ValidateFunction {
  const known = validators.get(path);
  if (known) return known;
  const schema = JSON.parse(readFileSync(path, "utf8")) as object;
  const validate = strictly().compile(schema);
  validators.set(path, validate);
  return validate;
}

test.each(yamlFiles(root).map((file) => relative(root, file)))("%s names its schema, and is of it", (name) => {
  const file = join(root, name);
  const text = readFileSync(file, "utf8");
  const [, header] = HEADER.exec(text.split("\n")[0]!) ?? [];
  expect(header, "its first line is # yaml-language-server: $schema=<path relative to the file>").toBeDefined();
  const validate = validatorOf(schemaOf(file, header!));
  validate(parseYaml(text, name).value);
  expect(validate.errors).toBeNull();
});

describe("dataform.json, whose schema VS Code's settings name", () => {
  const settings = (text: string) =>
    (JSON.parse(text) as { "json.schemas": { fileMatch: string[]; url: string }[] })["json.schemas"][0]!;

  test("is of it, here and in the examples", () => {
    const { fileMatch, url } = settings(readFileSync(join(root, ".vscode/settings.json"), "utf8"));
    const validate = strictly().compile(JSON.parse(readFileSync(join(root, url), "utf8")) as object);
    const examples = readdirSync(join(root, "examples")).map((name) => `examples/${name}`);
    expect(fileMatch).toEqual(["/dataform.json", "/examples/*/dataform.json"]);
    for (const folder of [".", ...examples.filter((name) => existsSync(join(root, name, "dataform.json")))]) {
      validate(JSON.parse(readFileSync(join(root, folder, "dataform.json"), "utf8")));
      expect(validate.errors).toBeNull();
    }
  });

  test("is documented with a path that leads to the package in a project that has it", () => {
    const start = readFileSync(join(root, "docs/start.md"), "utf8");
    const json = [...start.matchAll(/```json\n([\s\S]*?)```/g)].map(([, text]) => text!);
    const { url } = settings(json.find((text) => text.includes("json.schemas"))!);
    expect(url).toBe(`./${PACKAGE}schemas/dataform.json`);
    const [, header] = /`# yaml-language-server: \$schema=(\S+)`/.exec(start)!;
    expect(header).toBe(`${PACKAGE}schemas/workflow_settings.json`);
    const keys = Object.entries(published.dataform.properties as Record<string, { deprecated?: boolean }>);
    const missing = keys.filter(([key, { deprecated }]) => !deprecated && !start.includes(`\`${key}\``));
    expect(missing).toEqual([]);
  });
});

const docs = ["docs/ingest.md", ...readdirSync(join(root, "docs/sources")).map((name) => `docs/sources/${name}`)].map(
  (name) => ({ name, text: readFileSync(join(root, name), "utf8") }),
);

describe("the documentation of declarations", () => {
  test("names the schema as an editor finds it in a project that has the package", () => {
    const headers = docs.flatMap(({ text }) => [...text.matchAll(/^# yaml-language-server: \$schema=(\S+)/gm)]);
    const found = headers.map(([, header]) => resolve("/project/ingest", header!));
    expect(found.length).toBeGreaterThan(0);
    expect(new Set(found)).toEqual(new Set([`/project/${PACKAGE}schemas/ingest.json`]));
    const { files } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { files: string[] };
    expect(files).toContain("schemas");
  });

  test("mentions every key that there is", () => {
    const text = docs.map((page) => page.text).join("\n");
    const keys = new Set(propertiesOf(published.ingest as Schema).map(([path]) => path.split(".").at(-1)!));
    const missing = [...keys].filter((key) => !new RegExp(`(?<![\\w-])"?${key}"?(?=[:\`\\n])`).test(text));
    expect(missing).toEqual([]);
  });

  const declarations = docs.flatMap(({ name, text }) =>
    [...text.matchAll(/```yaml\n((?:#.*\n)*(?:version|source):[\s\S]*?)```/g)].map(([, yaml], index) => ({
      title: `${name}, the ${index + 1}. declaration`,
      yaml: yaml!,
    })),
  );

  test.each(declarations)("shows what a declaration may say: $title", ({ yaml }) => {
    const source = /^source: (\w+)/m.exec(yaml)![1];
    expect(() => checkIngest(parseYaml(yaml, `ingest/${source}.yaml`))).not.toThrow();
  });
});
