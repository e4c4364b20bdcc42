import { expression } from "../../sql/authored.ts";
import { columnName, entriesOf, fail, foundOf } from "../shared/check-options.ts";
import { checkNames, checkSource, measuresOf, readOf, type SourceOptions } from "./options.ts";
import { ENDED, type SessionShape, STARTED } from "./sessions.ts";

/** Whose events, and what parts them: docs/live.md. */
export interface SessionOptions extends SourceOptions {
  /** The column that says whose events they are: a column of `from`, or `{ column: "an expression" }`. */
  readonly visitor: string | Readonly<Record<string, string>>;
  /** When an event happened: a column of `from`, or an expression; a timestamptz. */
  readonly time: string;
  /** How long nothing happens where a session ends: "30 minutes". */
  readonly gap: string;
}

const SECONDS: ReadonlyMap<string, number> = new Map([
  ["second", 1],
  ["minute", 60],
  ["hour", 3600],
]);

/** @throws Error for a mistake in the options, with what to do instead */
export function sessionShapeOf(caller: string, name: string, options: SessionOptions): SessionShape {
  checkSource(caller, name, options, ["visitor", "time", "gap"]);
  const [visitor, value] = visitorOf(caller, options.visitor);
  const shape: SessionShape = {
    visitor,
    value: readOf(caller, value, "visitor"),
    time: readOf(caller, options.time, "time"),
    gap: gapOf(caller, options.gap),
    where: options.where === undefined ? undefined : expression(options.where, `${caller}: where`),
    measures: measuresOf(caller, options.measures),
  };
  checkNames(caller, [visitor, STARTED, ENDED, ...shape.measures.keys()]);
  return shape;
}

function visitorOf(caller: string, given: unknown): readonly [string, string] {
  if (typeof given === "string") {
    const name = columnName(caller, given, "visitor");
    return [name, `events."${name.replaceAll('"', '""')}"`];
  }
  const entries = given === undefined ? [] : entriesOf(caller, given, "visitor");
  if (entries.length !== 1)
    fail(caller, `needs visitor: a column, or { column: "an expression" }, found ${foundOf(given)}`);
  const [name, text] = entries[0]!;
  return [columnName(caller, name, "visitor"), text as string];
}

function gapOf(caller: string, given: unknown): number {
  const [, count, unit] = (typeof given === "string" && /^([1-9]\d{0,8}) (second|minute|hour)s?$/.exec(given)) || [];
  if (count === undefined) return fail(caller, `gap: expected a time such as "30 minutes", found ${foundOf(given)}`);
  return Number(count) * SECONDS.get(unit!)!;
}
