import { type KnownEvent, nameOf } from "../land/ledger/event-keys.ts";
import type { Arrived, Outcome } from "./arrived.ts";

// What is named alike in one commit, and what came before.

/** An event at its place in a commit. */
export interface Placed {
  readonly at: number;
  readonly event: Arrived;
}

/** What is known of a name, and why it was rejected where it was in this commit. */
export interface Known extends KnownEvent {
  readonly reason?: string | undefined;
}

/** The first of each name, with all that have none; and those behind them. */
export function firstOfEach(events: readonly Placed[]): {
  readonly first: readonly Placed[];
  readonly others: readonly Placed[];
} {
  const names = new Set<string>();
  const [first, others]: [Placed[], Placed[]] = [[], []];
  for (const one of events) {
    const name = one.event.key && nameOf(one.event.key);
    const isFirst = name === undefined || !names.has(name);
    if (name !== undefined) names.add(name);
    (isFirst ? first : others).push(one);
  }
  return { first, others };
}

/** An event whose name is known. One with the name of another is a reject; a reject that comes again is that one. */
export function comparedWith({ hash, landed, reason }: Known, event: Arrived): Arrived | { readonly is: Outcome } {
  const isSame = hash === event.key!.hash;
  if (landed) return isSame ? { is: { kind: "duplicate" } } : refused(event, OTHER_BODY);
  return isSame ? { is: { kind: "rejected", reason: reason ?? event.judged.reason ?? NOT_TAKEN } } : event;
}

/** What is known of a name once its first event is dealt with. */
export function knownAfter({ key }: Arrived, outcome: Outcome, before: KnownEvent | undefined): Known {
  if (outcome.kind === "rejected" && !before?.landed) return { hash: key!.hash, landed: false, reason: outcome.reason };
  return before?.landed ? before : { hash: key!.hash, landed: true };
}

/** The event as a reject that says nothing of its name. */
export function refused({ position, text, sent, sending, size, judged }: Arrived, reason: string): Arrived {
  return { position, text, sent, sending, size, judged: { stream: judged.stream, reason } };
}

const OTHER_BODY = "id: an event of this name came before, and said something else";
const NOT_TAKEN = "the server did not take it";

/** Of several that were sent at once under one name, and refused one after the other. */
export const TOO_MANY = "id: several events of this name came at once";
