import type { EventKey } from "../land/ledger/event-keys.ts";
import type { Sending } from "./event.ts";
import type { Judgement } from "./event-streams.ts";

/** An event on its way into the database, and what is no event that came as one. */
export interface Arrived {
  /** Where the request had it. */
  readonly position: string;
  /** As it is kept where it does not land. */
  readonly text: () => string;
  /** As it was sent. */
  readonly sent: { readonly text: string };
  /** What its request had in common. */
  readonly sending: Sending;
  /** Characters that were sent. */
  readonly size: number;
  readonly judged: Judgement;
  /** Undefined where it does not say what it is called. */
  readonly key?: EventKey | undefined;
}

/** What became of one. */
export type Outcome =
  | { readonly kind: "accepted" }
  /** It had come before. */
  | { readonly kind: "duplicate" }
  | { readonly kind: "rejected"; readonly reason: string };

export const ACCEPTED: Outcome = { kind: "accepted" };
