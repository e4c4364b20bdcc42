import { createHash, type Hash } from "node:crypto";
import { UserError, type UserErrorDetails } from "../../model/errors.ts";
import type { FileStream, FilesDeclaration, IngestDeclaration, StreamDeclaration } from "../../model/ingest.ts";
import type { FileLoad } from "../../model/load-report.ts";
import { type Client, withTransaction } from "../../postgres/client.ts";
import { connectionLost } from "../../postgres/sqlstate.ts";
import { listStable, type SequenceGap, type StableClock, sequenceGaps } from "../../sources/files/stable-files.ts";
import type { Filesystem, SourceFile } from "../../sources/source.ts";
import { unpack } from "../../sources/unpack/unpack.ts";
import { knownVersions, type LandedFile, readLandedFiles, sameContent, writeFile } from "../ledger/file-ledger.ts";
import { ledgerExists, ledgerKey, writeFailure } from "../ledger/ledger.ts";
import { type Landed, type LandOptions, Load } from "../load/load.ts";
import { rawTable } from "../table/raw-table.ts";
import { evolveTable } from "../table/tables.ts";
import { readFile } from "./formats.ts";

/** What became of the files of one stream. */
export interface LandedFiles {
  readonly files: readonly FileLoad[];
  readonly landed: readonly Landed[];
  readonly warnings: readonly string[];
}

/** Thrown inside a load whose file turns out to be one that has landed: it is rolled back. */
class KnownContent extends Error {}

/**
 * Lands every new file of a stream, each in a transaction of its own, by path. A file that cannot be landed is told in
 * the result and does not keep the others from landing.
 */
export async function landFiles(
  client: Client,
  declaration: IngestDeclaration & { readonly connector: FilesDeclaration },
  stream: StreamDeclaration & { readonly connector: FileStream },
  filesystem: Filesystem,
  options: LandOptions,
  clock?: StableClock,
): Promise<LandedFiles> {
  const key = ledgerKey(declaration, stream);
  if (!options.dryRun) await evolveTable(client, rawTable(declaration, stream));
  const before =
    options.full || (options.dryRun && !(await ledgerExists(client, key.schema)))
      ? new Map<string, LandedFile>()
      : await readLandedFiles(client, key);
  const { files: glob, sequence } = stream.connector;
  const since = options.since === undefined ? undefined : timeOf(options.since);
  const onWait = (seconds: number) =>
    options.onEvent?.({ kind: "waiting", stream: stream.name, seconds, reason: "looking whether files still grow" });
  const listing = await listStable(filesystem, glob, stream.connector, clock, onWait);
  const files: FileLoad[] = listing.growing.map((path) => ({ ...nothing, path, status: "waiting", reason: GROWING }));
  const landed: Landed[] = [];
  for (const file of listing.whole) {
    if (since !== undefined && file.modifiedAt !== undefined && Date.parse(file.modifiedAt) < since) continue;
    const known = before.get(file.path);
    if (known && unchanged(known, file)) {
      files.push({ ...nothing, path: file.path, status: "known", version: known.version });
      continue;
    }
    const load = new Load(client, declaration, stream, options);
    const startedAt = new Date();
    try {
      const { result, version } = await landFile(client, load, stream, file, options);
      landed.push(result);
      const { rows, rejected, loadId, warnings } = result;
      files.push({
        path: file.path,
        status: "loaded",
        version,
        rows,
        rejected,
        loadId,
        reason: warnings[0] ?? null,
        error: null,
      });
    } catch (error) {
      if (connectionLost(error)) throw error;
      if (error instanceof KnownContent) {
        files.push({ ...nothing, path: file.path, status: "known", version: Number(error.message) });
        continue;
      }
      const failure = errorOf(error as Error, file.path);
      const loadId = options.dryRun
        ? null
        : await writeFailure(client, key, startedAt, failure.message, stream.batch.kind);
      files.push({ ...nothing, path: file.path, status: "failed", loadId, error: failure });
    }
  }
  const paths = [...new Set([...before.keys(), ...listing.whole.map(({ path }) => path)])];
  const gaps = sequence === undefined ? [] : sequenceGaps(paths, sequence);
  const warnings = gaps.length
    ? [`numbers are missing in the sequence: ${gaps.slice(0, 20).map(gapText).join(", ")}`]
    : [];
  if (!listing.whole.length && !listing.growing.length)
    warnings.push(`no file matches ${glob} below ${declaration.connector.at}`);
  // Models read the table also when there has been no file yet.
  if (!options.dryRun && !landed.length)
    await withTransaction(client, () => new Load(client, declaration, stream, options).makeTable());
  return { files, landed, warnings };
}

const GROWING = "it may still be being written; the next load looks again";
const nothing = { version: null, rows: 0, rejected: 0, loadId: null, reason: null, error: null } as const;

function timeOf(since: string): number {
  const time = Date.parse(since);
  if (!Number.isNaN(time)) return time;
  throw new UserError({
    message: `--since ${since} is no time that files can have changed since`,
    expected: "such as 2026-01-31 or 2026-01-31T00:00:00Z",
  });
}

