import { Type } from "typebox";
import { anyText, byDefault, closed, duration, listOf, mapOf, name, oneOf, text, urlPath } from "../words.ts";
import { type FormatName, formats, recordsPath, xml } from "./formats.ts";
import { kafkaRead } from "./kafka.ts";
import { s3 } from "./s3.ts";

export const batch = closed(
  {
    kind: oneOf(
      ["log", "partial", "full", "slice"],
      "what a load says about records it does not hold: nothing (log), unchanged (partial), gone (full), gone within its slices (slice)",
    ),
    by: Type.Optional(listOf(text("a field"), "slice: the fields whose values name a slice", { minItems: 1 })),
    maxShrink: byDefault(
      "30%",
      Type.String({
        pattern: "^\\d+(\\.\\d+)?%$",
        description: "full: a load that is smaller than the one before by more than this is refused, such as 20%",
      }),
    ),
    asOf: Type.Optional(text("a regular expression with one group: the date or time the file is of, from its path")),
  },
  "what a load says about records it does not hold",
);

export const partition = closed(
  {
    by: oneOf(["load_date", "column"], "the day of the load, or the values of a column"),
    every: Type.Optional(oneOf(["day", "month"], "load_date: what one partition holds; day where it is not set")),
    column: Type.Optional(text("column: its name")),
    values: Type.Optional(
      listOf(text("a value"), "column: values with a partition each; others go to a default one", { minItems: 1 }),
    ),
    keepDays: Type.Optional(
      Type.Integer({ minimum: 1, description: "load_date: partitions of loads older than this are dropped" }),
    ),
    archive: Type.Optional(
      closed(
        {
          to: text("a folder, relative to the project, or s3://bucket/prefix: <table>/<day>.parquet is made below it"),
          s3: Type.Optional(s3),
        },
        "keepDays: where the rows of a partition are kept before it is dropped, as a Parquet file",
      ),
    ),
  },
  "how the raw table is split when it is made",
);

export const freshness = closed(
  {
    warn: Type.Optional(duration("dataform freshness warns of what is older")),
    error: Type.Optional(duration("dataform freshness ends with 1 for what is older")),
    by: Type.Optional(
      text(
        "the column of the raw table whose newest value counts, a date or a time; the last load where it is not set",
      ),
    ),
  },
  "how new a stream is to be",
  { minProperties: 1 },
);

/** What a stream of any source has. */
const common = {
  name: name("the stream"),
  table: name("the raw table"),
  recordSchema: Type.Unsafe<string | Readonly<Record<string, unknown>>>({
    type: ["string", "object"],
    minLength: 1,
    description: "the JSON Schema of one record: here, or the name of its file, relative to this one",
  }),
  batch: byDefault({ kind: "log" }, batch),
  drift: byDefault(
    "evolve",
    oneOf(
      ["evolve", "freeze", "quarantine"],
      "fields the schema does not know: kept in _extra (evolve), an error (freeze), or the record is rejected (quarantine)",
    ),
  ),
  partition: Type.Optional(partition),
  freshness: Type.Optional(freshness),
  indexes: Type.Optional(
    listOf(
      listOf(text("a column"), "the columns of one index", { minItems: 1, maxItems: 32, uniqueItems: true }),
      "indexes of the raw table, each a list of columns, such as [[customer_id]]; what is no longer listed stays",
      { minItems: 1 },
    ),
  ),
};

const cursorKeys = {
  field: text("the field of a record that only grows"),
  order: Type.Optional(oneOf(["bytes"], "of a text whose values only grow by their bytes, such as a ULID")),
};
const cursorMeaning = "where the next load goes on";
const cursor = closed(cursorKeys, cursorMeaning);
export const restCursor = closed(
  {
    ...cursorKeys,
    param: Type.Optional(text("the query parameter that asks for records from a value on, that value included")),
  },
  cursorMeaning,
);

const window = closed(
  {
    startParam: Type.Optional(text("the query parameter for the first day")),
    endParam: Type.Optional(text("the query parameter for the last day")),
    start: Type.String({ pattern: "^\\d{4}-\\d\\d-\\d\\d$", description: "the first day, such as 2026-01-01" }),
    days: Type.Integer({ minimum: 1, description: "days per request" }),
    lookbackDays: byDefault(
      0,
      Type.Integer({
        minimum: 0,
        description: "days before the cursor, or before the last day asked for, that are read again",
      }),
    ),
  },
  "the range of time that is asked for, in parts of so many days",
);

