import { isUtf8 } from "node:buffer";
import type { OptionsOf } from "../../model/declarations.ts";
import { nearest } from "../../model/nearest.ts";
import { measureDepth } from "../json/depth.ts";
import { atPath, type JsonDocument, JsonRecord, parseJson } from "../json/document.ts";
import type { JsonText } from "../json/text.ts";
import { type FormatReader, MAX_DEPTH } from "../source.ts";
import { decodeBytes } from "./csv/decode.ts";
import { notWhole, unreadable } from "./file-errors.ts";
import { PageBuilder } from "./pages.ts";

/** A JSON text is held in memory as a whole. */
const MAX_FILE_BYTES = 64 * 1024 * 1024;

/** Reads one JSON text: a list of records, or an object that holds the list at a dotted path. Of 64 MB at most. */
export function readJson({ records }: OptionsOf<"json">, maxBytes = MAX_FILE_BYTES): FormatReader {
  return async function* (bytes) {
    const text = await textOf(decodeBytes(bytes, "utf-8"), maxBytes);
    const document = documentOf(text);
    const values = listAt(document, records);
    const sources = document.source.at(records)!.items();
    const size = text.length / Math.max(values.length, 1);
    const page = new PageBuilder();
    for (const [index, value] of values.entries()) {
      if (value !== null && typeof value === "object" && !Array.isArray(value))
        page.addRecord(new ListRecord(document, value, sources[index]!, index), size);
      else {
        const { text } = sources[index]!;
        page.addRejected({ position: `record ${index + 1}`, reason: "is not a JSON object", text });
      }
      if (page.full) yield page.build();
    }
    if (!page.empty) yield page.build();
  };
}

/** Where one JSON text has its list of records: the first list of objects, nearest to the top. */
export async function findRecords(bytes: AsyncIterable<Uint8Array>): Promise<string> {
  const { value } = documentOf(await textOf(decodeBytes(bytes, "utf-8"), MAX_FILE_BYTES));
  let level: readonly (readonly [path: string, value: unknown])[] = [["", value]];
  while (level.length) {
    const found = level.find(
      ([, one]) => Array.isArray(one) && one.some((item) => item !== null && typeof item === "object"),
    );
    if (found) return found[0];
    level = level.flatMap(([path, one]) => {
      if (one === null || typeof one !== "object" || Array.isArray(one)) return [];
      return Object.entries(one).map(([key, item]) => [path === "" ? key : `${path}.${key}`, item] as const);
    });
  }
  throw unreadable("the JSON text has no list of records", { hint: "json.records says where the list is" });
}

class ListRecord extends JsonRecord {
  readonly #index: number;

  constructor(document: JsonDocument, value: unknown, source: JsonText, index: number) {
    super(document, value, source);
    this.#index = index;
  }

  override get position(): string {
    return `record ${this.#index + 1}`;
  }
}

async function textOf(bytes: AsyncIterable<Uint8Array>, maxBytes: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of bytes) {
    // A copy: whoever sent the chunk may use it again.
    chunks.push(Buffer.from(chunk));
    size += chunk.length;
    if (size > maxBytes)
      throw unreadable(`the JSON text is longer than ${Math.floor(maxBytes / 1024 / 1024)} MB`, {
        hint: "ask for NDJSON, one record per line, which is read line by line",
      });
  }
  const whole = Buffer.concat(chunks);
  if (!isUtf8(whole)) throw unreadable("the file is not in the encoding utf-8");
  return whole.toString();
}

function documentOf(text: string): JsonDocument {
  const { deepest, open } = measureDepth(text);
  if (deepest > MAX_DEPTH) throw unreadable(`the JSON text is nested deeper than ${MAX_DEPTH} levels`);
  try {
    return parseJson(text);
  } catch (cause) {
    const found = (cause as Error).message;
    if (open > 0 || text.trim() === "") throw notWhole("its JSON text does not end", { found, cause });
    throw unreadable("the file is not one JSON text", { found, cause });
  }
}

function listAt({ value }: JsonDocument, path: string): readonly unknown[] {
  const found = atPath(value, path);
  if (Array.isArray(found)) return found;
  const keys = value !== null && typeof value === "object" && !Array.isArray(value) ? Object.keys(value) : [];
  const suggestion = nearest(path, keys);
  throw unreadable(path === "" ? "the JSON text is not a list" : `there is no list of records at "${path}"`, {
    expected: path === "" ? "a list of records" : `a list at "${path}" (json.records)`,
    found: keys.length > 0 ? `the keys ${keys.slice(0, 10).join(", ")}` : "no keys",
    hint: suggestion === undefined ? "json.records says where the list is" : `did you mean "${suggestion}"?`,
  });
}
