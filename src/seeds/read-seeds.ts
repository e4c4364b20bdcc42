import { createReadStream, readdirSync, realpathSync, statSync } from "node:fs";
import { basename, join, sep } from "node:path";
import { Place } from "../config/place.ts";
import { recordSchemaOf } from "../config/record-schema.ts";
import { inferCsv } from "../infer/csv.ts";
import type { CsvOptions, RecordSchema } from "../model/declarations.ts";
import { restated, UserError, UserErrors } from "../model/errors.ts";
import { readCsv } from "../sources/formats/csv/read.ts";
import type { SourceRecord } from "../sources/json/document.ts";
import type { FilePosition } from "../sources/source.ts";
import { type SeedRow, seedQuery } from "./query.ts";
import { checkSaid, csvOf, readSaid, refuseGuesses } from "./said.ts";

/** A CSV of the repository, as the table that a run makes of it. */
interface Seed {
  /** Its path in the project. */
  readonly file: string;
  readonly name: string;
  readonly schema?: string;
  readonly description?: string;
  readonly columns: Readonly<Record<string, string>>;
  readonly query: string;
}

export interface Seeds {
  readonly seeds: readonly Seed[];
  readonly errors: readonly UserError[];
  /** On files beside them that nothing reads. */
  readonly notes: readonly string[];
}

const FOLDER = "seeds";
/** The rows stand in the SQL of their table. */
const MAX_BYTES = 4 * 1024 * 1024;

/** Reads `seeds/`: every CSV, and the YAML of its name. What is wrong with one does not keep the others from being read. */
export async function readSeeds(projectDir: string): Promise<Seeds> {
  const files = filesIn(projectDir, FOLDER);
  const seeds: Seed[] = [];
  const errors: UserError[] = [];
  const tables = files.filter((file) => /\.csv$/i.test(file));
  const beside = (file: string) => files.find((one) => /\.ya?ml$/.test(one) && stemOf(one) === stemOf(file));
  for (const file of tables) {
    try {
      seeds.push(await readSeed(projectDir, file, beside(file)));
    } catch (error) {
      if (error instanceof UserErrors) errors.push(...error.errors);
      else if (error instanceof UserError)
        errors.push(error.location ? error : restated(error, { location: { file } }));
      else throw error;
      // So that what refers to it is right as far as anybody knows.
      seeds.push({ file, name: nameOf(file), columns: {}, query: "select null as unread" });
    }
  }
  const stems = new Set(tables.map(stemOf));
  for (const file of files.filter((one) => /\.ya?ml$/.test(one) && !stems.has(stemOf(one))))
    errors.push(withoutTable(file));
  const unread = files.filter((file) => !/\.(?:csv|ya?ml|md)$/i.test(file) && !basename(file).startsWith("."));
  return { seeds, errors, notes: unread.map((file) => `${file} is not read: a seed is a .csv file (docs/models.md)`) };
}

function withoutTable(file: string): UserError {
  return new UserError({
    message: "there is no seed of this name",
    location: { file },
    expected: `${stemOf(file)}.csv`,
    hint: "each seed has a YAML of its own, with schema, description, columns, types and csv",
  });
}

function stemOf(file: string): string {
  return file.replace(/\.[^./]+$/, "");
}

function nameOf(file: string): string {
  return basename(file).replace(/\.csv$/i, "");
}

function filesIn(projectDir: string, folder: string): string[] {
  const path = join(projectDir, folder);
  if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) return [];
  return readdirSync(path, { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const inside = `${folder}/${entry.name}`;
      return entry.isDirectory() ? filesIn(projectDir, inside) : [inside];
    });
}

/** What a link leads to elsewhere is no part of the repository: it is another file on another machine. */
function refuseOutside(projectDir: string, file: string): void {
  const path = realpathOf(join(projectDir, file));
  if (path?.startsWith(realpathSync(projectDir) + sep)) return;
  throw new UserError({
    message: path === undefined ? "the link leads to nothing" : "the seed is a link that leads out of the project",
    location: { file },
    ...(path === undefined ? {} : { found: path }),
    hint: "copy the file into seeds/, or land it: dataform ingest infer <file>",
  });
}

function realpathOf(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined;
  }
}

async function readSeed(projectDir: string, file: string, described: string | undefined): Promise<Seed> {
  const name = nameOf(file);
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name) || name.length > 63)
    throw new UserError({
      message: "a seed is called like its file, and this is no name of a table",
      location: { file },
      expected: "letters, digits and _",
    });
  refuseOutside(projectDir, file);
  const { size } = statSync(join(projectDir, file));
  if (size > MAX_BYTES)
    throw new UserError({
      message: "the seed is larger than 4 MB",
      location: { file },
      found: `${(size / 1024 / 1024).toFixed(1)} MB`,
      hint: `move it to data/ and land it: dataform ingest infer data/${basename(file)}`,
    });
  const beside = readSaid(described === undefined ? undefined : join(projectDir, described), described ?? file);
  const { yaml, said } = beside;
  const open = () => createReadStream(join(projectDir, file));
  const found = await inferCsv(file, open, {});
  checkSaid(
    beside,
    found.fields.map((field) => field.name),
  );
  refuseGuesses(found.options, beside, file);
  const properties = found.fields.map(({ name, property }) => {
    const type = said.types?.[name];
    return [name, type === undefined ? property : { postgresType: type }] as const;
  });
  const schema = recordSchemaOf({ properties: Object.fromEntries(properties) }, file, new Place(yaml));
  const query = seedQuery(file, schema.columns, await rowsOf(open(), csvOf(found.options, beside), schema, file));
  const { schema: into, description, columns = {} } = said;
  return { file, name, query, columns, ...(into ? { schema: into } : {}), ...(description ? { description } : {}) };
}

/** @throws UserError for the first record that cannot be read, at its line */
async function rowsOf(
  bytes: AsyncIterable<Uint8Array>,
  options: CsvOptions,
  schema: RecordSchema,
  file: string,
): Promise<readonly SeedRow[]> {
  const rows: SeedRow[] = [];
  for await (const { records, rejected = [] } of readCsv(options, schema)(bytes)) {
    const [wrong] = rejected;
    if (wrong)
      throw new UserError({
        message: `the record cannot be read: ${wrong.reason}`,
        location: { file, ...(wrong.line === undefined ? {} : { line: wrong.line }) },
        found: wrong.text.slice(0, 200),
      });
    for (const record of records) {
      const cells = schema.columns.map(({ name }) => record.fieldText(name) ?? null);
      rows.push({ cells, line: (record as SourceRecord & FilePosition).line! });
    }
  }
  return rows;
}
