const name = { type: "string", pattern: "^[a-z_][a-z0-9_]{0,50}$", description: "lower-case letters, digits and _" };
const text = { type: "string", minLength: 1 };

const rest = {
  type: "object",
  additionalProperties: false,
  required: ["baseUrl"],
  properties: {
    baseUrl: { ...text, description: "where the API lives, usually ${NAME}_API_URL" },
    auth: {
      type: "object",
      additionalProperties: false,
      required: ["bearer"],
      properties: {
        bearer: {
          type: "string",
          // Never shown: it may be a token written down by mistake.
          writeOnly: true,
          pattern: "^\\$\\{[A-Za-z_][A-Za-z0-9_]*\\}$",
          description: "a token is never written down here: name its environment variable as ${NAME}",
        },
      },
    },
    paging: {
      type: "object",
      additionalProperties: false,
      required: ["cursorParam", "cursorPath"],
      properties: {
        cursorParam: { ...text, description: "the query parameter that carries the cursor" },
        cursorPath: { ...text, description: "where the answer holds the next cursor, such as meta.next" },
        limitParam: { ...text, description: "the query parameter for the size of a page" },
        limit: { type: "integer", minimum: 1, description: "records per page" },
        totalPath: { ...text, description: "where the answer holds the number of all records" },
        maxPages: { type: "integer", minimum: 1, description: "more pages than this are an endless answer" },
      },
    },
    retry: {
      type: "object",
      additionalProperties: false,
      properties: {
        attempts: { type: "integer", minimum: 1, maximum: 20, description: "tries per request" },
        maxDelaySeconds: { type: "number", minimum: 0, maximum: 3600, description: "the longest wait" },
      },
    },
    timeoutSeconds: { type: "number", exclusiveMinimum: 0, description: "one request, to its last byte" },
  },
};

const stream = {
  type: "object",
  additionalProperties: false,
  required: ["name", "path", "table", "recordSchema"],
  properties: {
    name,
    path: { type: "string", pattern: "^/", description: "the path under baseUrl, beginning with /" },
    records: { type: "string", description: "where the answer holds the list of records, such as data" },
    table: { ...name, description: "the raw table: lower-case letters, digits and _" },
    recordSchema: { ...text, description: "the JSON Schema of one record, relative to this file" },
    params: { type: "object", additionalProperties: { type: "string" }, description: "fixed query parameters" },
    cursor: {
      type: "object",
      additionalProperties: false,
      required: ["field", "param"],
      properties: {
        field: { ...text, description: "the field of a record that only grows" },
        param: { ...text, description: "the query parameter that asks for records from a value on" },
      },
    },
  },
};

/** The JSON Schema of `ingest/<source>.yaml`, for this program and for editors. */
export const ingestSchema = {
  $schema: "http://json-schema.org/draft-07/schema#",
  title: "dataform-postgres ingest",
  type: "object",
  additionalProperties: false,
  required: ["version", "source", "rest", "streams"],
  properties: {
    version: { const: 1, description: "1" },
    source: name,
    schema: { ...name, description: "the PostgreSQL schema of the raw tables; raw unless said" },
    rest,
    streams: { type: "array", minItems: 1, items: stream, description: "at least one stream" },
  },
} as const;
