import type {
  collectConnector,
  filesConnector,
  paging,
  restConnector,
  soapConnector,
  sqlConnector,
} from "../schemas/ingest/connectors.ts";
import type { FormatName, formats } from "../schemas/ingest/formats.ts";
import type { auth, http, retry } from "../schemas/ingest/http.ts";
import type { kafkaConnector, kafkaRead } from "../schemas/ingest/kafka.ts";
import type { s3 } from "../schemas/ingest/s3.ts";
import type {
  batch,
  collectRead,
  commonStream,
  filesRead,
  partition,
  restCursor,
  restRead,
  soapRead,
  sqlRead,
} from "../schemas/ingest/streams.ts";
import type { ConnectionSettings } from "./connection-settings.ts";
import type { Declared, DeclaredObject } from "./declared.ts";
import type { SourceLocation } from "./errors.ts";

// What the YAML says and what a field means stands in src/schemas/ingest/; here is what reading makes of it.

export { Secret } from "./secret.ts";

/** The columns that every raw table ends with. */
export const RAW_COLUMNS = [
  { name: "_load_id", type: "bigint", description: "Load that landed the row, see _load" },
  { name: "_row_no", type: "bigint", description: "Place of the record within its load" },
  { name: "_extra", type: "jsonb", description: "Fields the schema does not know, if any" },
] as const;

/** The one more that a table has which is partitioned by the day of the load. */
export const RAW_LOAD_DATE = {
  name: "_load_date",
  type: "date",
  description: "UTC day of the load",
} as const;

/** The columns that a table of events has besides: what was said around each, and when it came. */
export const EVENT_COLUMNS = [
  { name: "_event_id", type: "text", description: "The event, as its sender calls it: once for each write key" },
  { name: "_write_key", type: "text", description: "Name of the key that it was sent with; empty without one" },
  {
    name: "_occurred_at",
    type: "timestamp with time zone",
    description: "When it happened by the sender's clock, as it said; NULL where it did not",
  },
  {
    name: "_sent_at",
    type: "timestamp with time zone",
    description: "When this try to send it began by the sender's clock; NULL where it did not say",
  },
  { name: "_received_at", type: "timestamp with time zone", description: "When it came, by the collector's clock" },
  {
    name: "_event_at",
    type: "timestamp with time zone",
    description: "When it happened: _occurred_at, put right where the sender's clock is off by more than is allowed",
  },
] as const;

/** The columns that a table of a topic has where they are asked for, by what `metadata` calls them. */
export const KAFKA_COLUMNS = {
  key: { name: "_key", type: "text", description: "The key of the record" },
  headers: {
    name: "_headers",
    type: "jsonb",
    description: "Its headers: a text by name, a list of texts where a name is given twice",
  },
  timestamp: {
    name: "_timestamp",
    type: "timestamp with time zone",
    description: "When it was made by its producer's clock, or appended by the broker's, as the topic is set",
  },
  topic: { name: "_topic", type: "text", description: "The topic" },
  partition: { name: "_partition", type: "integer", description: "The partition of the topic" },
  offset: { name: "_offset", type: "bigint", description: "The place in the partition" },
} as const;

/** The one more where tombstones land. */
export const TOMBSTONE_COLUMN = {
  name: "_tombstone",
  type: "boolean",
  description: "Whether the record has a key and no value: what the key stood for is gone",
} as const;

/** Tables of landing itself, beside the raw ones. */
export const LEDGERS = [
  "_load",
  "_rejected",
  "_file",
  "_drift",
  "_current_load",
  "_event_key",
  "_kafka_offset",
  "_spool_place",
  "_archive",
] as const;

/** The view of the loads whose rows count now. */
export const CURRENT_LOADS = "_current_load";

/** The view of the rows of a raw table that count now; none for a name that leaves no room for it in PostgreSQL's 63 bytes. */
export const currentViewOf = (table: string): string | undefined =>
  Buffer.byteLength(table) <= 55 ? `${table}_current` : undefined;

