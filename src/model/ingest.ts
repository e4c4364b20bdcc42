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

/** One `ingest/<source>.yaml`, checked, with its variables filled in and its record schemas read. */
export interface IngestDeclaration {
  /** The file it was declared in, for messages. */
  readonly file: string;
  readonly source: string;
  /** The PostgreSQL schema of the raw tables, of `_load` and of `_rejected`. */
  readonly schema: string;
  readonly rest: RestDeclaration;
  readonly streams: readonly StreamDeclaration[];
}

export interface RestDeclaration {
  readonly baseUrl: string;
  readonly auth?: { readonly bearer: Secret };
  readonly paging?: PagingDeclaration;
  readonly retry: RetryDeclaration;
  /** One request, from connecting to the last byte. */
  readonly timeoutSeconds: number;
}

export interface PagingDeclaration {
  /** The query parameter that carries the cursor of the page before. */
  readonly cursorParam: string;
  /** Where the answer holds the next cursor; dots lead into objects. */
  readonly cursorPath: string;
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

export interface StreamDeclaration {
  readonly name: string;
  readonly path: string;
  /** Where the answer holds the list of records; "" when the answer is the list. */
  readonly records: string;
  readonly table: string;
  readonly recordSchema: RecordSchema;
  /** Fixed query parameters. */
  readonly params: Readonly<Record<string, string>>;
  readonly cursor?: CursorDeclaration;
}

export interface CursorDeclaration {
  /** The record's field that only grows. */
  readonly field: string;
  /** The query parameter that asks for records from a value on, that value included. */
  readonly param: string;
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
  /** As PostgreSQL's `format_type` writes it: "text", "timestamp with time zone", "numeric". */
  readonly type: string;
  readonly description?: string;
}
