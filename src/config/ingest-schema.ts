const name = { type: "string", pattern: "^[a-z_][a-z0-9_]{0,50}$", description: "lower-case letters, digits and _" };
const text = { type: "string", minLength: 1 };
const secret = {
  type: "string",
  // Never shown: it may be a password written down by mistake.
  writeOnly: true,
  pattern: "^\\$\\{[A-Za-z_][A-Za-z0-9_]*\\}$",
  description: "a secret is never written down here: name its environment variable as ${NAME}",
};
const texts = { type: "object", additionalProperties: { type: "string" } };
const hosts = {
  type: "array",
  items: text,
  description: "other hosts that links, redirects and downloads may lead to, never with the credentials",
};

const object = (properties: object, required: readonly string[] = [], rest: object = {}) => ({
  type: "object",
  additionalProperties: false,
  required: [...required],
  properties,
  ...rest,
});

const retry = object({
  attempts: { type: "integer", minimum: 1, maximum: 20, description: "tries per request" },
  maxDelaySeconds: { type: "number", minimum: 0, maximum: 3600, description: "the longest wait" },
});
const timeoutSeconds = { type: "number", exclusiveMinimum: 0, description: "one request, to its last byte" };

const auth = object(
  {
    bearer: secret,
    header: object({ name: text, value: secret }, ["name", "value"]),
    basic: object({ user: text, password: secret }, ["user", "password"]),
    oauth2: object(
      {
        grant: { enum: ["client_credentials", "refresh_token"], description: "client_credentials unless said" },
        tokenUrl: text,
        clientId: text,
        clientSecret: secret,
        refreshToken: secret,
        scope: text,
      },
      ["tokenUrl", "clientId", "clientSecret"],
    ),
  },
  [],
  { minProperties: 1, maxProperties: 1, description: "one of bearer, header, basic, oauth2" },
);

const http = {
  baseUrl: { ...text, description: "where the API lives, usually ${NAME}_API_URL" },
  auth,
  headers: { ...texts, description: "headers of every request" },
  retry,
  timeoutSeconds,
  allowHosts: hosts,
};

const codes = { type: "array", items: text };
const status = object(
  {
    path: { ...text, description: "where an answer of HTTP 200 holds its code, such as code" },
    ok: { ...codes, minItems: 1, description: "codes of success" },
    retry: { ...codes, description: "codes that another try may mend" },
  },
  ["path", "ok"],
);

const paging = object({
  cursorParam: { ...text, description: "the query parameter that carries the cursor" },
  cursorPath: { ...text, description: "where the answer holds the next cursor, such as meta.next" },
  pageParam: { ...text, description: "the query parameter that counts pages" },
  firstPage: { type: "integer", minimum: 0, description: "the number of the first page; 1 unless said" },
  offsetParam: { ...text, description: "the query parameter that counts records" },
  nextLink: { ...text, description: "where the answer holds the URL of the next page, or link for the Link header" },
  limitParam: { ...text, description: "the query parameter for the size of a page" },
  limit: { type: "integer", minimum: 1, description: "records per page" },
  totalPath: { ...text, description: "where the answer holds the number of all records" },
  maxPages: { type: "integer", minimum: 1, description: "more pages than this are an endless answer" },
});

const connectors = {
  rest: object({ ...http, paging, status }, ["baseUrl"]),
  soap: object(http, ["baseUrl"]),
  files: object(
    {
      at: { ...text, description: "a folder, or https://…, s3://bucket/prefix, ftp://…, ftps://…, sftp://…" },
      s3: object({
        endpoint: { ...text, description: "of a store that is not Amazon's" },
        region: text,
        accessKeyId: secret,
        secretAccessKey: secret,
        sessionToken: secret,
      }),
      user: text,
      password: secret,
      privateKey: secret,
      hostKey: { ...text, description: "the SHA-256 of the server's key, as ssh-keygen -l shows it" },
      headers: texts,
      retry,
      timeoutSeconds,
      allowHosts: hosts,
    },
    ["at"],
  ),
  sql: object({ url: { ...secret, description: "the database as ${NAME}, for it holds the password" } }, ["url"]),
} as const;

