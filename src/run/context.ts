import type { RunEvents } from "../environment/events.ts";
import type { ReachFailpoint } from "../environment/failpoints.ts";
import type { Column } from "../model/catalog.ts";
import type { CompiledGraph } from "../model/graph.ts";
import type { BuildStep, NewRows, PublishItem } from "../model/plan.ts";
import type { AbsentTable, StepResult } from "../model/report.ts";
import type { Client } from "../postgres/client.ts";
import type { Sources } from "./place.ts";
import type { Pool } from "./pool.ts";

/** What the stages of one run share. */
export interface RunContext {
  readonly graph: CompiledGraph;
  readonly pool: Pool;
  readonly signal: AbortSignal;
  readonly events: RunEvents;
  readonly sources: Sources;
  readonly failpoint: ReachFailpoint;
  readonly runId: string;
  /** Whether all that was done until now succeeded. */
  readonly isGood: () => boolean;
  /** How often a step that the server refuses is done again, where it is one transaction. */
  readonly retries: number;
  readonly record: (result: StepResult) => void;
  /** Seconds since the run began. */
  readonly elapsed: () => number;
  /** Whether the step of that key failed, was skipped or was held. */
  readonly isBlocked: (key: string) => boolean;
  /** The tables that the step of that key was skipped for; none where it was not. */
  readonly awaits: (key: string) => readonly AbsentTable[];
  /** @throws UserError where the model can never be published */
  readonly refuse: (step: BuildStep) => void;
  /**
   * The second half of an incremental step, for these columns.
   * @throws UserError where its table cannot take rows of them
   */
  readonly check: (step: BuildStep & { readonly newRows: NewRows }, columns: readonly Column[]) => BuildStep;
  /** Whether others read the public view of the model, or put anything on it. */
  readonly isAttached: (step: BuildStep) => boolean;
  /**
   * What of others goes where the public view is made again for these columns.
   * @throws UserError where it cannot follow
   */
  readonly follow: (item: PublishItem) => string | undefined;
  /** Plans the second half of an incremental step; reads the columns of its first over the connection. */
  readonly complete: (step: BuildStep & { readonly newRows: NewRows }, client: Client) => Promise<BuildStep>;
}