function gapText({ first, last }: SequenceGap): string {
  return first === last ? String(first) : `${first} to ${last}`;
}

/** By what the place says of it, without reading it. */
function unchanged(known: LandedFile, file: SourceFile): boolean {
  if (file.size !== undefined && file.size !== known.bytes) return false;
  if (file.version !== undefined && known.tag !== null) return file.version === known.tag;
  const time = file.modifiedAt === undefined ? undefined : Date.parse(file.modifiedAt);
  return time !== undefined && known.modifiedAt !== null && time === Date.parse(known.modifiedAt);
}

async function landFile(
  client: Client,
  load: Load,
  stream: StreamDeclaration & { readonly connector: FileStream },
  file: SourceFile,
  options: LandOptions,
): Promise<{ result: Landed; version: number }> {
  const { maxBytes, format, changed, minRows } = stream.connector;
  const asOf = batchTime(stream, file.path);
  if (options.dryRun) {
    await load.rehearse(false, file.path);
    const known = options.full || !(await ledgerExists(client, load.key.schema));
    const versions = known ? [] : await knownVersions(client, load.key, file.path);
    const { bytes, hash } = readChecked(load, file, maxBytes);
    await readFile(load, stream, format, bytes, true);
    refuseKnown(versions, hash.digest("hex"));
    if (versions.length && changed === "refuse") throw contentChanged(file.path);
    return { result: load.rehearsed(), version: 0 };
  }
  return withTransaction(client, async () => {
    await load.begin(file.path);
    const versions = options.full ? [] : await knownVersions(client, load.key, file.path);
    const all = options.full ? await knownVersions(client, load.key, file.path) : versions;
    // Reading a file twice is cheap beside landing it in vain.
    if (versions.length) refuseKnown(versions, await checksumOf(file));
    if (versions.length && changed === "refuse") throw contentChanged(file.path);
    const { bytes, hash, count } = readChecked(load, file, maxBytes);
    const details = await readFile(load, stream, format, bytes, false);
    const checksum = hash.digest("hex");
    refuseKnown(versions, checksum);
    if (minRows !== undefined && load.rows < minRows) throw tooFew(file.path, minRows, load.rows);
    const known = await sameContent(client, load.key, file.path, checksum);
    if (known !== undefined) load.warnings.push(`${file.path} has the same content as ${known}`);
    const version = (all.at(-1)?.version ?? 0) + 1;
    const result = await load.finish({ asOf }, { file: file.path, version, ...details });
    const { path, modifiedAt = null, version: tag = null } = file;
    if (!all.some((one) => one.checksum === checksum))
      await writeFile(client, load.key, {
        path,
        version,
        checksum,
        bytes: count(),
        modifiedAt,
        tag,
        loadId: load.loadId,
      });
    return { result, version };
  });
}

/** The file's records as bytes, unpacked, while the bytes as stored are counted and hashed. */
function readChecked(
  load: Load,
  file: SourceFile,
  maxBytes: number,
): { bytes: AsyncIterable<Uint8Array>; hash: Hash; count: () => number } {
  const hash = createHash("sha256");
  let size = 0;
  const tap = async function* () {
    // Opened when it is read: nobody would close a file that a wrong declaration keeps from being read.
    for await (const chunk of await file.open()) {
      hash.update(chunk);
      size += chunk.length;
      load.tell({ kind: "bytes", file: file.path, bytes: size, of: file.size ?? null });
      yield chunk;
    }
  };
  return { bytes: unpack(tap(), file.path, { maxBytes }), hash, count: () => size };
}

async function checksumOf(file: SourceFile): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of await file.open()) hash.update(chunk);
  return hash.digest("hex");
}

function refuseKnown(
  versions: readonly { readonly version: number; readonly checksum: string }[],
  checksum: string,
): void {
  const same = versions.find((one) => one.checksum === checksum);
  if (same) throw new KnownContent(String(same.version));
}

function batchTime({ batch }: StreamDeclaration, path: string): string | null {
  if (batch.asOf === undefined) return null;
  const found = new RegExp(batch.asOf).exec(path)?.[1];
  if (found !== undefined) return found;
  throw new UserError({
    message: `the path ${path} does not say which date it is of`,
    expected: `a path that matches ${batch.asOf} (batch.asOf)`,
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

function tooFew(path: string, expected: number, found: number): UserError {
  return new UserError({
    message: `${path} has fewer rows than a whole file has`,
    expected: `at least ${expected} (minRows)`,
    found: String(found),
    hint: "nothing was landed: ask for the file again, or correct minRows",
    exitCode: 1,
  });
}

/** The error as data, with the file's name where it has no place of its own. */
function errorOf(error: Error & Partial<UserErrorDetails>, path: string): UserErrorDetails {
  const { message, location, expected, found, hint, code } = error;
  const given = Object.entries({ location, expected, found, hint, code }).filter(([, value]) => value !== undefined);
  return { message: message.includes(path) ? message : `${path}: ${message}`, ...Object.fromEntries(given) };
}
