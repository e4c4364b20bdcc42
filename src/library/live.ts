import { id } from "../sql/identifiers.ts";
import { literal } from "../sql/literals.ts";
import { groupsThatDisagree, unsound } from "./live/checks.ts";
import {
  checkSource,
  PUBLISH_OPTIONS,
  type PublishOptions,
  type SourceOptions,
  shapeOf,
  tablesOf,
} from "./live/options.ts";
import { publishLive } from "./live/publish.ts";
import { type SessionOptions, sessionShapeOf } from "./live/session-options.ts";
import { ENDED, STARTED, sessionKey, sessionsStore, sessionsThatDisagree, sessionsView } from "./live/sessions.ts";
import { approximateOf, exactOf, keyOf, ROW_KIND, ROW_OF, type Shape, valueColumn } from "./live/shape.ts";
import { needsSketches } from "./live/sketches.ts";
import { storeQuery } from "./live/store.ts";
import { liveView } from "./live/view.ts";
import { callerOf, entriesOf } from "./shared/check-options.ts";

export type { DistinctOptions, PublishOptions, SourceOptions } from "./live/options.ts";
export type { SessionOptions } from "./live/session-options.ts";

// Marts that have an event as soon as it is committed, and are exact at every instant: what earlier loads gave is stored, what
// is not stored yet is counted where it is read. docs/live.md has the rules.

/**
 * Groups of events and what is counted of them, from a file in definitions/:
 *
 * - `<name>`, the view that people read: the columns of `by`, the period, `measures` and `distinct`;
 * - `<name>_store`, the incremental table under it: a run takes in the loads that closed since;
 * - the assertions `<name>_agrees_with_events`, `<name>_is_sound` and, a warning, `<name>_has_every_load`.
 * @throws Error that names a wrong option
 */
export function publish(name: string, options: PublishOptions): void {
  const caller = callerOf("live.publish", name);
  checkSource(caller, name, options, PUBLISH_OPTIONS);
  tablesOf(caller, options);
  const shape = shapeOf(caller, options);
  publishLive({
    name,
    caller,
    options,
    kind: "group",
    key: [ROW_KIND, ROW_OF, ...keyOf(shape), ...exactOf(shape).map(valueColumn)],
    indexes: shape.period ? [{ columns: [`(${id(shape.period.every)})`], where: `${id(ROW_KIND)} = 'group'` }] : [],
    columns: columnsOf(shape, options),
    description: "What is counted of events, up to the last one that is committed.",
    preOperations: approximateOf(shape).length ? needsSketches(caller) : undefined,
    store: (inputs) => storeQuery(shape, inputs),
    view: (inputs, store) => liveView(shape, inputs, store),
    disagree: (audited) => groupsThatDisagree(shape, audited),
    unsound: (audited) => unsound(shape, audited),
  });
}

function columnsOf(shape: Shape, options: PublishOptions): (readonly [string, string])[] {
  const told = (given: unknown) => (typeof given === "string" ? given : (given as { readonly of: string }).of);
  const { period } = shape;
  const distinct = new Map(entriesOf("live", options.distinct, "distinct"));
  return [
    ...[...shape.by.keys()].map((name) => [name, "Names the group."] as const),
    ...(period
      ? [[period.every, `The ${period.every} of the events, by the clocks of ${literal(period.timeZone)}.`] as const]
      : []),
    ...measuresTold(options),
    ...[...shape.distinct].map(
      ([name, { isApproximate }]) =>
        [name, `Different values of ${told(distinct.get(name))}${isApproximate ? ", about" : ""}.`] as const,
    ),
  ];
}

/**
 * Sessions of events, made as `publish` makes groups: the column of `visitor`, `started_at`, `ended_at` and `measures`. A visitor's
 * events that follow each other within less than `gap` are one session; one that comes late may join two.
 * @throws Error that names a wrong option
 */
export function sessions(name: string, options: SessionOptions): void {
  const caller = callerOf("live.sessions", name);
  const shape = sessionShapeOf(caller, name, options);
  tablesOf(caller, options);
  publishLive({
    name,
    caller,
    options,
    kind: "session",
    key: [ROW_KIND, ROW_OF, ...sessionKey(shape)],
    indexes: [{ columns: [STARTED], where: `${id(ROW_KIND)} = 'session'` }],
    columns: [
      [shape.visitor, "Whose session it is."],
      [STARTED, "When its first event happened."],
      [ENDED, `When its last event happened; after ${options.gap} without another one the next begins.`],
      ...measuresTold(options),
    ],
    description: "Sessions of events, up to the last one that is committed.",
    store: (inputs) => sessionsStore(shape, inputs),
    view: (inputs, store) => sessionsView(shape, inputs, store),
    disagree: (audited) => sessionsThatDisagree(shape, audited),
    unsound: (audited) => unsound(undefined, audited),
  });
}

const measuresTold = ({ measures }: SourceOptions) =>
  entriesOf("live", measures, "measures").map(([name, text]) => [name, `${text} of the events.`] as const);
