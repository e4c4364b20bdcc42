import { errorData, UserError } from "../../model/errors.ts";
import type { FileLoad } from "../../model/load-report.ts";
import { connectionLost, databaseFailure } from "../../postgres/sqlstate.ts";
import { listStable, type SequenceGap, type StableClock, sequenceGaps } from "../../sources/files/stable-files.ts";
import type { Filesystem, SourceFile } from "../../sources/source.ts";
import { heeding } from "../../wait/timers.ts";
import type { LandedFile } from "../ledger/file-ledger.ts";
import type { Landed } from "../load/load.ts";
import { emitterOf, type LandOptions } from "../load/options.ts";
import type { Sink } from "../load/sink.ts";
import { type FileTarget, landFile } from "./file.ts";

/** What became of the files of one stream. */
interface LandedFiles {
  readonly files: readonly FileLoad[];
  readonly landed: readonly Landed[];
  readonly warnings: readonly string[];
}

/** Where files are. */
interface ListedFiles {
  readonly filesystem: Filesystem;
  /** As it was declared, for messages. */
  readonly at: string;
  readonly clock?: StableClock;
}

/**
 * Lands every new file of a stream, each in a transaction of its own, by path. A file that cannot be landed is told in
 * the result and does not keep the others from landing.
 */
export async function landFiles(
  sink: Sink,
  target: FileTarget,
  { filesystem, at, clock }: ListedFiles,
  options: LandOptions,
): Promise<LandedFiles> {
  const { stream } = target;
  await sink.forgetFiles(target);
  const { files: glob, sequence } = stream.connector;
  const before: ReadonlyMap<string, LandedFile> = options.full ? new Map() : await sink.past.files(target.key);
  const since = options.since === undefined ? undefined : timeOf(options.since);
  const emit = emitterOf(stream, options);
  const listing = await heeding(
    listStable(filesystem, glob, stream.connector, clock, (seconds) =>
      emit({ kind: "waiting", seconds, reason: "looking whether files still grow" }),
    ),
    options.signal,
  );
  const files: FileLoad[] = listing.growing.map((path) => ({ ...nothing, path, status: "waiting", reason: GROWING }));
  const landed: Landed[] = [];
  for (const file of listing.whole) {
    if (since !== undefined && file.modifiedAt !== undefined && Date.parse(file.modifiedAt) < since) {
      files.push({ ...nothing, path: file.path, status: "older" });
      continue;
    }
    const known = before.get(file.path);
    if (known && isUnchanged(known, file)) {
      const reason = known.isStruck ? `landed in load ${known.loadId}, which was struck` : null;
      files.push({ ...nothing, path: file.path, status: "known", version: known.version, reason });
      continue;
    }
    const load = await tryFile(sink, target, file, options);
    if (load.landed) landed.push(load.landed);
    files.push(load.told);
  }
  const paths = [...new Set([...before.keys(), ...listing.whole.map(({ path }) => path)])];
  const gaps = sequence === undefined ? [] : sequenceGaps(paths, sequence);
  const warnings = gaps.length
    ? [`numbers are missing in the sequence: ${gaps.slice(0, 20).map(gapText).join(", ")}`]
    : [];
  if (!listing.whole.length && !listing.growing.length) warnings.push(`no file matches ${glob} below ${at}`);
  // Models read the table also when there has been no file yet.
  if (!landed.length) await sink.whole(() => sink.makeTable(target));
  if (!landed.length && !files.some(({ status }) => status === "failed")) await sink.noteAsked(target);
  return { files, landed, warnings };
}

const GROWING = "it may still be being written; the next load looks again";
const nothing = {
  version: null,
  rows: 0,
  rejected: 0,
  loadId: null,
  reason: null,
  missingFields: [],
  error: null,
} as const;

async function tryFile(
  sink: Sink,
  target: FileTarget,
  file: SourceFile,
  options: LandOptions,
): Promise<{ readonly told: FileLoad; readonly landed?: Landed }> {
  const { path } = file;
  const startedAt = new Date();
  try {
    const outcome = await landFile(sink, target, file, options);
    const { status, version } = outcome;
    if (status === "known") return { told: { ...nothing, path, status, version } };
    const { landed } = outcome;
    const { rows, rejected, loadId, warnings, seen } = landed;
    const reason = warnings.join("; ") || null;
    const missingFields = [...seen.missing.keys()];
    return { landed, told: { path, status, version, rows, rejected, loadId, reason, missingFields, error: null } };
  } catch (error) {
    if (options.signal?.aborted || connectionLost(error)) throw error;
    const failure = errorData(databaseFailure(error) ?? (error as Error), path);
    const batch = target.stream.batch.kind;
    const loadId = await sink.noteFailure(target, { startedAt, error: failure.message, batch });
    return { told: { ...nothing, path, status: "failed", loadId, error: failure } };
  }
}

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

/** By what the filesystem says of it, without reading it. */
function isUnchanged(known: LandedFile, file: SourceFile): boolean {
  if (file.size !== undefined && file.size !== known.bytes) return false;
  if (file.version !== undefined && known.tag !== null) return file.version === known.tag;
  const time = file.modifiedAt === undefined ? undefined : Date.parse(file.modifiedAt);
  return time !== undefined && known.modifiedAt !== null && time === Date.parse(known.modifiedAt);
}
