import type { BatchDeclaration, StreamDeclaration } from "../../model/declarations.ts";
import type { FileVersion } from "../ledger/file-ledger.ts";
import type { Past } from "../ledger/past.ts";
import type { Rejection } from "../write/row-batch.ts";
import { type Follower, follow, stay } from "./follower.ts";
import { refuseAllWrong, refuseShrunk, refuseTooFew } from "./guards.ts";
import { type Landed, Load } from "./load.ts";
import { emitterOf, type LandOptions, WAIT_TIMEOUT } from "./options.ts";
import type { LoadWriter, Sink } from "./sink.ts";
import type { LoadTarget } from "./target.ts";

/** Small enough that what is gathered is gone before the garbage collector has looked at it twice. */
const MEMORY = 4 * 1024 * 1024;

interface LoadOptions extends LandOptions {
  /** The file that all records are of. */
  readonly file?: string;
  /** Takes what is refused, in place of `_rejected`: of a load that tries rejects again. It leaves the cursor alone. */
  readonly onRefused?: (rejection: Rejection) => void;
}

/** How the work of a load ended. Nothing of it stays where `keep` is null. */
export interface Ending<T> {
  readonly keep: Kept | null;
  readonly answer: T;
}

/** What the ledger is to know of a load, besides its figures. */
interface Kept {
  readonly batch?: BatchDeclaration["kind"];
  readonly asOf?: string | null;
  readonly details?: object;
  /** A content that is new to its path. */
  readonly file?: FileVersion;
  readonly content?: { readonly path: string; readonly version: number };
  readonly replayOf?: string;
  /** It counts though all of it was rejected: what stands behind it would wait for ever. */
  readonly rejectsAlone?: boolean;
}

interface LoadResult<T> {
  /** Null where nothing was kept. */
  readonly landed: Landed | null;
  readonly answer: T;
}

/**
 * The one way of every load: lock, table, cursor; `work`, which gives it records; what is left, guards, drift, the ledger's
 * row. All of it is there together or not at all: killed anywhere and run again, nothing is lost and nothing lands twice.
 * @throws UserError for a load that must not count
 */
export function withLoad<T>(
  sink: Sink,
  target: LoadTarget,
  options: LoadOptions,
  work: (load: Load) => Promise<Ending<T>>,
): Promise<LoadResult<T>> {
  return sink.whole(
    async () => {
      const { load, writer, follower } = await begin(sink, target, options);
      const { keep, answer } = await work(load);
      if (!keep) return { landed: null, answer };
      await load.flush();
      await guard(sink.past, load, { follower, keep }, options);
      return { landed: await end(load, writer, follower, keep), answer };
    },
    ({ landed }) => landed !== null,
  );
}

async function begin(
  sink: Sink,
  target: LoadTarget,
  options: LoadOptions,
): Promise<{ load: Load; writer: LoadWriter; follower: Follower }> {
  const { full, since, file, onRefused, memory = MEMORY, waitTimeout = WAIT_TIMEOUT, signal } = options;
  const emit = emitterOf(target.stream, options);
  const onWait = (reason: string) => emit({ kind: "waiting", seconds: null, reason });
  const writer = await sink.open(target, { deadline: waitTimeout, onWait, signal });
  const before = writer.isFirst || full ? null : await sink.past.cursor(target.key);
  const follower = onRefused ? stay(before) : follow(target.stream, before, since);
  const load = new Load({ target, writer, follower, emit, memory, file, onRefused });
  const { schema, name } = target.table;
  emit({ kind: "started", table: `${schema}.${name}`, since: load.since, ...(file === undefined ? {} : { file }) });
  return { load, writer, follower };
}

async function guard(
  past: Past,
  { target, tally }: Load,
  { follower, keep }: { readonly follower: Follower; readonly keep: Kept },
  { file, onRefused, force }: LoadOptions,
): Promise<void> {
  if (!keep.rejectsAlone) refuseAllWrong(target, tally, follower.start !== null);
  if (file !== undefined) refuseTooFew(target, tally, file);
  if (!force && !onRefused) await refuseShrunk(target, tally, past);
}

/** How many days before the last one asked for the next load reads again: what is older stays as it is. */
function lookbackOf({ connector }: StreamDeclaration): { readonly lookbackDays?: number } {
  const window = connector.kind === "rest" ? connector.window : undefined;
  return window ? { lookbackDays: window.lookbackDays } : {};
}

async function end(load: Load, writer: LoadWriter, follower: Follower, keep: Kept): Promise<Landed> {
  const { target, tally } = load;
  const { pages, records, rows, rejected, skipped, seen, days } = tally;
  const { reasons, more, moreRejects } = seen.reasons.told();
  const { moreUnknownFields, moreMissingFields } = seen.fields;
  const { by, kind } = target.stream.batch;
  const { batch = kind, asOf = null, file, content, replayOf, details } = keep;
  const cursor = follower.end(tally);
  const warning = follower.warning?.();
  if (warning !== undefined) tally.warnings.push(warning);
  const figures = {
    pages,
    records,
    skipped,
    reasons,
    ...(more ? { moreReasons: more, moreRejects } : {}),
    ...(moreUnknownFields ? { moreUnknownFields } : {}),
    ...(moreMissingFields ? { moreMissingFields } : {}),
    ...(by && batch === kind ? { by } : {}),
    ...(days ? { days, ...lookbackOf(target.stream) } : {}),
    ...(target.stream.freshness ? { freshness: target.stream.freshness } : {}),
  };
  const entry = {
    ...{ rows, rejected, cursor, batch, asOf, file, content, replayOf },
    drift: tally.drift,
    details: { ...figures, ...details },
  };
  const loadId = await writer.close(entry);
  if (load.server) load.emit({ kind: "committing" });
  return { loadId, pages, records, rows, rejected, skipped, cursor, seen, warnings: tally.allWarnings };
}
