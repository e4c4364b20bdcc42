import type { FileStream, FilesDeclaration, FormatOptions } from "../model/declarations.ts";
import { restated, UserError } from "../model/errors.ts";
import { openFilesystem } from "../sources/filesystems/open.ts";
import type { SourceFile, SourcePage } from "../sources/source.ts";
import { unpack } from "../sources/unpack/unpack.ts";
import { inferCsv } from "./csv.ts";
import type { InferredRecords } from "./inferred.ts";
import { shapeOf } from "./json-shape.ts";
import { inferValues } from "./values.ts";
import type { Hints } from "./verdict.ts";

/** Finds what the first file of a pattern holds; with a pattern, what all of them hold. */
export async function inferFiles(
  connector: FilesDeclaration,
  { files: glob, maxBytes }: FileStream,
  hints: Hints,
  sample?: number,
): Promise<InferredRecords> {
  const { at } = connector;
  const filesystem = await openFilesystem(connector);
  try {
    const files = await filesystem.list(glob);
    if (!files.length)
      throw new UserError({
        message: `no file matches ${glob} below ${at}`,
        expected: "a file, or a pattern such as 'data/orders-*.csv'",
      });
    const open = (file: SourceFile) =>
      (async function* () {
        yield* unpack(await file.open(), file.path, { maxBytes, archive: true });
      })();
    // The newest by name says how they are written today.
    const file = files.at(-1)!;
    const found = await inferFile(file, () => open(file), hints, sample).catch((error: unknown) => {
      if (!(error instanceof UserError) || error.message.includes(file.path)) throw error;
      throw restated(error, { message: `${file.path}: ${error.message}` });
    });
    const others = files.length - 1;
    if (!others) return found;
    const told = `of ${files.length} files only ${file.path} was looked at`;
    return { ...found, unsure: [told, ...found.unsure] };
  } finally {
    await filesystem.close();
  }
}

async function inferFile(
  file: SourceFile,
  open: () => AsyncIterable<Uint8Array>,
  hints: Hints,
  sample: number | undefined,
): Promise<InferredRecords> {
  const head = await headOf(open());
  const format = formatOf(file.path, head);
  if (format === "csv") return inferCsv(file.path, open, hints, sample);
  if (format === "xlsx") return (await import("./xlsx.ts")).inferXlsx(file.path, open, hints, sample);
  if (format === "xml")
    throw new UserError({
      message: `${file.path} is XML, and which of its elements is a record only a person can say`,
      hint: "declare it by hand: docs/sources/xml.md",
    });
  const { pages, options, doubt } = await readerOf(format, open);
  const found = await inferValues(file.path, format, pages, options, sample);
  const isOneLine =
    format === "json" && found.options.shape !== "object" && /^\s*\{[^\n]*\s*$/.test(head.toString("latin1"));
  const doubts = [
    ...(doubt === undefined ? [] : [doubt]),
    ...(isOneLine
      ? ["one line, taken for one JSON text; where files have a record on each, write format: ndjson"]
      : []),
  ];
  return { ...found, unsure: [...doubts, ...found.unsure] };
}

const ENDINGS: Readonly<Record<string, FormatOptions["kind"]>> = {
  csv: "csv",
  tsv: "csv",
  tab: "csv",
  ndjson: "ndjson",
  jsonl: "ndjson",
  parquet: "parquet",
  avro: "avro",
  xml: "xml",
  xlsx: "xlsx",
  xlsm: "xlsx",
};

/** By its first bytes where they are sure, then by its name. */
function formatOf(path: string, head: Buffer): FormatOptions["kind"] {
  const start = head.toString("latin1");
  if (start.startsWith("PAR1")) return "parquet";
  if (start.startsWith("Obj\x01")) return "avro";
  if (start.startsWith("PK\x03\x04") || start.startsWith("\xd0\xcf\x11\xe0")) return "xlsx";
  const ending = /\.([^./]+?)(?:\.(?:gz|zst|gzip))?$/i.exec(path)?.[1]?.toLowerCase() ?? "";
  const known = Object.hasOwn(ENDINGS, ending) ? ENDINGS[ending] : undefined;
  if (known) return known;
  const text = start.replace(/^\xef\xbb\xbf/, "").trimStart();
  if (text.startsWith("<")) return "xml";
  if (text.startsWith("[")) return "json";
  if (!text.startsWith("{")) return "csv";
  const [line = ""] = text.split(/\r?\n/);
  const value = text.length > line.length ? jsonOf(line) : undefined;
  if (value === undefined) return "json";
  // One line with records inside it is a text of its own; another is the first of many.
  return text.trimEnd() === line.trimEnd() && shapeOf(value).shape !== "object" ? "json" : "ndjson";
}

/** Undefined where it is none. */
function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

async function headOf(bytes: AsyncIterable<Uint8Array>): Promise<Buffer> {
  let head = Buffer.alloc(0);
  for await (const chunk of bytes) {
    head = Buffer.concat([head, chunk]);
    if (head.length >= 64 * 1024) break;
  }
  return head;
}

interface Reading {
  readonly pages: AsyncIterable<SourcePage>;
  readonly options: Readonly<Record<string, unknown>>;
  readonly doubt?: string;
}

async function readerOf(
  format: Exclude<FormatOptions["kind"], "csv" | "xml" | "xlsx">,
  open: () => AsyncIterable<Uint8Array>,
): Promise<Reading> {
  switch (format) {
    case "ndjson":
      return {
        pages: (await import("../sources/formats/ndjson.ts")).readNdjson({ kind: format, encoding: "utf-8" })(open()),
        options: {},
      };
    case "avro":
      return { pages: (await import("../sources/formats/avro.ts")).readAvro()(open()), options: {} };
    case "parquet":
      return { pages: (await import("../sources/formats/parquet.ts")).readParquet()(open()), options: {} };
    case "json": {
      const [{ findShape }, { readJson }] = await Promise.all([
        import("./json-shape.ts"),
        import("../sources/formats/json.ts"),
      ]);
      const { found, doubt } = await findShape(open());
      const { shape, records, ...rest } = found;
      const options = { ...(records === "" ? {} : { records }), ...(shape === "list" ? {} : { shape }), ...rest };
      const pages = readJson({ kind: format, shape, records, ...rest })(open());
      return { pages, options, ...(doubt === undefined ? {} : { doubt }) };
    }
  }
}
