import { createHash } from "node:crypto";
import type { Site } from "../model/site.ts";

/** The files of a site as they are sent. Each has its own memory, so that a thread can hand it over. */
export interface PackedSite {
  /** By path. */
  readonly files: ReadonlyMap<string, PackedFile>;
  /** Of the data, and of what shows them: another one means that something is different. */
  readonly version: string;
}

interface PackedFile {
  readonly content: Uint8Array<ArrayBuffer>;
  readonly type: string;
  readonly etag: string;
}

const TYPES: ReadonlyMap<string, string> = new Map([
  ["html", "text/html; charset=utf-8"],
  ["js", "text/javascript; charset=utf-8"],
  ["css", "text/css; charset=utf-8"],
  ["txt", "text/plain; charset=utf-8"],
  ["svg", "image/svg+xml"],
]);

/** What the page knows first, and with it of which pages it is. */
const FIRST = "data/core.js";

/** Pure. */
export function packSite({ files }: Site): PackedSite {
  const [data, page] = [createHash("sha256"), createHash("sha256")];
  const packed = new Map<string, PackedFile>();
  for (const [path, content] of files) {
    const hash = createHash("sha256").update(content).digest("base64url").slice(0, 22);
    (path.startsWith("data/") ? data : page).update(`${path}\0${hash}\0`);
    const type = TYPES.get(path.split(".").at(-1)!) ?? "application/octet-stream";
    packed.set(path, { content: bytesOf(content), type, etag: `"${hash}"` });
  }
  const version = [data, page].map((one) => one.digest("base64url").slice(0, 22)).join(" ");
  const first = files.get(FIRST);
  if (first !== undefined) {
    const content = bytesOf(`${first}self.dataformVersion=${JSON.stringify(version)};\n`);
    packed.set(FIRST, { ...packed.get(FIRST)!, content, etag: `"${version.replace(" ", "")}"` });
  }
  return { files: packed, version };
}

/** A `Buffer` may be a part of what others are in. */
function bytesOf(content: string | Uint8Array): Uint8Array<ArrayBuffer> {
  return typeof content === "string" ? new TextEncoder().encode(content) : new Uint8Array(content);
}
