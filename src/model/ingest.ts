import type { ConnectionSettings } from "./connection-settings.ts";

/** A value that came from an environment variable and is never shown. */
export class Secret {
  readonly variable: string;
  readonly #value: string;

  constructor(variable: string, value: string) {
    this.variable = variable;
    this.#value = value;
  }

  /** The value itself, for the request and for nothing else. */
  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return `\${${this.variable}}`;
  }

  toJSON(): string {
    return this.toString();
  }
}

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

/** Tables of landing itself, beside the raw ones. */
export const LEDGERS = ["_load", "_rejected", "_file", "_drift"] as const;

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
export type ConnectorDeclaration = RestDeclaration | FilesDeclaration | SqlDeclaration | SoapDeclaration;
export type ConnectorKind = ConnectorDeclaration["kind"];

/** What every source that speaks HTTP has. */
export interface HttpDeclaration {
  readonly baseUrl: string;
  readonly auth?: AuthDeclaration;
  readonly headers?: Readonly<Record<string, string>>;
  readonly retry: RetryDeclaration;
  /** One request, from connecting to the last byte. */
  readonly timeoutSeconds: number;
  /** Hosts besides `baseUrl`'s that links, redirects and downloads may lead to; never with the credentials. */
  readonly allowHosts?: readonly string[];
}

export interface RestDeclaration extends HttpDeclaration {
  readonly kind: "rest";
  readonly paging?: PagingDeclaration;
  readonly status?: StatusDeclaration;
}

/** What an answer of HTTP 200 says about its success, for APIs that tell errors only there. */
export interface StatusDeclaration {
  /** Where the answer holds its code; an answer without one is good. */
  readonly path: string;
  readonly ok: readonly string[];
  /** Codes that another try may mend, such as that of a rate limit. */
  readonly retry: readonly string[];
}

export interface SoapDeclaration extends HttpDeclaration {
  readonly kind: "soap";
}

/** Exactly one of them. */
export interface AuthDeclaration {
  readonly bearer?: Secret;
  /** A header of the API's own, such as X-Api-Key. */
  readonly header?: { readonly name: string; readonly value: Secret };
  readonly basic?: { readonly user: string | Secret; readonly password: Secret };
  /** OAuth2: client credentials, or with a refresh token in the name of the user who gave it. */
  readonly oauth2?: {
    readonly tokenUrl: string;
    readonly clientId: string | Secret;
    readonly clientSecret: Secret;
    readonly refreshToken?: Secret;
    readonly scope?: string;
  };
}

/** Exactly one of the four kinds, told by which of its fields is there. */
export interface PagingDeclaration {
  /** Cursor: the query parameter that carries the cursor of the page before. */
  readonly cursorParam?: string;
  /** Cursor: where the answer holds the next cursor; dots lead into objects. */
  readonly cursorPath?: string;
  /** Page: the query parameter that counts pages. */
  readonly pageParam?: string;
  /**
   * Page: the number of the first page.
   * @default 1
   */
  readonly firstPage?: number;
  /** Offset: the query parameter that counts records. */
  readonly offsetParam?: string;
  /** Next link: where the answer holds the URL of the next page; "link" means the Link header. */
  readonly nextLink?: string;
  readonly limitParam?: string;
  readonly limit?: number;
  /** Where the answer holds the number of all records, to notice an answer that is cut short. */
  readonly totalPath?: string;
  readonly maxPages: number;
}

export interface RetryDeclaration {
  /** Tries per request, the first one included. */
  readonly attempts: number;
  /** No single wait is longer; a server that asks for more fails the stream. */
  readonly maxDelaySeconds: number;
}

