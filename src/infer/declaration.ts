import { Document, isMap, isSeq, parseDocument, type YAMLMap } from "yaml";
import { counted } from "../model/counted.ts";
import { UserError } from "../model/errors.ts";
import type { InferredRecords } from "./inferred.ts";

/** A stream as `infer` writes it. */
export interface InferredStream {
  readonly source: string;
  readonly stream: string;
  readonly table: string;
  /** The key of the connector, and its value: files: { at: data }. */
  readonly connector: readonly [kind: string, value: Readonly<Record<string, unknown>>];
  /** Of the stream, what says where its records are: files: orders.csv. */
  readonly from: Readonly<Record<string, unknown>>;
  readonly records: InferredRecords;
}

/**
 * Returns the text of a declaration with the stream: a new one, or the one that is there, whose comments, order and other
 * streams stay.
 * @param replace whether a stream of that name may be replaced
 * @throws UserError where the source is another one, or has a stream of that name
 */
export function withStream(text: string | undefined, file: string, added: InferredStream, replace: boolean): string {
  const document = text === undefined ? newDocument(added) : parseDocument(text);
  const [kind, connector] = added.connector;
  if (text !== undefined) checkConnector(document, file, kind, connector, added.source);
  const streams = document.get("streams");
  if (!isSeq(streams)) throw new UserError({ message: `${file} has no list of streams`, location: { file } });
  const node = streamNode(document, added);
  const index = streams.items.findIndex((item) => isMap(item) && item.get("name") === added.stream);
  if (index !== -1 && !replace)
    throw new UserError({
      message: `${file} declares the stream "${added.stream}" already`,
      location: { file },
      hint: "--force declares it anew; --stream gives the new one another name",
    });
  if (index === -1) streams.add(node);
  else streams.set(index, node);
  return document.toString({ lineWidth: 0, flowCollectionPadding: true });
}

function newDocument({ source, connector: [kind, value] }: InferredStream): Document {
  const document = new Document({ version: 1, source, [kind]: value, streams: [] });
  flow(document, [kind]);
  const streams = document.get("streams");
  if (isSeq(streams)) streams.flow = false;
  return document;
}

function checkConnector(
  document: Document,
  file: string,
  kind: string,
  value: Readonly<Record<string, unknown>>,
  source: string,
): void {
  const found = document.get(kind);
  const hint = `--source gives the new stream a declaration of its own (now ${source})`;
  if (!isMap(found)) throw new UserError({ message: `${file} is no source of ${kind}`, location: { file }, hint });
  for (const [key, expected] of Object.entries(value)) {
    const there = found.get(key);
    if (key === "at" ? samePlace(String(there), String(expected)) : there === expected) continue;
    throw new UserError({
      message: `${file} reads from another place`,
      location: { file },
      expected: `${kind}.${key}: ${expected}`,
      found: String(there),
      hint,
    });
  }
}

function samePlace(one: string, other: string): boolean {
  const plain = (place: string) => place.replace(/^\.\//, "").replace(/\/+$/, "");
  return plain(one) === plain(other);
}

function streamNode(document: Document, { stream, table, from, records }: InferredStream): YAMLMap {
  const { format, options, fields, rows, isWhole } = records;
  const required = keyOf(records);
  const hasFormat = format !== "sql";
  const written = {
    name: stream,
    ...from,
    ...(hasFormat ? { format } : {}),
    ...(hasFormat && Object.keys(options).length ? { [format]: options } : {}),
    table,
    recordSchema: {
      type: "object",
      ...(required ? { required: [required] } : {}),
      properties: Object.fromEntries(fields.map(({ name, property }) => [name, property])),
    },
  };
  const node = document.createNode(written, { aliasDuplicateObjects: false }) as YAMLMap;
  for (const key of [...(hasFormat ? [[format]] : []), ["recordSchema", "required"]]) flowIn(node, key);
  const properties = node.getIn(["recordSchema", "properties"]);
  if (isMap(properties))
    for (const { key, value } of properties.items) {
      const field = fields.find(({ name }) => name === String((key as { value?: unknown }).value ?? key))!;
      if (!isMap(value)) continue;
      value.flow = true;
      if (field.unsure) value.comment = ` ${oneLine(field.unsure)}`;
    }
  const schema = node.get("recordSchema");
  if (isMap(schema) && rows > 0)
    schema.commentBefore = ` found in ${isWhole ? "all" : "the first"} ${counted(rows, "row")}`;
  return node;
}

function oneLine(text: string): string {
  return text.replace(/[\0-\x1f\x7f]+/g, " ");
}

function flow(document: Document, path: readonly string[]): void {
  const node = document.getIn(path);
  if (isMap(node)) node.flow = true;
}

function flowIn(node: YAMLMap, path: readonly string[]): void {
  const found = node.getIn(path);
  if (isMap(found) || isSeq(found)) found.flow = true;
}

const KEY_NAME = /(?:^|_)(?:id|uuid|key|code|no|nr|number|sku)$/;

/** The field that tells records apart, where one is called as if it did, or is the first. Undefined where none is. */
export function keyOf({ fields }: InferredRecords): string | undefined {
  const keys = fields.filter(({ isKey }) => isKey);
  const called = keys.find(({ name }) => KEY_NAME.test(name));
  return (called ?? keys.find((field) => field === fields[0]))?.name;
}
