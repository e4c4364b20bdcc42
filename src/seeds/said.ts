import { checkYaml } from "../config/check.ts";
import { checkCsv } from "../config/csv.ts";
import { Place } from "../config/place.ts";
import { publishedSchema } from "../config/published.ts";
import { parseYaml, readYaml, type YamlFile } from "../config/yaml.ts";
import { counted } from "../model/counted.ts";
import type { CsvOptions } from "../model/declarations.ts";
import type { Declared } from "../model/declared.ts";
import { restated, UserError } from "../model/errors.ts";
import { nearest } from "../model/nearest.ts";
import type { formats } from "../schemas/ingest/formats.ts";
import type { seedSchema } from "../schemas/seed.ts";
import { typeName } from "../sql/authored.ts";

/** What stands beside a seed, checked, and where. */
export interface SaidOfSeed {
  readonly yaml: YamlFile;
  readonly said: Declared<typeof seedSchema>;
}

/** @param file of the seed, in whose name an empty YAML is, where there is none */
export function readSaid(path: string | undefined, shownAs: string): SaidOfSeed {
  const yaml = path === undefined ? parseYaml("{}", shownAs) : readYaml(path, shownAs);
  return { yaml, said: checkYaml(yaml, publishedSchema("seed")) as Declared<typeof seedSchema> };
}

/** Every column that is named is one of the seed's, and every type is one. */
export function checkSaid({ yaml, said }: SaidOfSeed, fields: readonly string[]): void {
  for (const key of ["types", "columns"] as const) checkNames(Object.keys(said[key] ?? {}), fields, yaml, key);
  for (const [name, type] of Object.entries(said.types ?? {})) checkType(type, yaml, name);
}

function checkNames(given: readonly string[], fields: readonly string[], yaml: YamlFile, key: string): void {
  for (const name of given) {
    if (fields.includes(name)) continue;
    const suggestion = nearest(name, [...fields]);
    throw new UserError({
      message: `${key} names "${name}", which the seed does not have`,
      ...yaml.locate([key, name], "key"),
      expected: `one of ${fields.join(", ")}`,
      ...(suggestion === undefined ? {} : { hint: `did you mean "${suggestion}"?` }),
    });
  }
}

function checkType(type: string, yaml: YamlFile, name: string): void {
  try {
    typeName(type, `the type of "${name}"`);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    throw restated(error, yaml.locate(["types", name]));
  }
}

/** What a file of others may be, in the repository is a slip, or said. */
export function refuseGuesses(found: WrittenCsv, { said }: SaidOfSeed, file: string): void {
  const { quote = '"', header = true, skipLines = 0 } = found;
  if (quote !== '"' && said.csv?.quote === undefined)
    throw new UserError({
      message: "quotes of the seed do not close, or mean nothing",
      location: { file },
      hint: `close them, or write ${yamlOf(file)} with csv: { quote: ${JSON.stringify(quote)} }`,
    });
  if (skipLines && said.csv?.skipLines === undefined)
    throw new UserError({
      message: `${counted(skipLines, "line")} of the seed before its header ${skipLines === 1 ? "has" : "have"} other cells`,
      location: { file, line: 1 },
      hint: `take ${skipLines === 1 ? "it" : "them"} away, or write ${yamlOf(file)} with csv: { skipLines: ${skipLines} }`,
    });
  if (!header && said.csv?.header === undefined)
    throw new UserError({
      message: "the seed has no header: its first line is a record",
      location: { file },
      hint: "let the first line name the columns",
    });
}

/** The file that says so beside a seed. */
function yamlOf(file: string): string {
  return file.replace(/csv$/i, "yaml");
}

type WrittenCsv = Partial<Declared<(typeof formats)["csv"]>>;

/** How the file is written: as it was found, but where somebody says otherwise. */
export function csvOf(found: WrittenCsv, { yaml, said }: SaidOfSeed): CsvOptions {
  const plain = { delimiter: ",", quote: '"', header: true, encoding: "utf-8", null: "", forceNull: false } as const;
  const ends = { zeroBytes: "reject", skipLines: 0, finalNewline: true } as const;
  const options = { ...plain, ...ends, ...found, ...said.csv };
  checkCsv(options, new Place(yaml, ["csv"]));
  const { escape: escaping = options.quote } = options;
  return { kind: "csv", ...options, escape: escaping, null: [options.null].flat() };
}
