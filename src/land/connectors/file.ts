import { createHash, type Hash } from "node:crypto";
import type { FileStream, StreamDeclaration } from "../../model/declarations.ts";
import { UserError } from "../../model/errors.ts";
import type { SourceFile } from "../../sources/source.ts";
import { type UnpackLimits, unpack } from "../../sources/unpack/unpack.ts";
import { isMoment } from "../check/times.ts";
import type { KnownVersion } from "../ledger/file-ledger.ts";
import type { Landed, Load } from "../load/load.ts";
import type { LandOptions } from "../load/options.ts";
import type { Sink } from "../load/sink.ts";
import type { LoadTarget } from "../load/target.ts";
import { type Ending, withLoad } from "../load/with-load.ts";
import { readFile } from "./formats.ts";

export type FileTarget = LoadTarget<StreamDeclaration & { readonly connector: FileStream }>;

/** What became of one file. `version` counts the contents that landed under its path. */
type FileOutcome =
  | { readonly status: "known"; readonly version: number }
  | { readonly status: "loaded"; readonly version: number; readonly landed: Landed };

/** Lands one file as one load. A content that has landed before leaves no trace. */
export async function landFile(
  sink: Sink,
  target: FileTarget,
  file: SourceFile,
  options: LandOptions,
): Promise<FileOutcome> {
  const asOf = batchTime(target.stream, file.path);
  const { landed, answer: version } = await withLoad(sink, target, { ...options, file: file.path }, async (load) => {
    const versions = await sink.past.versions(target.key, file.path);
    return landContent(load, {
      sink,
      target,
      file,
      asOf,
      versions,
      known: options.full ? [] : versions.filter(({ isLast }) => isLast),
    });
  });
  return landed ? { status: "loaded", version, landed } : { status: "known", version };
}

interface Content {
  readonly sink: Sink;
  readonly target: FileTarget;
  readonly file: SourceFile;
  readonly asOf: string | null;
  /** All that landed under the path. */
  readonly versions: readonly KnownVersion[];
  /** What is not to land again: what landed last. */
  readonly known: readonly KnownVersion[];
}

async function landContent(load: Load, content: Content): Promise<Ending<number>> {
  const { sink, target, file, asOf, versions, known } = content;
  const { maxBytes, format, changed } = target.stream.connector;
  // Reading a file twice is cheap beside landing it in vain.
  const before = known.length ? versionOf(known, await checksumOf(file)) : undefined;
  if (before) return { keep: null, answer: before.version };
  if (known.length && changed === "refuse") throw contentChanged(file.path);
  const { bytes, hash, count } = readChecked(load, file, { maxBytes, archive: format.kind === "xlsx" });
  const details = await readFile(load, format, bytes);
  const checksum = hash.digest("hex");
  const same = versionOf(known, checksum);
  if (same) return { keep: null, answer: same.version };
  const other = await sink.past.sameContent(target.key, file.path, checksum);
  if (other !== undefined) load.tally.warnings.push(`${file.path} has the same content as ${other}`);
  const { path, modifiedAt = null, version: tag = null } = file;
  const landed = versionOf(versions, checksum);
  const version = landed?.version ?? (versions.at(-1)?.version ?? 0) + 1;
  const entry = landed ? {} : { file: { path, version, checksum, bytes: count(), modifiedAt, tag } };
  const keep = { asOf, content: { path, version }, details: { file: path, version, ...details }, ...entry };
  return { keep, answer: version };
}

/** The file's records as bytes, unpacked, while the bytes as stored are counted and hashed. */
function readChecked(
  load: Load,
  file: SourceFile,
  limits: UnpackLimits,
): { bytes: AsyncIterable<Uint8Array>; hash: Hash; count: () => number } {
  const hash = createHash("sha256");
  let size = 0;
  const tap = async function* () {
    // Opened when it is read: nobody would close a file that a wrong declaration keeps from being read.
    for await (const chunk of await file.open()) {
      hash.update(chunk);
      size += chunk.length;
      load.emit({ kind: "bytes", file: file.path, bytes: size, of: file.size ?? null });
      yield chunk;
    }
  };
  return { bytes: unpack(tap(), file.path, limits), hash, count: () => size };
}

async function checksumOf(file: SourceFile): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of await file.open()) hash.update(chunk);
  return hash.digest("hex");
}

function versionOf(versions: readonly KnownVersion[], checksum: string): KnownVersion | undefined {
  return versions.find((one) => one.checksum === checksum);
}

function batchTime({ batch }: StreamDeclaration, path: string): string | null {
  if (batch.asOf === undefined) return null;
  const found = new RegExp(batch.asOf).exec(path)?.[1];
  if (found !== undefined && isMoment(found)) return found;
  throw new UserError({
    message: `the path ${path} does not say which date it is of`,
    expected:
      found === undefined
        ? `a path that matches ${batch.asOf} (batch.asOf)`
        : "a day that exists, as 2026-01-31 or 20260131, and after it, if at all, a time of day: 2026-01-31T23:59:59Z",
    ...(found === undefined ? {} : { found }),
    hint: "name the file accordingly, or correct batch.asOf",
    exitCode: 1,
  });
}

function contentChanged(path: string): UserError {
  return new UserError({
    message: `${path} has landed before and its content is another now`,
    hint: "nothing was landed; changed: version lands it as a new version, with a _load_id of its own",
    exitCode: 1,
  });
}
