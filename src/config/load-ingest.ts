import { basename, dirname, join, relative } from "node:path";
import {
  type ConnectorKind,
  type CsvOptions,
  type IngestDeclaration,
  LEDGERS,
  type OptionsOf,
  RAW_LOAD_DATE,
  type RecordSchema,
  type StreamConnector,
  type StreamDeclaration,
} from "../model/declarations.ts";
import { UserError, UserErrors } from "../model/errors.ts";
import { nearest } from "../model/nearest.ts";
import type { ingestSchemas } from "../schemas/ingest/declaration.ts";
import { checkYaml } from "./check.ts";
import { checkProduceKey, collectOf } from "./collect.ts";
import { filesOf, restOf, soapOf, sqlOf } from "./connectors.ts";
import { checkCursor } from "./cursor.ts";
import { declare, variablesIn } from "./declare.ts";
import { type Environment, readEnvironment } from "./environment.ts";
import { freshnessOf } from "./freshness.ts";
import { kafkaOf, kafkaSchemaOf } from "./kafka.ts";
import { Place } from "./place.ts";
import { publishedSchema } from "./published.ts";
import { eventSchemaOf, readRecordSchema, recordSchemaOf } from "./record-schema.ts";
import {
  batchOf,
  type CommonStream,
  collectStreamOf,
  commonKeysOf,
  fileStreamOf,
  kafkaOwnOf,
  meaningOf,
  partitionOf,
  restStreamOf,
  soapStreamOf,
  sqlStreamOf,
} from "./streams.ts";
import { readYaml, type YamlFile, type YamlPath } from "./yaml.ts";

export interface LoadIngestOptions {
  /** Where `.env` is, and what file names in messages are relative to. */
  readonly projectDir?: string;
  /** Instead of the process environment and `.env`. */
  readonly env?: Environment;
  /**
   * The source itself is not asked: variables that only say where it is may be unset, and stand as they are written.
   * @default false
   */
  readonly withoutSource?: boolean;
}

/** What is found out in a folder. */
interface Surroundings {
  readonly projectDir: string;
  readonly env: Environment;
  /** Of the declaration; record schemas are relative to it. */
  readonly folder: string;
  /** The declaration, as messages name it. */
  readonly file: string;
}

/** Reads one declaration, with its record schemas. Every mistake in its shape is told at once. */
export function loadIngest(path: string, options: LoadIngestOptions = {}): IngestDeclaration {
  return ingestOf(readYaml(path, relative(options.projectDir ?? ".", path) || path), dirname(path), options);
}

/** The same of a declaration that was read. `folder` is where its record schemas are. */
export function ingestOf(yaml: YamlFile, folder: string, options: LoadIngestOptions = {}): IngestDeclaration {
  const projectDir = options.projectDir ?? ".";
  const kind = checkIngest(yaml);
  const given = options.env ?? readEnvironment(projectDir);
  const env = options.withoutSource ? { ...asWritten(yaml, kind), ...onlySet(given) } : given;
  return { file: yaml.file, ...declarationOf(kind, yaml, { projectDir, env, folder, file: yaml.file }) };
}

/** Each variable that only says where records are, in the connector or in what a stream asks of it, for itself. */
function asWritten({ value }: YamlFile, kind: ConnectorKind): Environment {
  const { [kind]: connector, streams, ...rest } = value as Readonly<Record<string, unknown>>;
  const means = (streams as readonly Readonly<Record<string, unknown>>[]).map(meaningOf);
  const needed = new Set(variablesIn([rest, means]));
  const names = variablesIn([connector, streams]).filter((name) => !needed.has(name));
  return Object.fromEntries(names.map((name) => [name, `\${${name}}`]));
}

function onlySet(env: Environment): Environment {
  return Object.fromEntries(Object.entries(env).filter(([, value]) => value));
}

/** @throws UserError or UserErrors for what is wrong in the file as it is written, variables aside */
export function checkIngest(yaml: YamlFile): ConnectorKind {
  const kind = kindOf(yaml);
  // Record schemas keep their numbers' digits themselves.
  const isOfRecords = ([, , key]: YamlPath) => key === "recordSchema";
  checkStreams(checkYaml(yaml, schemaOf(kind), isOfRecords), yaml);
  return kind;
}

const CONNECTOR_KINDS: readonly ConnectorKind[] = ["rest", "files", "sql", "soap", "collect", "kafka"];