const xmlFields = {
  record: { ...text, description: "the element of one record" },
  fields: { ...texts, minProperties: 1, description: "field: path below the record" },
};
const encoding = { ...text, description: "utf-8 unless said" };

/** Options of each format, under the format's name. */
const formats = {
  csv: object({
    delimiter: { type: "string", minLength: 1, maxLength: 1, description: "one character; , unless said" },
    quote: { type: "string", minLength: 1, maxLength: 1, description: 'one character; " unless said' },
    escape: { type: "string", minLength: 1, maxLength: 1, description: "one character; the quote unless said" },
    header: { type: "boolean", description: "whether the first line names the columns; true unless said" },
    encoding,
    null: { type: "string", description: "an unquoted cell of this text is NULL; empty unless said" },
    skipLines: { type: "integer", minimum: 0, description: "lines before the header" },
    trailer: { ...text, description: "what the line after the records begins with" },
    columns: { ...texts, description: "header: field, where the file calls its columns otherwise" },
    finalNewline: { type: "boolean", description: "false where the last line has no line end; true unless said" },
  }),
  ndjson: object({ encoding }),
  json: object({ records: { type: "string", description: "where the list of records is, such as data" } }),
  xml: object(xmlFields, ["record", "fields"]),
  avro: object({}),
  parquet: object({}),
} as const;

const batch = object(
  {
    kind: { enum: ["log", "partial", "full", "slice"], description: "what a load says about records it does not hold" },
    by: { type: "array", minItems: 1, items: text, description: "slice: the fields that name a slice" },
    maxShrink: { type: "string", pattern: "^\\d+(\\.\\d+)?%$", description: "full: the largest loss, such as 20%" },
    asOf: { ...text, description: "a regular expression with one group: the date in the file's path" },
  },
  ["kind"],
);

const partition = object(
  {
    by: { enum: ["load_date", "column"], description: "load_date or column" },
    every: { enum: ["day", "month"], description: "load_date: day or month" },
    column: { ...text, description: "column: its name" },
    values: { type: "array", minItems: 1, items: text, description: "column: values with a partition each" },
    keepDays: { type: "integer", minimum: 1, description: "load_date: older partitions are dropped" },
  },
  ["by"],
);

const common = {
  name,
  table: { ...name, description: "the raw table: lower-case letters, digits and _" },
  recordSchema: { ...text, description: "the JSON Schema of one record, relative to this file" },
  batch,
  drift: { enum: ["evolve", "freeze", "quarantine"], description: "what to do about fields the schema does not know" },
  partition,
  indexes: {
    type: "array",
    minItems: 1,
    items: { type: "array", minItems: 1, uniqueItems: true, items: text },
    description: "indexes of the raw table, each a list of columns, such as [[customer_id]]",
  },
};
const cursorField = { ...text, description: "the field of a record that only grows" };
const cursorOrder = { enum: ["bytes"], description: "of a text whose values only grow by their bytes, such as a ULID" };
const regexp = { ...text, description: "a regular expression with one group" };

