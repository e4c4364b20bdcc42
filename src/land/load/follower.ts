import type { CursorDeclaration, StreamDeclaration } from "../../model/declarations.ts";
import { UserError } from "../../model/errors.ts";
import type { LoadCursor } from "../../model/load-report.ts";
import { askedFrom, isAhead } from "../../sources/rest/windows.ts";
import { CursorTracker, type Followed } from "./cursor-tracker.ts";
import { cursorOrder } from "./order.ts";
import type { Tally } from "./tally.ts";

/** Follows one load through its source: where it begins, what of it is new, where the next load begins. */
export interface Follower {
  /** Null for the beginning. */
  readonly start: LoadCursor | null;
  /** What asks of each record whether it is new; undefined where all are. */
  readonly records?: Pick<CursorTracker, "admit" | "refuse" | "land">;
  /** What of it a person should know, after all that was counted. */
  readonly warning?: () => string | undefined;
  /** Where the next load begins, after all that was counted. */
  end(counts: Pick<Tally, "admitted" | "days">): LoadCursor | null;
}

/**
 * @param before where the last load ended
 * @param since where this one is told to begin instead
 * @throws UserError for a cursor that no load can follow, and for a `since` that is no value of it
 */
export function follow(stream: StreamDeclaration, before: LoadCursor | null, since: string | undefined): Follower {
  const start = since === undefined ? before : { value: since, seen: [], unplaced: before?.unplaced ?? [] };
  if (followsDays(stream))
    return { start, end: ({ days }) => (days ? { value: days.end, seen: [], unplaced: [] } : before) };
  if (stream.cursor) return followRecords({ ...stream, cursor: stream.cursor }, { before, start, since });
  return { start: before, end: () => null };
}

/** Of a load that leaves the cursor where it is. */
export function stay(before: LoadCursor | null): Follower {
  return { start: before, end: () => before };
}

interface Place {
  readonly before: LoadCursor | null;
  readonly start: LoadCursor | null;
  readonly since: string | undefined;
}

function followRecords(
  stream: StreamDeclaration & { readonly cursor: CursorDeclaration },
  { before, start, since }: Place,
): Follower {
  const { cursor, recordSchema } = stream;
  const order = cursorOrder(cursor, recordSchema);
  if (since !== undefined && Number.isNaN(order(since, since)))
    throw wrongSince(since, cursor.field, recordSchema.columns.find(({ name }) => name === cursor.field)!.type);
  const tracker = new CursorTracker({
    field: cursor.field,
    order,
    start,
    ...reach(stream, start?.value ?? null),
    countsEqual: stream.connector.kind === "sql",
  });
  return {
    start,
    records: tracker,
    warning: () => {
      if (!tracker.isLost) return undefined;
      const { type } = recordSchema.columns.find(({ name }) => name === cursor.field)!;
      return `no record has a value of the cursor field ${cursor.field} that can be compared (${type}): each load asks the source for everything; choose another cursor, or leave it out`;
    },
    end: ({ admitted }) => {
      const now = tracker.cursor;
      if (since === undefined) return now;
      // What was asked for is no place that a source has reached: the cursor moves by records, and not back.
      if (admitted === 0 || now.value === null) return before;
      return before?.value != null && order(now.value, before.value) < 0 ? before : now;
    },
  };
}

/** Whether the last day asked for says where the next load begins. */
function followsDays({ connector, cursor, batch }: StreamDeclaration): boolean {
  return connector.kind === "rest" && connector.window !== undefined && batch.kind === "slice" && !cursor;
}

/**
 * From where to where records of a load may be. A window asks for whole days up to today: what it looks back to lands anew,
 * and a value from the future, from where no window would begin, is no place.
 */
function reach({ connector }: StreamDeclaration, value: string | null): Pick<Followed, "from" | "isNowhere"> {
  const window = connector.kind === "rest" ? connector.window : undefined;
  if (!window) return { from: value };
  const now = Date.now();
  return { from: value === null ? null : askedFrom(window, value, now), isNowhere: (one) => isAhead(one, now) };
}

function wrongSince(since: string, field: string, type: string): UserError {
  return new UserError({
    message: `--since ${since} is no value of the cursor field ${field}`,
    expected:
      type.startsWith("timestamp") || type === "date"
        ? "a date or time, such as 2026-01-31 or 2026-01-31T00:00:00Z"
        : `a ${type}`,
  });
}