/** Files in a folder of some place. */
export interface FilesDeclaration {
  readonly kind: "files";
  /** A folder, relative to the project, or https://…, s3://bucket/prefix, ftp://…, ftps://…, sftp://…. */
  readonly at: string;
  /** Relative `at` begins here. */
  readonly projectDir: string;
  readonly s3?: {
    /** Of a store that is not Amazon's, such as http://127.0.0.1:9000. */
    readonly endpoint?: string;
    readonly region?: string;
    readonly accessKeyId?: Secret;
    readonly secretAccessKey?: Secret;
    readonly sessionToken?: Secret;
  };
  readonly user?: string | Secret;
  readonly password?: Secret;
  /** sftp: the private key, and the host key's SHA-256 as `ssh-keygen -l` shows it. */
  readonly privateKey?: Secret;
  readonly hostKey?: string;
  readonly headers?: Readonly<Record<string, string | Secret>>;
  readonly retry: RetryDeclaration;
  readonly timeoutSeconds: number;
  readonly allowHosts?: readonly string[];
}

/** Another database. */
export interface SqlDeclaration {
  readonly kind: "sql";
  /** postgresql://…, mysql://…, mariadb://…, sqlserver://…; holds the password. */
  readonly url: Secret;
  readonly dialect: "postgres" | "mysql" | "sqlserver";
  /** Where optional drivers are looked for. */
  readonly projectDir: string;
  /** Of a PostgreSQL; a function, so that no password stands in the declaration. */
  readonly settings?: () => ConnectionSettings;
}

/** What a stream takes from its source; one kind for each kind of connector. */
export type StreamConnector = RestStream | FileStream | SqlStream | SoapStream;

export interface RestStream {
  readonly kind: "rest";
  readonly path: string;
  /** Where the answer holds the list of records; "" when the answer is the list. */
  readonly records: string;
  /** An answer without the list has no records; otherwise it is an error. */
  readonly recordsOptional?: boolean;
  /** Query parameters. */
  readonly params: Readonly<Record<string, string>>;
  /** JSON by which pages are asked for, with POST; what turns pages is put into it. */
  readonly body?: Readonly<Record<string, unknown>>;
  /** The range of time asked for, in windows of so many days, again from so many days before the cursor. */
  readonly window?: {
    readonly startParam?: string;
    readonly endParam?: string;
    /** ISO date of the first window. */
    readonly start: string;
    readonly days: number;
    readonly lookbackDays: number;
  };
  /** A report that is ordered, waited for and fetched. */
  readonly job?: {
    readonly method: "POST" | "GET";
    readonly body?: unknown;
    /** Where the answer holds the job's id. */
    readonly idPath: string;
    /** With {id}. */
    readonly statusPath: string;
    readonly statusField: string;
    readonly done: readonly string[];
    readonly failed: readonly string[];
    /** Path with {id}, or where the status answer holds a URL. */
    readonly resultPath?: string;
    readonly resultUrlField?: string;
    readonly pollSeconds: number;
    readonly timeoutSeconds: number;
  };
}

export interface SoapStream {
  readonly kind: "soap";
  /** The path under baseUrl. */
  readonly path: string;
  readonly action: string;
  /** The XML inside soap:Body; `{since}` stands for the cursor. */
  readonly body: string;
  readonly xml: XmlOptions;
  /** SOAP 1.1 unless "1.2". */
  readonly version: "1.1" | "1.2";
}

export interface FileStream {
  readonly kind: "files";
  /** A glob under the connector's `at`: *, ?, **, [abc], {a,b}. */
  readonly files: string;
  readonly format: FormatOptions;
  /** Files of a path that landed before and whose content is new: landed as another version, or refused. */
  readonly changed: "version" | "refuse";
  /** A file that was touched this recently may still be being written. */
  readonly settleSeconds: number;
  /** The file is whole when another one beside it, with this ending, is there, such as ".done". */
  readonly doneSuffix?: string;
  /** A number in the name, by a regular expression with one group, to tell of gaps. */
  readonly sequence?: string;
  /** Fewer records than this are an error. */
  readonly minRows?: number;
  /** Files at once; bytes of one file after unpacking. */
  readonly maxBytes: number;
}

export interface SqlStream {
  readonly kind: "sql";
  /** Exactly one of `from` (schema.table) and `query`. */
  readonly from?: string;
  readonly query?: string;
}

