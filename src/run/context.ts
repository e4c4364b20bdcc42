import type { RunEvents } from "../environment/events.ts";
import type { ReachFailpoint } from "../environment/failpoints.ts";
import type { Column } from "../model/catalog.ts";
import type { BuildStep, NewRows } from "../model/plan.ts";
import type { StepResult } from "../model/report.ts";
import type { Client } from "../postgres/client.ts";
import type { Sources } from "./explain.ts";
import type { Pool } from "./pool.ts";

/** What the stages of one run share. */
export interface RunContext {
  readonly pool: Pool;
  readonly signal: AbortSignal;
  readonly events: RunEvents;
  readonly sources: Sources;
  readonly failpoint: ReachFailpoint;
  readonly record: (result: StepResult) => void;
  /** Whether the step of that key failed, was skipped or was held. */
  readonly isBlocked: (key: string) => boolean;
  /** @throws UserError where the table of an incremental step cannot take rows of these columns */
  readonly check: (step: BuildStep & { readonly newRows: NewRows }, columns: readonly Column[]) => void;
  /** Plans the second half of an incremental step; reads the columns of its first over the connection. */
  readonly complete: (step: BuildStep & { readonly newRows: NewRows }, client: Client) => Promise<BuildStep>;
}