/** Returns the schema of a declaration of one kind: that which has its key. */
function schemaOf<Kind extends ConnectorKind>(kind: Kind): (typeof ingestSchemas)[Kind] {
  const schema = publishedSchema("ingest").anyOf.find(({ properties }) => kind in properties);
  return schema as unknown as (typeof ingestSchemas)[Kind];
}

/** Which kind of source it is: told by the key that is there. */
function kindOf(yaml: YamlFile): ConnectorKind {
  const keys = yaml.value !== null && typeof yaml.value === "object" ? Object.keys(yaml.value) : [];
  const kinds = CONNECTOR_KINDS.filter((kind) => keys.includes(kind));
  if (kinds.length === 1) return kinds[0]!;
  const [first, second] = kinds;
  throw new UserError({
    message: first ? "a declaration has one source" : "the declaration does not say where its records come from",
    ...yaml.locate(second ? [second] : [], "key"),
    expected: `one of ${CONNECTOR_KINDS.map((kind) => `${kind}:`).join(", ")}`,
    ...(first ? { found: kinds.join(", ") } : {}),
    hint: first ? "make a file of each" : "see docs/ingest.md",
  });
}

function declarationOf(kind: ConnectorKind, yaml: YamlFile, around: Surroundings): Omit<IngestDeclaration, "file"> {
  const { projectDir, env } = around;
  const connectorPlace = new Place(yaml, [kind]);
  const streamsOf = <Stream extends CommonStream>(
    streams: readonly Stream[],
    connectorOf: (stream: Stream, place: Place) => StreamConnector,
    freshness: CommonStream["freshness"],
  ) =>
    streams.map((stream, index) => {
      const place = new Place(yaml, ["streams", index]);
      const ofAll = freshness && { declared: freshness, place: new Place(yaml, ["freshness"]) };
      // Whether there may be a cursor at all is said before what is wrong with it.
      return streamOf(stream, connectorOf(stream, place), place, { ...around, freshness: ofAll });
    });
  switch (kind) {
    case "rest": {
      const { source, schema, freshness, rest, streams } = declare(yaml, schemaOf(kind), env);
      const connector = restOf(rest, connectorPlace);
      return { source, schema, connector, streams: streamsOf(streams, restStreamOf, freshness) };
    }
    case "soap": {
      const { source, schema, freshness, soap, streams } = declare(yaml, schemaOf(kind), env);
      const connector = soapOf(soap, connectorPlace);
      return { source, schema, connector, streams: streamsOf(streams, soapStreamOf, freshness) };
    }
    case "sql": {
      const { source, schema, freshness, sql, streams } = declare(yaml, schemaOf(kind), env);
      const connector = sqlOf(sql, connectorPlace, projectDir);
      return { source, schema, connector, streams: streamsOf(streams, sqlStreamOf, freshness) };
    }
    case "collect": {
      const { source, schema, freshness, collect, streams } = declare(yaml, schemaOf(kind), env);
      const connector = collectOf(collect, connectorPlace, { source, projectDir });
      checkTypes(streams, yaml);
      const all = streamsOf(streams, collectStreamOf, freshness);
      if (connector.produce) checkProduceKey(connector.produce, all, connectorPlace.in("produce"));
      return { source, schema, connector, streams: all };
    }
    case "kafka": {
      const { source, schema, freshness, kafka, streams } = declare(yaml, schemaOf(kind), env);
      const connector = kafkaOf(kafka, connectorPlace, projectDir);
      const { folder } = around;
      const read = (stream: (typeof streams)[number], place: Place) =>
        kafkaOwnOf(stream, place, { source, connector, folder });
      return { source, schema, connector, streams: streamsOf(streams, read, freshness) };
    }
    case "files": {
      const { source, schema, freshness, files, streams } = declare(yaml, schemaOf(kind), env);
      const connector = filesOf(files, projectDir);
      return { source, schema, connector, streams: streamsOf(streams, fileStreamOf, freshness) };
    }
  }
}