/** How bytes become records. */
export type FormatOptions = CsvOptions | NdjsonOptions | JsonOptions | XmlFormat | AvroOptions | ParquetOptions;

export interface CsvOptions {
  readonly kind: "csv";
  readonly delimiter: string;
  readonly quote: string;
  /** A doubled quote unless another character is said, such as a backslash. */
  readonly escape: string;
  /** The first line names the columns. Without it the columns are the schema's, in order. */
  readonly header: boolean;
  readonly encoding: string;
  /**
   * An unquoted cell of this text is NULL.
   * @default ""
   */
  readonly null: string;
  /** Lines before the header that are no records. */
  readonly skipLines: number;
  /** A line that begins with it ends the records; the number in it, if any, is the count of records. */
  readonly trailer?: string;
  /** Header → field, where the file calls its columns otherwise than the schema. */
  readonly columns?: Readonly<Record<string, string>>;
  /** Whether a last line without a line end means that the file is cut. */
  readonly finalNewline: boolean;
}

export interface NdjsonOptions {
  readonly kind: "ndjson";
  readonly encoding: string;
}

/** One JSON text: a list of records, or an object that holds one. */
export interface JsonOptions {
  readonly kind: "json";
  readonly records: string;
}

export interface XmlFormat extends XmlOptions {
  readonly kind: "xml";
}

export interface XmlOptions {
  /** The element of one record: a local name, or a path such as "Document/BkToCstmrStmt/Stmt/Ntry". */
  readonly record: string;
  /** Field → path below the record: "Amt", "Amt/@Ccy", "../Acct/Id/IBAN" (".." leads to what surrounds it), "NtryDtls/TxDtls[]" (a list). */
  readonly fields: Readonly<Record<string, string>>;
}

export interface AvroOptions {
  readonly kind: "avro";
}

export interface ParquetOptions {
  readonly kind: "parquet";
}

export interface StreamDeclaration {
  readonly name: string;
  readonly table: string;
  readonly recordSchema: RecordSchema;
  readonly cursor?: CursorDeclaration;
  readonly connector: StreamConnector;
  readonly batch: BatchDeclaration;
  /** Fields the schema does not know: kept in _extra (evolve), an error (freeze), or the record is rejected (quarantine). */
  readonly drift: "evolve" | "freeze" | "quarantine";
  readonly partition?: PartitionDeclaration;
  /** Indexes of the raw table, each a list of columns. What is no longer listed stays. */
  readonly indexes?: readonly (readonly string[])[];
}

/** What one load says about the records that it does not hold. docs/ingest.md explains the kinds. */
export interface BatchDeclaration {
  readonly kind: "log" | "partial" | "full" | "slice";
  /** slice: the fields whose values say which slices a load replaces. */
  readonly by?: readonly string[];
  /** full: a load with fewer rows than the one before, by more than this share, is refused. */
  readonly maxShrink: number;
  /** A regular expression with one group: the date or time the file is of, from its path. */
  readonly asOf?: string;
}

/** How a raw table is split. By load date it has a column `_load_date`. */
export interface PartitionDeclaration {
  readonly by: "load_date" | "column";
  /** load_date: one partition per day or month. */
  readonly every?: "day" | "month";
  /** column: its name, and the values that get a partition each; others go to a default one. */
  readonly column?: string;
  readonly values?: readonly string[];
  /** load_date: partitions of loads older than this are dropped. */
  readonly keepDays?: number;
}

export interface CursorDeclaration {
  /** The record's field that only grows. */
  readonly field: string;
  /** Of a text whose values only grow by their bytes, such as a ULID. */
  readonly order?: "bytes";
  /** rest: the query parameter that asks for records from a value on, that value included. */
  readonly param?: string;
}

/** The JSON Schema of a record, and the columns it gives. */
export interface RecordSchema {
  readonly file: string;
  readonly schema: Readonly<Record<string, unknown>>;
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
