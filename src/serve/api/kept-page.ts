import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";
import type { Encoding } from "./negotiate.ts";

/** A page as it is kept: its bytes, and how they look packed. */
export interface KeptPage {
  readonly body: Buffer;
  /** Where it goes on. */
  readonly next: string | undefined;
  readonly release: number | null;
  readonly packed: Map<Encoding, Promise<Buffer>>;
  /** Another server has read it. */
  readonly isShared?: true;
}

/** Smaller ones do not get smaller. */
const WORTH_PACKING = 1024;

const packers: Readonly<Record<Exclude<Encoding, "identity">, (body: Buffer) => Promise<Buffer>>> = {
  br: (body) => promisify(brotliCompress)(body, { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } }),
  gzip: (body) => promisify(gzip)(body),
};

/**
 * Its bytes as they are sent, and how they are packed; small ones are not.
 * @param grown told of bytes that are kept besides
 */
export async function packedAs(
  { body, packed }: KeptPage,
  encoding: Encoding,
  grown: (bytes: number) => void,
): Promise<{ readonly body: Buffer; readonly encoding: Encoding }> {
  if (encoding === "identity" || body.length < WORTH_PACKING) return { body, encoding: "identity" };
  let bytes = packed.get(encoding);
  if (!bytes) {
    bytes = packers[encoding](body);
    packed.set(encoding, bytes);
    grown((await bytes).length);
  }
  return { body: await bytes, encoding };
}

/** A page as servers hand it to each other: where it goes on, a line end, its bytes. */
export function sharedBytes({ next, body }: KeptPage): Buffer {
  return Buffer.concat([Buffer.from(`${next ?? ""}\n`), body]);
}

export function readShared(bytes: Buffer): Pick<KeptPage, "next" | "body"> {
  const end = bytes.indexOf("\n");
  const next = bytes.subarray(0, end).toString();
  return { next: next || undefined, body: bytes.subarray(end + 1) };
}
