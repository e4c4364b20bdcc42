import { basename, dirname, join, relative } from "node:path";
import { UserError, UserErrors } from "../model/errors.ts";
import {
  type ConnectorKind,
  type IngestDeclaration,
  LEDGERS,
  RAW_LOAD_DATE,
  type StreamDeclaration,
} from "../model/ingest.ts";
import { nearest } from "../model/nearest.ts";
import { connectorOf } from "./connectors.ts";
import { checkCursor } from "./cursor.ts";
import { type Environment, readEnvironment } from "./environment.ts";
import { ingestSchemas, ORIGIN_KINDS } from "./ingest-schema.ts";
import { readRecordSchema } from "./record-schema.ts";
import { batchOf, partitionOf, streamOriginOf, type WrittenStream } from "./streams.ts";
import { validateYaml } from "./validate.ts";
import { fillVariables, readYaml, type YamlFile } from "./yaml.ts";

/** The file as written; `ingestSchemas` guarantee this shape. */
interface Written {
  readonly source: string;
  readonly schema?: string;
  readonly streams: readonly WrittenStream[];
}

export interface LoadIngestOptions {
  /** Where `.env` is, and what file names in messages are relative to. */
  readonly projectDir?: string;
  /** Instead of the process environment and `.env`. */
  readonly env?: Environment;
}

/** Reads one declaration, with its record schemas. Every mistake in it is told at once. */
export function loadIngest(path: string, options: LoadIngestOptions = {}): IngestDeclaration {
  const projectDir = options.projectDir ?? ".";
  const yaml = readYaml(path, relative(projectDir, path) || path);
  const kind = checkIngest(yaml);
  const env = options.env ?? readEnvironment(projectDir);
  const filled = fillVariables(yaml, env) as Written;
  const base = dirname(path);
  return {
    file: yaml.file,
    source: filled.source,
    schema: filled.schema ?? "raw",
    connector: connectorOf(kind, filled, yaml, projectDir),
    streams: filled.streams.map((stream, index) => streamOf(kind, stream, index, base, yaml, projectDir)),
  };
}

/** @throws UserError or UserErrors for what is wrong in the file as it is written, variables aside */
export function checkIngest(yaml: YamlFile): ConnectorKind {
  const kind = kindOf(yaml);
  checkStreams(validateYaml<Written>(yaml, ingestSchemas[kind]), yaml);
  return kind;
}

/** Which kind of source it is: told by the key that is there. */
function kindOf(yaml: YamlFile): ConnectorKind {
  const keys = yaml.value !== null && typeof yaml.value === "object" ? Object.keys(yaml.value) : [];
  const kinds = ORIGIN_KINDS.filter((kind) => keys.includes(kind));
  if (kinds.length === 1) return kinds[0]!;
  const [first, second] = kinds;
  throw new UserError({
    message: first ? "a declaration has one source" : "the declaration does not say where its records come from",
    ...yaml.locate(second ? [second] : [], "key"),
    expected: `one of ${ORIGIN_KINDS.map((kind) => `${kind}:`).join(", ")}`,
    ...(first ? { found: kinds.join(", ") } : {}),
    hint: first ? "make a file of each" : "see docs/ingest.md",
  });
}

function streamOf(
  kind: ConnectorKind,
  stream: WrittenStream,
  index: number,
  base: string,
  yaml: YamlFile,
  projectDir: string,
): StreamDeclaration {
  const path = join(base, stream.recordSchema);
  const recordSchema = readRecordSchema(path, relative(projectDir, path) || path);
  const { name, table, cursor, drift, batch, partition, indexes } = stream;
  const known = recordSchema.columns.map((column) => column.name);
  const mustBeKnown = (field: string, ...at: (string | number)[]) => {
    if (known.includes(field)) return;
    const suggestion = nearest(field, known);
    throw new UserError({
      message: `the ${at[0] === "cursor" ? "cursor field" : "column"} "${field}" is not in ${recordSchema.file}`,
      ...yaml.locate(["streams", index, ...at]),
      expected: `one of ${known.join(", ")}`,
      hint: suggestion && `did you mean "${suggestion}"?`,
    });
  };
  if (cursor) mustBeKnown(cursor.field, "cursor", "field");
  for (const [place, field] of (batch?.by ?? []).entries()) mustBeKnown(field, "batch", "by", place);
  if (partition?.by === "load_date" && known.includes(RAW_LOAD_DATE.name))
    throw new UserError({
      message: `a table split by load_date has a column ${RAW_LOAD_DATE.name}, and so has ${recordSchema.file}`,
      ...yaml.locate(["streams", index, "partition", "by"]),
      hint: "leave the field out: it is kept in _extra",
    });
  if (partition?.column) mustBeKnown(partition.column, "partition", "column");
  for (const [number, columns] of (indexes ?? []).entries())
    for (const [place, field] of columns.entries()) mustBeKnown(field, "indexes", number, place);
  // Whether there may be a cursor at all is said before what is wrong with it.
  const connector = streamOriginOf(kind, stream, index, yaml);
  if (cursor) checkCursor(cursor, recordSchema, index, yaml);
  return {
    name,
    table,
    recordSchema,
    ...(cursor ? { cursor } : {}),
    connector,
    batch: batchOf(stream, index, yaml),
    drift: drift ?? "evolve",
    ...(partition ? { partition: partitionOf(partition, index, yaml) } : {}),
    ...(indexes ? { indexes } : {}),
  };
}

/** Two streams of one name would share a cursor; two of one table are a slip. */
function checkStreams(written: Written, yaml: YamlFile): void {
  const errors: UserError[] = [];
  const expected = basename(yaml.file).replace(/\.ya?ml$/, "");
  if (written.source !== expected) {
    // Two files of one source would move each other's cursors.
    const message = "a source is called like its file";
    errors.push(new UserError({ message, ...yaml.locate(["source"]), expected, found: written.source }));
  }
  for (const key of ["name", "table"] as const) {
    const first = new Map<string, number>();
    for (const [index, stream] of written.streams.entries()) {
      const earlier = first.get(stream[key]);
      if (earlier === undefined) first.set(stream[key], index);
      else {
        const line = yaml.locate(["streams", earlier, key]).location.line;
        const message = `two streams have the ${key} "${stream[key]}", the other on line ${line}`;
        errors.push(new UserError({ message, ...yaml.locate(["streams", index, key]), hint: "rename one of them" }));
      }
    }
  }
  for (const [index, { table }] of written.streams.entries()) {
    if (!LEDGERS.some((ledger) => ledger === table)) continue;
    const message = `"${table}" is a table of landing itself`;
    errors.push(new UserError({ message, ...yaml.locate(["streams", index, "table"]), hint: "choose another name" }));
  }
  if (errors.length > 0) throw new UserErrors(errors);
}
