import { readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import {
  CURRENT_LOADS,
  currentViewOf,
  EVENT_COLUMNS,
  KAFKA_COLUMNS,
  RAW_COLUMNS,
  RAW_LOAD_DATE,
} from "../model/declarations.ts";
import { restated, UserError, userErrorsOf } from "../model/errors.ts";
import { ingestFiles } from "./ingest-files.ts";
import { kafkaColumns } from "./kafka.ts";
import { readRecordSchema } from "./record-schema.ts";
import { readYaml, type YamlFile } from "./yaml.ts";

/** A table that landing fills, as the project's declarations describe it. */
export interface RawTableDescription {
  /** The file that declares it first. */
  readonly file: string;
  readonly schema: string;
  readonly name: string;
  readonly description?: string;
  readonly columns: readonly { readonly name: string; readonly description: string }[];
  /** Whether its records are sent here, and not fetched. */
  readonly isCollected?: true;
}

export interface RawTables {
  readonly tables: readonly RawTableDescription[];
  /** What is wrong with files that cannot be read; their tables are missing. */
  readonly errors: readonly UserError[];
}

interface WrittenStream {
  readonly table: string;
  readonly recordSchema: string | object;
  readonly partition?: { readonly by?: string };
  readonly batch?: { readonly kind?: string };
  /** Of topics. */
  readonly metadata?: unknown;
  readonly tombstones?: unknown;
}

/** What a reader must know of a table that keeps every load. */
const BATCHES = new Map([
  ["full", "Every load is all there is: see _load"],
  ["slice", "A load replaces the part that it was asked for: see _load"],
]);

/**
 * The tables of every `ingest/*.yaml`, and the ledgers beside them. Only what they are called and hold is read: variables
 * need not be set, and the rest of a declaration is checked when it is used.
 */
export async function readRawTables(projectDir: string): Promise<RawTables> {
  const tables = new Map<string, RawTableDescription>();
  const errors: UserError[] = [];
  const add = (table: RawTableDescription) => {
    const key = `${table.schema}.${table.name}`;
    const known = tables.get(key);
    tables.set(key, known ? merged(known, table) : table);
  };
  for (const path of ingestFiles(projectDir)) {
    try {
      const yaml = readYaml(path, relative(projectDir, path) || path);
      const { schema, streams, isOfEvents } = await writtenIn(yaml);
      for (const [index, stream] of streams.entries()) {
        const described = describeStream(stream, dirname(path), projectDir);
        const record = "errors" in described ? { columns: [] } : described;
        const table = tableOf({ ...stream, isOfEvents }, schema, yaml.file, record);
        add(table);
        const current = currentViewOf(table.name);
        if (current !== undefined)
          add({ ...table, name: current, description: `The rows of ${table.name} that count now` });
        if ("errors" in described) {
          const place = yaml.locate(["streams", index, "recordSchema"]);
          errors.push(...described.errors.map((error) => (error.location ? error : restated(error, place))));
        }
      }
      for (const ledger of LEDGERS) add({ file: yaml.file, schema, columns: [], ...ledger });
    } catch (error) {
      errors.push(...mistakesIn(error));
    }
  }
  return { tables: [...tables.values()], errors };
}

interface Written {
  readonly schema: string;
  readonly streams: readonly WrittenStream[];
  /** Whether they are sent here, one by one. */
  readonly isOfEvents: boolean;
}

const LEDGERS = [
  { name: "_load", description: "The ledger of landing: every load of every stream" },
  { name: "_rejected", description: "Records that could not be landed, and why" },
  { name: "_file", description: "Files that landed, each version of each path" },
  { name: CURRENT_LOADS, description: "The loads whose rows count now" },
];

/** @throws UserError or UserErrors where the file does not say which tables it fills */
async function writtenIn(yaml: YamlFile): Promise<Written> {
  const written = (yaml.value ?? {}) as { schema?: unknown; streams?: unknown };
  const { schema = "raw", streams } = written;
  const names = (stream: unknown): stream is WrittenStream => {
    const { table, recordSchema } = (stream ?? {}) as Record<string, unknown>;
    return (
      isName(table) && (typeof recordSchema === "string" || (recordSchema !== null && typeof recordSchema === "object"))
    );
  };
  if (isName(schema) && Array.isArray(streams) && streams.every(names))
    return { schema, streams, isOfEvents: Object.hasOwn(written, "collect") };
  // The checks of a whole declaration take a while to load.
  (await import("./load-ingest.ts")).checkIngest(yaml);
  throw new UserError({
    message: "the declaration does not say which tables it fills",
    ...yaml.locate(["streams"], "key"),
    expected: "streams with table: and recordSchema:",
    hint: "see docs/ingest.md",
  });
}

function isName(value: unknown): value is string {
  return typeof value === "string" && /^[a-z_][a-z0-9_]*$/.test(value);
}

function tableOf(
  stream: WrittenStream & Pick<Written, "isOfEvents">,
  schema: string,
  file: string,
  record: Described,
): RawTableDescription {
  const around = stream.isOfEvents ? EVENT_COLUMNS : metadataOf(stream);
  const date = stream.partition?.by === "load_date" ? [RAW_LOAD_DATE] : [];
  const own = [...around, ...RAW_COLUMNS, ...date];
  return {
    file,
    schema,
    name: stream.table,
    ...(stream.isOfEvents ? { isCollected: true as const } : {}),
    ...descriptionOf(record.description, BATCHES.get(stream.batch?.kind ?? "log")),
    columns: [...record.columns, ...own.map(({ name, description }) => ({ name, description }))],
  };
}

/** The columns of a topic that are asked for, as far as they are written right. */
function metadataOf({ metadata, tombstones }: WrittenStream) {
  const asked = Array.isArray(metadata) ? metadata : [];
  const known = (Object.keys(KAFKA_COLUMNS) as (keyof typeof KAFKA_COLUMNS)[]).filter((one) => asked.includes(one));
  return kafkaColumns({ metadata: known, keyFormat: "text", tombstones: tombstones === "land" ? "land" : "skip" });
}

function descriptionOf(...sentences: readonly (string | undefined)[]): { readonly description?: string } {
  const said = sentences.flatMap((sentence) => (sentence ? [sentence.replace(/\.$/, "")] : []));
  return said.length ? { description: said.join(". ") } : {};
}

interface Described {
  readonly description?: string;
  readonly columns: readonly { readonly name: string; readonly description: string }[];
}

function describeStream({ recordSchema }: WrittenStream, folder: string, projectDir: string) {
  if (typeof recordSchema === "string") return describeRecord(join(folder, recordSchema), projectDir);
  return descriptionsOf(recordSchema) ?? { columns: [] };
}

/** What a JSON Schema says of its record, or what is wrong with it. */
function describeRecord(path: string, projectDir: string): Described | { readonly errors: readonly UserError[] } {
  try {
    const described = descriptionsOf(JSON.parse(readFileSync(path, "utf8")));
    if (described) return described;
  } catch {
    // Told below, with its place; or it is YAML.
  }
  try {
    const { schema } = readRecordSchema(path, relative(projectDir, path) || path);
    return descriptionsOf(schema) ?? { columns: [] };
  } catch (error) {
    return { errors: mistakesIn(error) };
  }
}

function descriptionsOf(schema: unknown): Described | undefined {
  const { properties, description } = (schema ?? {}) as { properties?: unknown; description?: unknown };
  if (properties === null || typeof properties !== "object") return undefined;
  const columns = Object.entries(properties as Record<string, { description?: unknown } | null>).flatMap(
    ([name, property]) =>
      typeof property?.description === "string" ? [{ name, description: property.description }] : [],
  );
  return { ...(typeof description === "string" ? { description } : {}), columns };
}

/** Two sources may fill one table: what the first one says of a column holds. */
function merged(first: RawTableDescription, second: RawTableDescription): RawTableDescription {
  const known = new Set(first.columns.map(({ name }) => name));
  return { ...second, ...first, columns: [...first.columns, ...second.columns.filter(({ name }) => !known.has(name))] };
}

/** @throws what is no mistake of a person */
function mistakesIn(error: unknown): readonly UserError[] {
  const mistakes = userErrorsOf(error);
  if (!mistakes) throw error;
  return mistakes;
}
