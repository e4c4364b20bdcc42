import { Type } from "typebox";
import { anyText, byDefault, character, closed, listOf, mapOf, oneOf, text } from "../words.ts";

const encoding = byDefault("utf-8", text("such as utf-8, iso-8859-1; a byte order mark counts for more"));

const csv = closed(
  {
    delimiter: byDefault(",", character("what is between two cells")),
    quote: byDefault(
      '"',
      Type.String({ maxLength: 1, description: "what is around a text: one character; empty: quotes mean nothing" }),
    ),
    escape: Type.Optional(character("what makes a quote part of a text; the quote itself where it is not set")),
    header: byDefault(
      true,
      Type.Boolean({
        description: "whether the first line names the columns; without it they are the schema's, in order",
      }),
    ),
    encoding,
    null: byDefault(
      "",
      Type.Unsafe<string | readonly string[]>({
        type: ["string", "array"],
        items: { type: "string" },
        description: "an unquoted cell of this text, or of one of these texts, is NULL",
      }),
    ),
    forceNull: byDefault(
      false,
      Type.Boolean({ description: "whether a quoted cell of such a text is NULL, too, in a column that is no text" }),
    ),
    decimal: Type.Optional(character("the decimal mark of numbers, where it is no point")),
    thousands: Type.Optional(character("what stands between the thousands of a number")),
    dates: Type.Optional(
      Type.Unsafe<string | Readonly<Record<string, string>>>({
        type: ["string", "object"],
        additionalProperties: { type: "string" },
        description: "how dates and times are written, such as DD.MM.YYYY, or for each field: { day: DD.MM.YYYY }",
      }),
    ),
    comment: Type.Optional(character("lines that begin with it are left out")),
    zeroBytes: byDefault(
      "reject",
      oneOf(
        ["reject", "remove"],
        "zero bytes, which PostgreSQL cannot store: the record is rejected, or they are left out",
      ),
    ),
    skipLines: byDefault(0, Type.Integer({ minimum: 0, description: "lines before the header that are no records" })),
    trailer: Type.Optional(text("what the line after the records begins with; a number in it is the count of records")),
    columns: Type.Optional(
      mapOf(anyText("the field"), "header: field, where the file calls its columns otherwise than the schema"),
    ),
    finalNewline: byDefault(
      true,
      Type.Boolean({ description: "whether a last line without a line end means that the file is cut" }),
    ),
  },
  "how the CSV is written",
);

const xlsx = closed(
  {
    sheet: Type.Optional(
      Type.Unsafe<string | number>({
        type: ["string", "integer"],
        minLength: 1,
        minimum: 1,
        description: "its name, or its number from 1, hidden ones counted; the first that is shown where it is not set",
      }),
    ),
    range: Type.Optional(text("the cells that are read, such as B3:F200, B3:F or B:F; all where it is not set")),
    header: byDefault(
      true,
      Type.Boolean({
        description: "whether the first row names the columns; without it they are the schema's, in order",
      }),
    ),
    skipRows: byDefault(
      0,
      Type.Integer({ minimum: 0, description: "rows of the sheet, or of the range, before the header" }),
    ),
    null: byDefault(
      "#N/A",
      Type.Unsafe<string | readonly string[]>({
        type: ["string", "array"],
        items: { type: "string" },
        description: "a cell of this text or error, or of one of these, is NULL, as empty ones are",
      }),
    ),
    decimal: Type.Optional(character("the decimal mark of numbers that the sheet has as texts")),
    thousands: Type.Optional(character("what stands between the thousands of such a number")),
    dates: csv.properties.dates,
    columns: csv.properties.columns,
  },
  "which sheet of the workbook, and how it is written",
);

const ndjson = closed({ encoding }, "how the lines are written");

/** Where records are in a JSON text, and what of their surroundings they get. */
export const recordsPath = {
  records: byDefault(
    "",
    anyText(
      "where the list of records is, such as data or orders[].lines[] (the lines of all orders); empty: the text is the list",
    ),
  ),
  parent: Type.Optional(
    mapOf(
      Type.String({ pattern: "^(\\.\\./)+[^/]+$", description: "such as ../id, or ../../id two records further out" }),
      "of records within records: field: where what surrounds them has it",
      { minProperties: 1 },
    ),
  ),
};

const json = closed(
  {
    ...recordsPath,
    shape: byDefault(
      "list",
      oneOf(
        ["list", "object", "map", "rows"],
        "what is there: a list of records (list), one record (object), an object of them (map), lists of values below a list of names (rows)",
      ),
    ),
    key: Type.Optional(text("map: the field that gets the key of each record")),
    fields: Type.Optional(
      listOf(text("a field"), "rows: the names, where no list has them", { minItems: 1, uniqueItems: true }),
    ),
  },
  "where one JSON text has its records, and how",
);

export const xml = closed(
  {
    record: text("the element of one record: a local name, or a path such as Document/Stmt/Ntry"),
    fields: mapOf(
      anyText("such as Amt, Amt/@Ccy, ../Acct/Id (.. is what surrounds the record), Dtls/Tx[] (a list)"),
      "field: path below the record",
      { minProperties: 1 },
    ),
  },
  "where the XML has its records",
);

/** Options of each format, under the format's name. */
export const formats = {
  csv: byDefault({}, csv),
  ndjson: byDefault({}, ndjson),
  json: byDefault({}, json),
  xml: Type.Optional(xml),
  avro: byDefault({}, closed({}, "Avro has no options")),
  parquet: byDefault({}, closed({}, "Parquet has no options")),
  xlsx: byDefault({}, xlsx),
};

export type FormatName = keyof typeof formats;