function streamOf(
  stream: CommonStream,
  connector: StreamConnector,
  place: Place,
  {
    folder,
    projectDir,
    file,
    freshness,
  }: Surroundings & {
    readonly freshness:
      | { readonly declared: NonNullable<CommonStream["freshness"]>; readonly place: Place }
      | undefined;
  },
): StreamDeclaration {
  const { cursor, batch, partition } = stream;
  const { freshness: own, ...common } = commonKeysOf(stream);
  const fresh = own ? { declared: own, place: place.in("freshness") } : freshness;
  const declared = schemaOfRecords(stream.recordSchema, place, { folder, projectDir, file });
  const recordSchema = withOurs(declared, connector, place);
  checkFields(stream, recordSchema, place);
  if (connector.kind === "files" && "dates" in connector.format) checkDates(connector.format, recordSchema, place);
  if (cursor) checkCursor(cursor, recordSchema, place.in("cursor"));
  return {
    ...common,
    recordSchema,
    connector,
    batch: batchOf(batch, "window" in connector, place.in("batch")),
    ...(partition ? { partition: partitionOf(partition, place.in("partition"), projectDir) } : {}),
    ...(fresh ? { freshness: freshnessOf(fresh.declared, recordSchema, fresh.place) } : {}),
  };
}

/** The fields of the records, and the columns of ours beside them. */
function withOurs(declared: RecordSchema, connector: StreamConnector, place: Place): RecordSchema {
  if (connector.kind === "collect") return eventSchemaOf(declared, place);
  return connector.kind === "kafka" ? kafkaSchemaOf(declared, connector, place) : declared;
}

/** The schema that is declared in place, or in the file that is named. */
function schemaOfRecords(
  declared: CommonStream["recordSchema"],
  place: Place,
  { folder, projectDir, file }: Omit<Surroundings, "env">,
): RecordSchema {
  if (typeof declared !== "string") return recordSchemaOf(declared, file, place.in("recordSchema"));
  const path = join(folder, declared);
  return readRecordSchema(path, relative(projectDir, path) || path, place.value("recordSchema"));
}

/** Every field that a stream names is one of its records'. */
function checkFields(stream: CommonStream, { file, columns }: RecordSchema, place: Place): void {
  const { cursor, batch, partition, indexes } = stream;
  const known = columns.map((column) => column.name);
  const mustBeKnown = (field: string, ...at: YamlPath) => {
    if (known.includes(field)) return;
    const suggestion = nearest(field, known);
    throw new UserError({
      message: `the ${at[0] === "cursor" ? "cursor field" : "column"} "${field}" is not in ${file}`,
      ...place.value(...at),
      expected: `one of ${known.join(", ")}`,
      hint: suggestion && `did you mean "${suggestion}"?`,
    });
  };
  if (cursor) mustBeKnown(cursor.field, "cursor", "field");
  for (const [index, field] of (batch.by ?? []).entries()) mustBeKnown(field, "batch", "by", index);
  if (partition?.by === "load_date" && known.includes(RAW_LOAD_DATE.name))
    throw new UserError({
      message: `a table split by load_date has a column ${RAW_LOAD_DATE.name}, and so has ${file}`,
      ...place.value("partition", "by"),
      hint: "leave the field out: it is kept in _extra",
    });
  if (partition?.column) mustBeKnown(partition.column, "partition", "column");
  for (const [number, fields] of (indexes ?? []).entries())
    for (const [index, field] of fields.entries()) mustBeKnown(field, "indexes", number, index);
}

function checkDates(
  { kind, dates }: CsvOptions | OptionsOf<"xlsx">,
  { file, columns }: RecordSchema,
  place: Place,
): void {
  if (dates === undefined || typeof dates === "string") return;
  const dated = columns.filter(({ type }) => /^(?:date|timestamp)/i.test(type)).map(({ name }) => name);
  for (const field of Object.keys(dates)) {
    if (dated.includes(field)) continue;
    throw new UserError({
      message: `${kind}.dates names "${field}", which is no date or time in ${file}`,
      ...place.key(kind, "dates", field),
      expected: dated.length ? `one of ${dated.join(", ")}` : "a field with format: date or date-time",
    });
  }
}

/** Two streams of one type and version: nobody knows which of them an event belongs to. */
function checkTypes(
  streams: readonly (Pick<CommonStream, "name"> & { readonly type?: string; readonly version: number })[],
  yaml: YamlFile,
): void {
  const first = new Map<string, string>();
  for (const [index, { name, type = name, version }] of streams.entries()) {
    const key = JSON.stringify([type, version]);
    const other = first.get(key);
    if (other !== undefined)
      throw new UserError({
        message: `streams ${other} and ${name} both take version ${version} of ${type}`,
        ...yaml.locate(["streams", index, "name"]),
        expected: "another version, or another type",
      });
    first.set(key, name);
  }
}

/** What of a declaration is compared between its streams. */
interface Written {
  readonly source: string;
  readonly streams: readonly { readonly name: string; readonly table: string }[];
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