const streams = {
  rest: object(
    {
      ...common,
      path: { type: "string", pattern: "^/", description: "the path under baseUrl, beginning with /" },
      records: { type: "string", description: "where the answer holds the list of records, such as data" },
      recordsOptional: { type: "boolean", description: "an answer without the list has no records" },
      params: { ...texts, description: "query parameters" },
      body: { type: "object", description: "the JSON by which pages are asked for, with POST" },
      cursor: object(
        {
          field: cursorField,
          order: cursorOrder,
          param: { ...text, description: "the query parameter that asks for records from a value on" },
        },
        ["field"],
      ),
      window: object(
        {
          startParam: { ...text, description: "the query parameter for the first day" },
          endParam: { ...text, description: "the query parameter for the last day" },
          start: {
            type: "string",
            pattern: "^\\d{4}-\\d\\d-\\d\\d$",
            description: "the first day, such as 2026-01-01",
          },
          days: { type: "integer", minimum: 1, description: "days per request" },
          lookbackDays: {
            type: "integer",
            minimum: 0,
            description: "days before the cursor, or before the last day asked for, that are read again",
          },
        },
        ["start", "days"],
      ),
      job: object(
        {
          method: { enum: ["POST", "GET"], description: "POST or GET" },
          body: { description: "the JSON that orders the report" },
          idPath: text,
          statusPath: { type: "string", pattern: "^/", description: "a path with {id}" },
          statusField: text,
          done: { type: "array", minItems: 1, items: text, description: "values of the status that say it is ready" },
          failed: { type: "array", items: text, description: "values that say it never will be" },
          resultPath: { type: "string", pattern: "^/", description: "a path with {id}" },
          resultUrlField: text,
          pollSeconds: { type: "number", exclusiveMinimum: 0, description: "seconds between questions" },
          timeoutSeconds: { type: "number", exclusiveMinimum: 0, description: "seconds until it is given up" },
        },
        ["idPath", "statusPath", "statusField", "done"],
      ),
    },
    ["name", "path", "table", "recordSchema"],
  ),
  soap: object(
    {
      ...common,
      path: { type: "string", pattern: "^/", description: "the path under baseUrl, beginning with /" },
      action: { type: "string", description: "the SOAPAction" },
      body: { ...text, description: "the XML inside soap:Body" },
      xml: formats.xml,
      version: { enum: ["1.1", "1.2"], description: '"1.1" or "1.2"' },
      cursor: object({ field: cursorField, order: cursorOrder }, ["field"]),
    },
    ["name", "path", "body", "xml", "table", "recordSchema"],
  ),
  files: object(
    {
      ...common,
      ...formats,
      files: { ...text, description: "a glob below files.at, such as orders-*.csv.gz" },
      format: { enum: Object.keys(formats), description: Object.keys(formats).join(", ") },
      changed: { enum: ["version", "refuse"], description: "a file that landed before, with new content" },
      settleSeconds: { type: "number", minimum: 0, description: "a file touched this recently is still being written" },
      doneSuffix: { ...text, description: "the ending of the file that says another is whole, such as .done" },
      sequence: regexp,
      minRows: { type: "integer", minimum: 0, description: "fewer records are an error" },
      maxBytes: { type: "integer", minimum: 1, description: "the largest file, unpacked" },
    },
    ["name", "files", "format", "table", "recordSchema"],
  ),
  sql: object(
    {
      ...common,
      from: { ...text, description: "schema.table" },
      query: { ...text, description: "one select" },
      cursor: object({ field: cursorField, order: cursorOrder }, ["field"]),
    },
    ["name", "table", "recordSchema"],
  ),
} as const;

export const ORIGIN_KINDS = ["rest", "files", "sql", "soap"] as const;

const title = "dataform-postgres ingest";
const $schema = "http://json-schema.org/draft-07/schema#";

function document(kind: (typeof ORIGIN_KINDS)[number]) {
  const properties = {
    version: { const: 1, description: "1" },
    source: name,
    schema: { ...name, description: "the PostgreSQL schema of the raw tables; raw unless said" },
    [kind]: connectors[kind],
    streams: { type: "array", minItems: 1, items: streams[kind], description: "at least one stream" },
  };
  return object(properties, ["version", "source", kind, "streams"]);
}

/** The JSON Schema of a declaration of each kind. */
export const ingestSchemas = {
  rest: document("rest"),
  files: document("files"),
  sql: document("sql"),
  soap: document("soap"),
} as const;

/** The JSON Schema of `ingest/<source>.yaml`, for editors. */
export const ingestSchema = { $schema, title, anyOf: ORIGIN_KINDS.map((kind) => ingestSchemas[kind]) } as const;
