import { SaxesParser } from "saxes";
import { UserError } from "../../model/errors.ts";
import { percentDecoded } from "../../model/percent.ts";

export interface ListedObject {
  readonly key: string;
  readonly size: number;
  /** ISO time. */
  readonly modifiedAt: string;
  readonly etag: string | undefined;
}

export interface Listing {
  readonly objects: readonly ListedObject[];
  readonly nextToken: string | undefined;
}

/** A page is at most 1,000 objects. */
const MAX_ANSWER_BYTES = 16 * 1024 * 1024;

/** Reads one page of ListObjectsV2 with `encoding-type=url`. Throws a UserError for any other answer. */
export async function readListing(bytes: AsyncIterable<Uint8Array>, name: string): Promise<Listing> {
  const elements = elementsOf(await textOf(bytes, name), name);
  if (elements[0]?.path !== "ListBucketResult") throw unreadable(name, "the answer is no listing of a bucket");
  const value = (path: string) => elements.find((one) => one.path === `ListBucketResult/${path}`)?.text;
  const encoded = value("EncodingType") === "url";
  const objects: Partial<Record<string, string>>[] = [];
  for (const { path, text } of elements) {
    if (path === "ListBucketResult/Contents") objects.push({});
    const field = /^ListBucketResult\/Contents\/(\w+)$/.exec(path)?.[1];
    if (field) objects.at(-1)![field] = text;
  }
  const nextToken = value("NextContinuationToken");
  const truncated = value("IsTruncated") === "true";
  if (truncated && !nextToken) throw unreadable(name, "it has another page but does not say how to get it");
  return {
    objects: objects.map((fields) => listedObject(fields, encoded, name)),
    nextToken: truncated ? nextToken : undefined,
  };
}

function listedObject(fields: Partial<Record<string, string>>, encoded: boolean, name: string): ListedObject {
  const { Key = "", Size = "", LastModified = "", ETag } = fields;
  const time = Date.parse(LastModified);
  const key = encoded ? percentDecoded(Key.replace(/\+/g, " ")) : Key;
  if (!key || !/^\d+$/.test(Size) || Number.isNaN(time)) throw unreadable(name, "an object without key, size or time");
  return {
    key,
    size: Number(Size),
    modifiedAt: new Date(time).toISOString(),
    etag: ETag,
  };
}

/** Code and message of a refusal; "" for what it does not say. Nothing else of it is shown: it may repeat the key. */
export async function readError(
  bytes: AsyncIterable<Uint8Array>,
  name: string,
): Promise<{ code: string; message: string }> {
  const text = await textOf(bytes, name).catch(() => "");
  const value = (tag: string) => new RegExp(`<${tag}>([^<]{0,300})</${tag}>`).exec(text)?.[1] ?? "";
  return { code: value("Code"), message: value("Message") };
}

interface Element {
  /** Local names from the root on. */
  readonly path: string;
  text: string;
}

/** All elements in the order of the document. */
function elementsOf(xml: string, name: string): readonly Element[] {
  const elements: Element[] = [];
  const open: Element[] = [];
  const parser = new SaxesParser();
  parser.on("doctype", () => {
    throw unreadable(name, "the answer has a DOCTYPE");
  });
  parser.on("error", (error) => {
    throw unreadable(name, error.message);
  });
  parser.on("opentag", (tag) => {
    const local = tag.name.replace(/^.*:/, "");
    const element = { path: open.length ? `${open.at(-1)!.path}/${local}` : local, text: "" };
    elements.push(element);
    open.push(element);
  });
  parser.on("text", (text) => {
    const element = open.at(-1);
    if (element) element.text += text;
  });
  parser.on("closetag", () => void open.pop());
  parser.write(xml).close();
  return elements;
}

async function textOf(bytes: AsyncIterable<Uint8Array>, name: string): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of bytes) {
    size += chunk.byteLength;
    if (size > MAX_ANSWER_BYTES) throw unreadable(name, `the answer is larger than ${MAX_ANSWER_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function unreadable(name: string, found: string): UserError {
  return new UserError({
    message: `${name} cannot be understood`,
    found,
    hint: "check files.s3.endpoint: it must speak the S3 protocol",
    exitCode: 1,
  });
}