const job = closed(
  {
    method: byDefault("POST", oneOf(["POST", "GET"], "how the report is ordered")),
    body: Type.Optional(Type.Unknown({ description: "the JSON that orders the report" })),
    idPath: text("where the answer holds the job's id"),
    statusPath: urlPath("a path with {id}"),
    statusField: text("where the answer holds the status"),
    done: listOf(text("a status"), "values of the status that say it is ready", { minItems: 1 }),
    failed: byDefault([], listOf(text("a status"), "values that say it never will be")),
    resultPath: Type.Optional(urlPath("a path with {id}")),
    resultUrlField: Type.Optional(text("where the status answer holds the URL of the result")),
    pollSeconds: byDefault(5, Type.Number({ exclusiveMinimum: 0, description: "seconds between questions" })),
    timeoutSeconds: byDefault(3600, Type.Number({ exclusiveMinimum: 0, description: "seconds until it is given up" })),
  },
  "a report that is ordered, waited for and fetched",
);

/** What is read from a source of each kind. */
export const restRead = closed(
  {
    path: urlPath("the path under baseUrl"),
    records: byDefault(
      "",
      anyText(
        "where the answer holds the list of records, such as data or orders[].lines[] (the lines of all orders); empty: the answer is the list",
      ),
    ),
    parent: recordsPath.parent,
    recordsOptional: Type.Optional(
      Type.Boolean({ description: "an answer without the list has no records, and is no error" }),
    ),
    params: byDefault({}, mapOf(anyText("its value"), "query parameters")),
    body: Type.Optional(
      mapOf(Type.Unknown(), "the JSON by which pages are asked for, with POST; what turns pages is put into it"),
    ),
    window: Type.Optional(window),
    job: Type.Optional(job),
  },
  "what is asked of an API",
);

export const soapRead = closed(
  {
    path: urlPath("the path under baseUrl"),
    action: byDefault("", anyText("the SOAPAction")),
    body: text("the XML inside soap:Body; {since} stands for the cursor"),
    xml,
    version: byDefault("1.1", oneOf(["1.1", "1.2"], '"1.1" or "1.2", in quotes')),
  },
  "what is asked of a SOAP service",
);

export const filesRead = closed(
  {
    files: text("a glob below files.at, such as orders-*.csv.gz: *, ?, **, [abc], {a,b}"),
    changed: byDefault(
      "version",
      oneOf(["version", "refuse"], "a file that landed before, with new content: another version, or an error"),
    ),
    settleSeconds: byDefault(
      5,
      Type.Number({ minimum: 0, description: "a file touched this recently is still being written" }),
    ),
    doneSuffix: Type.Optional(text("the ending of the file that says another is whole, such as .done")),
    sequence: Type.Optional(text("a regular expression with one group: the number in a file's name, to tell of gaps")),
    minRows: Type.Optional(Type.Integer({ minimum: 0, description: "fewer records are an error" })),
    maxBytes: byDefault(1024 ** 4, Type.Integer({ minimum: 1, description: "the largest file, unpacked" })),
  },
  "which files are read",
);

export const sqlRead = closed(
  {
    from: Type.Optional(text("schema.table")),
    query: Type.Optional(text("one select")),
  },
  "what is read from a database: one of from and query",
);

/** Which of the events belong to a stream. */
export const collectRead = closed(
  {
    type: Type.Optional(
      text("what its events say in type; the name of the stream where it is not set", { maxLength: 200 }),
    ),
    version: byDefault(
      1,
      Type.Integer({
        minimum: 1,
        maximum: 1_000_000,
        description: "what they say in version; 1 where they say nothing",
      }),
    ),
  },
  "which events",
);

export const restStream = closed(
  { ...common, ...restRead.properties, cursor: Type.Optional(restCursor) },
  "records of one kind from an API",
);

export const soapStream = closed(
  { ...common, ...soapRead.properties, cursor: Type.Optional(cursor) },
  "records of one kind from a SOAP service",
);

export const collectStream = closed({ ...common, ...collectRead.properties }, "events of one type and version");

export const kafkaStream = closed({ ...common, ...kafkaRead.properties }, "records of topics");

const names = Object.keys(formats) as FormatName[];

export const filesStream = closed(
  { ...common, ...filesRead.properties, format: oneOf(names, names.join(", ")), ...formats },
  "records of one kind from files",
);

export const sqlStream = closed(
  { ...common, ...sqlRead.properties, cursor: Type.Optional(cursor) },
  "records of one kind from a database",
);

/** What every stream has, whatever its source. */
export const commonStream = closed(common, "a stream");
