import type { SessionOptions } from "../environment/session.ts";
import type { PlanOptions } from "../plan/planner.ts";
import type { ReleaseOptions } from "../release/publish-waiting.ts";
import type { Retention } from "../release/retention.ts";
import type { HoldingRules } from "./holding.ts";
import type { ReadSource } from "./place.ts";

export interface RunOptions extends PlanOptions, SessionOptions, ReleaseOptions, HoldingRules {
  /**
   * Connections that build at once.
   * @default 4
   */
  readonly concurrency?: number;
  /**
   * How often a step that PostgreSQL refuses is done again; operations only where they are one transaction.
   * @default 0
   */
  readonly retries?: number;
  /**
   * What is kept of the past.
   * @default what the project file says
   */
  readonly retention?: Retention;
  /** The environment whose models are read where nothing of them is published in this one, and they are not built. */
  readonly defer?: string;
  readonly readSource?: ReadSource;
}
