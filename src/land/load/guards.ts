import { counted, percent } from "../../model/counted.ts";
import { UserError } from "../../model/errors.ts";
import type { Past } from "../ledger/past.ts";
import type { Tally } from "./tally.ts";
import { type LoadTarget, streamName } from "./target.ts";

/** A later load this small may be all wrong without saying anything about the next. */
const TELLING_RECORDS = 10;
/** So many rejects and not one row: it will not get better. */
const HOPELESS_REJECTS = 100_000;

type Counts = Pick<Tally, "admitted" | "rows" | "rejected" | "firstReject">;

/** Stops a load that goes on and on without a row. */
export function refuseHopeless(target: LoadTarget, counts: Counts): void {
  if (counts.rows === 0 && counts.rejected >= HOPELESS_REJECTS) throw allWrong(target, counts);
}

/**
 * A source that changed its shape must not look like a day without news.
 * @param goesOn whether the load began where an earlier one had ended
 */
export function refuseAllWrong(target: LoadTarget, counts: Counts, goesOn: boolean): void {
  const { admitted, rejected } = counts;
  if (admitted > 0 && rejected >= admitted && !(goesOn && admitted < TELLING_RECORDS)) throw allWrong(target, counts);
}

/** A file with fewer rows than the declaration says a whole one has. */
export function refuseTooFew({ stream: { connector } }: LoadTarget, { rows }: Pick<Tally, "rows">, file: string): void {
  const least = connector.kind === "files" ? (connector.minRows ?? 0) : 0;
  if (rows >= least) return;
  throw new UserError({
    message: `${file} has fewer rows than a whole file has`,
    expected: `at least ${least} (minRows)`,
    found: String(rows),
    hint: "nothing was landed: ask for the file again, or correct minRows",
    exitCode: 1,
  });
}

/** A full batch that lost most of its rows would delete them from history. */
export async function refuseShrunk(target: LoadTarget, { rows }: Pick<Tally, "rows">, past: Past): Promise<void> {
  const { kind, maxShrink } = target.stream.batch;
  if (kind !== "full") return;
  const before = await past.batchRows(target.key, kind);
  const least = before === undefined ? 1 : Math.max(1, before * (1 - maxShrink));
  if (rows >= least) return;
  throw new UserError({
    message: `the full batch of ${streamName(target)} ${rows ? "has shrunk" : "is empty"}`,
    expected:
      before === undefined
        ? "at least one row"
        : `at least ${counted(Math.ceil(least), "row")}: the batch before had ${before}, and batch.maxShrink is ${percent(maxShrink)}`,
    found: counted(rows, "row"),
    hint: "nothing was landed; --force lands it, where the source is right",
    exitCode: 1,
  });
}

function allWrong(target: LoadTarget, { admitted, firstReject }: Counts): UserError {
  return new UserError({
    message: `${admitted === 1 ? "the only record" : `all ${counted(admitted, "record")}`} of ${streamName(target)} ${admitted === 1 ? "was" : "were"} rejected`,
    location: { file: target.stream.recordSchema.file },
    expected: "records that meet this schema",
    found: firstReject!,
    hint: "the source has changed, or the schema is wrong; nothing was landed and the cursor did not move",
    exitCode: 1,
  });
}
