import { pipeline, Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { counted } from "../../model/counted.ts";
import { UserError } from "../../model/errors.ts";

export interface UnpackLimits {
  /** Bytes of one file after unpacking. */
  readonly maxBytes: number;
  /** Whether the file may be a ZIP archive, which is passed on as it is: a workbook is one. */
  readonly archive?: boolean;
}

/** A file may be this many times larger unpacked, once it is larger than the first bytes of grace. */
const MAX_RATIO = 100;
const GRACE_BYTES = 10 * 1024 * 1024;
/** As far as the tar header, which is the longest way to tell. */
const HEAD_BYTES = 512;

/**
 * The content of a file: gzip (any number of members) and zstd are unpacked, everything else is passed on, told by the
 * first bytes and not by the name. Throws a UserError for what is cut, damaged, a bomb, or packed in another way.
 */
export async function* unpack(
  bytes: AsyncIterable<Uint8Array>,
  name: string,
  limits: UnpackLimits,
): AsyncGenerator<Uint8Array> {
  let stored = 0;
  const counted = async function* () {
    for await (const chunk of bytes) {
      stored += chunk.byteLength;
      yield chunk;
    }
  };
  const whole = await withHead(counted());
  const packingIn = (head: Uint8Array) => {
    const found = packingOf(head);
    return found === "zip" && limits.archive ? undefined : found;
  };
  const packing = packingIn(whole.head);
  if (packing !== undefined && packing !== "gzip" && packing !== "zstd") throw unknownPacking(name, packing);
  const content = await withHead(packing === undefined ? whole.all : unpackers[packing](whole.all, name));
  const inside = packing === undefined ? undefined : packingIn(content.head);
  let unpacked = 0;
  try {
    if (inside !== undefined) throw packedTwice(name, packing!, inside);
    for await (const chunk of content.all) {
      unpacked += chunk.byteLength;
      if (unpacked > limits.maxBytes) throw tooLarge(name, limits.maxBytes);
      if (packing !== undefined && unpacked > Math.max(GRACE_BYTES, stored * MAX_RATIO)) throw bomb(name, stored);
      yield chunk;
    }
  } finally {
    await content.all.return(undefined);
  }
}

const unpackers = {
  gzip: gunzip,
  zstd: async function* (bytes: AsyncIterable<Uint8Array>, name: string): AsyncGenerator<Uint8Array> {
    const { unzstd } = await import("./zstd.ts");
    yield* unzstd(bytes, (cut, reason) => damaged(name, cut, reason));
  },
};

async function* gunzip(bytes: AsyncIterable<Uint8Array>, name: string): AsyncGenerator<Uint8Array> {
  let fed = 0;
  let lastNonZero = 0;
  const source = async function* () {
    for await (const chunk of bytes) {
      const end = chunk.findLastIndex((byte) => byte !== 0) + 1;
      if (end > 0) lastNonZero = fed + end;
      fed += chunk.byteLength;
      yield chunk;
    }
  };
  const engine = createGunzip({ chunkSize: 64 * 1024 });
  const input = source();
  pipeline(Readable.from(input), engine, () => {});
  try {
    for await (const chunk of engine) yield chunk as Buffer;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (!code?.startsWith("Z_")) throw error;
    throw damaged(name, code === "Z_BUF_ERROR", message);
  } finally {
    engine.destroy();
    await input.return(undefined);
  }
  // Zeros may follow the last member, as from a tape. The engine stops at them and says nothing of what comes after.
  if (lastNonZero > engine.bytesWritten) throw damaged(name, false, "something follows the end");
}

interface WithHead {
  readonly head: Uint8Array;
  /** Everything, the head included. */
  readonly all: AsyncGenerator<Uint8Array>;
}

/** Reads the first bytes ahead. */
async function withHead(bytes: AsyncGenerator<Uint8Array>): Promise<WithHead> {
  const first: Uint8Array[] = [];
  let size = 0;
  while (size < HEAD_BYTES) {
    const next = await bytes.next();
    if (next.done) break;
    first.push(next.value);
    size += next.value.byteLength;
  }
  const all = async function* () {
    try {
      yield* first.splice(0);
      yield* bytes;
    } finally {
      await bytes.return(undefined);
    }
  };
  return { head: Buffer.concat(first).subarray(0, HEAD_BYTES), all: all() };
}

/** How files begin: from byte `at` on, the first where none is named. */
const signatures: readonly { readonly packing: string; readonly begins: string; readonly at?: number }[] = [
  { packing: "gzip", begins: "1f8b" },
  { packing: "zstd", begins: "28b52ffd" },
  { packing: "zip", begins: "504b0304" },
  { packing: "zip", begins: "504b0506" },
  { packing: "zip", begins: "504b0708" },
  { packing: "7z", begins: "377abcaf271c" },
  { packing: "xz", begins: "fd377a585a00" },
  { packing: "rar", begins: "526172211a07" },
  { packing: "lz4", begins: "04224d18" },
  { packing: "compress (.Z)", begins: "1f9d" },
  { packing: "tar", begins: "7573746172", at: 257 },
];

function packingOf(head: Uint8Array): string | undefined {
  const hex = Buffer.from(head).toString("hex");
  // The digit is the block size; what follows is the begin of a block, or of the end of an empty file.
  if (/^425a683[1-9](314159265359|177245385090)/.test(hex)) return "bz2";
  // A frame of zstd that is to be skipped.
  if (/^5[0-9a-f]2a4d18/.test(hex)) return "zstd";
  return signatures.find(({ begins, at = 0 }) => hex.startsWith(begins, at * 2))?.packing;
}

function unknownPacking(name: string, packing: string): UserError {
  return new UserError({
    message: `${name} is packed with ${packing}`,
    expected: "a plain file, gzip or zstd",
    found: packing,
    hint:
      packing === "zip" ? "unpack it first; an Excel workbook is a zip, too: write format: xlsx" : "unpack it first",
    exitCode: 1,
  });
}

function packedTwice(name: string, outside: string, inside: string): UserError {
  return new UserError({
    message: `${name} is packed twice`,
    expected: `a file packed with ${outside}`,
    found: `${inside} inside ${outside}`,
    hint: "unpack it once before",
    exitCode: 1,
  });
}

function damaged(name: string, cut: boolean, reason: string): UserError {
  return new UserError({
    message: `${name} is ${cut ? "cut" : "damaged"}: it cannot be unpacked to its end`,
    found: reason,
    hint: "nothing of it was landed: ask for the file again",
    exitCode: 1,
  });
}

function tooLarge(name: string, maxBytes: number): UserError {
  return new UserError({
    message: `${name} is too large`,
    expected: `at most ${counted(maxBytes, "byte")} unpacked (maxBytes)`,
    hint: "if that is right, raise maxBytes",
    exitCode: 1,
  });
}

function bomb(name: string, stored: number): UserError {
  return new UserError({
    message: `${name} unpacks to more than ${MAX_RATIO} times its size`,
    found: `${stored} packed bytes so far`,
    hint: "this may be a bomb; if it is right, unpack it first",
    exitCode: 1,
  });
}
