// Unpacks and decodes Parquet in a thread: there are files that make the library run on and on, and a thread can be ended.
// Plain CommonJS, so that it also runs from source. Asked one thing after the other, by `decoder.ts`.
"use strict";
const { closeSync, fstatSync, openSync, readSync } = require("node:fs");
const { parentPort } = require("node:worker_threads");

let file;
let longest;
let scan;

const JOBS = {
  /** The footer of a file, whose columns are asked for next. */
  async metadata([path, maxBytes]) {
    if (file) closeSync(file.handle);
    longest = maxBytes;
    file = openFile(path);
    const { parquetMetadataAsync } = await import("hyparquet");
    return parquetMetadataAsync(file, { geoparquet: false });
  },
  /** How the columns are to be read: the footer again, without the conversions that would lose digits. */
  async scan(metadata) {
    const { parquetScan } = await import("hyparquet");
    const compressors = await boundedCompressors();
    scan = await parquetScan({ file, metadata, compressors, parsers: PARSERS, utf8: false, geoparquet: false });
  },
  column: ([column, rowStart, rowEnd]) => scan.readColumn({ column, rowStart, rowEnd }),
  close() {
    if (file) closeSync(file.handle);
    file = undefined;
    scan = undefined;
  },
};

parentPort.on("message", async ([job, input]) => {
  try {
    parentPort.postMessage({ value: await JOBS[job](input) });
  } catch (error) {
    parentPort.postMessage({ thrown: error.message, refused: error instanceof Refusal && [error.kind, error.message] });
  }
});

/** What has a sentence of its own; everything else that is thrown means a damaged file. */
class Refusal extends Error {
  constructor(kind, message) {
    super(message);
    this.kind = kind;
  }
}

function openFile(path) {
  const handle = openSync(path, "r");
  const byteLength = fstatSync(handle).size;
  return {
    handle,
    byteLength,
    async slice(start, end = byteLength) {
      if (start < 0 || start > end || end > byteLength) throw new Refusal("notWhole", "it names places beyond its end");
      const bytes = new Uint8Array(end - start);
      for (let done = 0; done < bytes.length; ) {
        const read = readSync(handle, bytes, done, bytes.length - done, start + done);
        if (read === 0) throw new Error("the temporary file was changed");
        done += read;
      }
      return bytes.buffer;
    },
  };
}

/** A page that says it is larger than a row group may be is not unpacked. */
async function boundedCompressors() {
  const { compressors } = await import("hyparquet-compressors");
  const bounded = ([codec, unpack]) => [
    codec,
    (input, length) => {
      if (length > longest)
        throw new Refusal("unreadable", "a page of the Parquet file is longer than 512 MB, unpacked");
      // The library's LZ4 fails on a page of nulls alone, which has no values.
      return length === 0 ? new Uint8Array() : unpack(input, length);
    },
  ];
  return Object.fromEntries(Object.entries(compressors).map(bounded));
}

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

const PARSERS = {
  stringFromBytes(bytes) {
    try {
      return decoder.decode(bytes);
    } catch {
      throw new Refusal("unreadable", "a string of the Parquet file is not UTF-8");
    }
  },
  // Of 96 bits, the only ones whose conversion is the library's.
  timestampFromNanoseconds: (nanoseconds) => nanoseconds,
};