/** One `ingest/<source>.yaml`, checked, with its variables filled in and its record schemas read. */
export interface IngestDeclaration {
  /** The file it was declared in, for messages. */
  readonly file: string;
  readonly source: string;
  /** The PostgreSQL schema of the raw tables, of `_load` and of `_rejected`. */
  readonly schema: string;
  readonly connector: ConnectorDeclaration;
  readonly streams: readonly StreamDeclaration[];
}

/** Where the records of a source come from. */
export type ConnectorDeclaration =
  | RestDeclaration
  | FilesDeclaration
  | SqlDeclaration
  | SoapDeclaration
  | CollectDeclaration
  | KafkaDeclaration;
export type ConnectorKind = ConnectorDeclaration["kind"];

/** What every source that speaks HTTP has. */
export type HttpDeclaration = DeclaredObject<typeof http>;
/** Exactly one of them. */
export type AuthDeclaration = Declared<typeof auth>;
export type RetryDeclaration = Declared<typeof retry>;
/** Exactly one of the four kinds, told by which of its fields is there. */
export type PagingDeclaration = Declared<typeof paging>;

export interface RestDeclaration extends Declared<typeof restConnector> {
  readonly kind: "rest";
}

export interface SoapDeclaration extends Declared<typeof soapConnector> {
  readonly kind: "soap";
}

/** Files in a folder of some place. */
export interface FilesDeclaration extends Declared<typeof filesConnector> {
  readonly kind: "files";
  /** Relative `at` begins here. */
  readonly projectDir: string;
}

/** Events that are sent here. Times are in milliseconds. */
export interface CollectDeclaration
  extends Omit<Declared<typeof collectConnector>, "dedupe" | "clockSkew" | "produce" | "spool"> {
  readonly kind: "collect";
  readonly dedupe: number;
  readonly clockSkew: number;
  readonly produce?: ProduceDeclaration;
  readonly spool?: SpoolDeclaration;
}

/** Where events wait on the disk while the database does not answer. */
export interface SpoolDeclaration {
  /** Of the source alone. */
  readonly folder: string;
  /** Milliseconds. */
  readonly for: number;
  readonly maxBytes: number;
}

/** Bytes that are sent to a topic at once: Kafka takes 1 MB, where nothing else is set. */
export const MOST_PRODUCED = 900_000;

/** The queue between the collectors of a source and those who land its events. */
export interface ProduceDeclaration extends Pick<KafkaStream, "group" | "start"> {
  readonly cluster: KafkaDeclaration;
  readonly topic: string;
  /** A field of the data whose values keep their order. */
  readonly key?: string;
}

/** Topics of Kafka. */
export interface KafkaDeclaration extends Omit<Declared<typeof kafkaConnector>, "brokers"> {
  readonly kind: "kafka";
  /** host:port of each. */
  readonly brokers: readonly string[];
  /** Where the client is looked for, and what files are relative to. */
  readonly projectDir: string;
}

/** Another database. */
export interface SqlDeclaration extends Declared<typeof sqlConnector> {
  readonly kind: "sql";
  readonly dialect: "postgres" | "mysql" | "sqlserver";
  /** Where optional drivers are looked for. */
  readonly projectDir: string;
  /** Of a PostgreSQL; a function, so that no password stands in the declaration. */
  readonly settings?: () => ConnectionSettings;
}

/** What a stream takes from its source; one kind for each kind of connector. */
export type StreamConnector = RestStream | FileStream | SqlStream | SoapStream | CollectStream | KafkaStream;

export interface RestStream extends Declared<typeof restRead> {
  readonly kind: "rest";
}

export interface SoapStream extends Declared<typeof soapRead> {
  readonly kind: "soap";
}

/** Events of one type and version. */
export interface CollectStream extends Omit<Declared<typeof collectRead>, "type"> {
  readonly kind: "collect";
  readonly type: string;
}

