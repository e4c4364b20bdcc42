import type { StreamDeclaration } from "../../model/declarations.ts";
import type { LoadEvent } from "../../model/load-report.ts";

/** Milliseconds for another load of the stream to end. */
export const WAIT_TIMEOUT = 3_600_000;

export interface LandOptions {
  /** Begin at the beginning; what landed before stays and lands once more. */
  readonly full?: boolean;
  /** Begin at this value of the cursor, or with files changed since this time, instead of where the last load ended. */
  readonly since?: string;
  /**
   * Milliseconds to wait for another load of the stream.
   * @default an hour
   */
  readonly waitTimeout?: number;
  /** Read and check, write nothing. */
  readonly dryRun?: boolean;
  /** Land a full batch although it is empty or much smaller than the one before. */
  readonly force?: boolean;
  /** Ends the load: what it does in the server is cancelled and rolled back, its source is left. */
  readonly signal?: AbortSignal | undefined;
  readonly onEvent?: (event: LoadEvent) => void;
  /** Characters of records held in memory before they are written. */
  readonly memory?: number;
}

/** An event of a load, before it has the name of its stream. */
export type StreamEvent = WithoutStream<LoadEvent>;
type WithoutStream<T> = T extends unknown ? Omit<T, "stream"> : never;

export function emitterOf({ name }: StreamDeclaration, { onEvent }: LandOptions): (event: StreamEvent) => void {
  return (event) => onEvent?.({ ...event, stream: name } as LoadEvent);
}
