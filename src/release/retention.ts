import { milliseconds } from "../model/duration.ts";
import type { RetentionSettings } from "../model/graph.ts";

/** What is kept of the past of an environment. */
export interface Retention {
  /** Published releases that are kept at least, the current one included. */
  readonly releases: number;
  /** Milliseconds that a release is kept after it was published. */
  readonly age: number;
  /**
   * Runs that are remembered at most.
   * @default 1000
   */
  readonly runs?: number;
  /**
   * Milliseconds that a run is remembered at most.
   * @default 90 days
   */
  readonly runsAge?: number;
  /**
   * Milliseconds that rows of failed assertions are kept at most.
   * @default 7 days
   */
  readonly failingRowsAge?: number;
}

const DAY = 86_400_000;

export const DEFAULT_RETENTION: Required<Retention> = {
  releases: 2,
  age: 3_600_000,
  runs: 1_000,
  runsAge: 90 * DAY,
  failingRowsAge: 7 * DAY,
};

/** What the project file says, and above it what the command line does. */
export function retentionOf(
  settings: RetentionSettings = {},
  flags: { readonly keepReleases?: number | undefined; readonly keepFor?: number | undefined } = {},
): Required<Retention> {
  const given = (duration: string | undefined) => (duration === undefined ? undefined : milliseconds(duration));
  const { releases, age, runs, runsAge, failingRowsAge } = DEFAULT_RETENTION;
  return {
    releases: flags.keepReleases ?? settings.releases ?? releases,
    age: flags.keepFor ?? given(settings.releasesFor) ?? age,
    runs: settings.runs ?? runs,
    runsAge: given(settings.runsFor) ?? runsAge,
    failingRowsAge: given(settings.failingRowsFor) ?? failingRowsAge,
  };
}