/** Records of topics. */
export interface KafkaStream extends Omit<Declared<typeof kafkaRead>, "topic" | "schema"> {
  readonly kind: "kafka";
  readonly group: string;
  readonly topics: readonly string[];
  /** The text of the schema where no registry has it, and its file. */
  readonly schema?: { readonly file: string; readonly text: string };
}

export interface FileStream extends Declared<typeof filesRead> {
  readonly kind: "files";
  readonly format: FormatOptions;
}

/** Exactly one of `from` and `query`. */
export interface SqlStream extends Declared<typeof sqlRead> {
  readonly kind: "sql";
  /** Where the table or the query is declared, for messages. */
  readonly askedAt: SourceLocation;
}

const formatNames: Readonly<Record<FormatName, true>> = {
  csv: true,
  ndjson: true,
  json: true,
  xml: true,
  avro: true,
  parquet: true,
  xlsx: true,
};
export const FORMATS = Object.keys(formatNames) as FormatName[];

/** How bytes become records: the options of a format, and its name. */
export type FormatOptions =
  | CsvOptions
  | { readonly [Kind in Exclude<FormatName, "csv">]: OptionsOf<Kind> }[Exclude<FormatName, "csv">];

/** @typeParam Kind the name of a format */
export type OptionsOf<Kind extends FormatName> = Declared<(typeof formats)[Kind]> & { readonly kind: Kind };

export type CsvOptions = Omit<OptionsOf<"csv">, "null"> & {
  readonly escape: string;
  /** Unquoted cells of these texts are NULL. */
  readonly null: readonly string[];
};
export type XmlOptions = Omit<OptionsOf<"xml">, "kind">;

export interface StreamDeclaration extends Omit<Declared<typeof commonStream>, "recordSchema" | "batch" | "freshness"> {
  readonly recordSchema: RecordSchema;
  readonly cursor?: CursorDeclaration;
  readonly connector: StreamConnector;
  readonly batch: BatchDeclaration;
  readonly freshness?: FreshnessDeclaration;
}

/** How new a stream is to be. At least one of the two limits is there. */
export interface FreshnessDeclaration {
  /** Seconds. */
  readonly warn?: number;
  /** Seconds; not less than `warn`. */
  readonly error?: number;
  /** The column whose newest value counts, in place of the last load. */
  readonly by?: string;
}

/** What one load says about the records that it does not hold. docs/ingest.md explains the kinds. */
export interface BatchDeclaration extends Omit<Declared<typeof batch>, "maxShrink"> {
  /** full: a load with fewer rows than the one before, by more than this share, is refused. */
  readonly maxShrink: number;
}

/** How a raw table is split. By load date it has a column `_load_date`. */
export type PartitionDeclaration = Declared<typeof partition>;

/** Where partitions are archived to: the whole path of a folder, or `s3://bucket/prefix` with the store and its keys. */
export type ArchiveDeclaration = NonNullable<PartitionDeclaration["archive"]>;

/** A store that speaks the protocol of S3, and its keys. */
export type S3Options = Declared<typeof s3>;

/** What the next load goes on from; `param` is of rest. */
export type CursorDeclaration = Declared<typeof restCursor>;

/** A number as it is written, and the keys and indexes that lead to it. */
export interface WrittenNumber {
  readonly path: readonly (string | number)[];
  readonly text: string;
}

/** The JSON Schema of a record, and the columns it gives. */
export interface RecordSchema {
  readonly file: string;
  readonly schema: Readonly<Record<string, unknown>>;
  /** Numbers of the schema that JavaScript cannot hold. */
  readonly bentNumbers?: readonly WrittenNumber[];
  readonly description?: string;
  readonly columns: readonly RawColumn[];
}

export interface RawColumn {
  readonly name: string;
  /** As it was declared; a load asks the server what it calls the type: "decimal(10, 2)" is numeric(10,2). */
  readonly type: string;
  /** Of a domain: what it is of. Told by the server. */
  readonly base?: string;
  readonly description?: string;
}
