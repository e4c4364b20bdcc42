import type { RuleSettings, Trouble, Verdict } from "../model/notifying.ts";

/** An incident that is open. */
export interface Known {
  readonly key: string;
  readonly trouble: Trouble;
}

/** What a look changes. */
export interface Change {
  readonly opened: readonly Known[];
  /** `isTold`: it is over; otherwise what it was about is gone, and nobody asks any more. */
  readonly closed: readonly (Known & { readonly isTold: boolean })[];
  readonly goingOn: readonly Known[];
}

/**
 * What is open before and what was found out since → what began, what is over, what goes on. A thing that nobody looked at stays as it was.
 * @param isThere whether the project still has what it is about
 */
export function changesOf(
  known: readonly Known[],
  verdicts: readonly Verdict[],
  isThere: (trouble: Trouble) => boolean,
): Change {
  const found = new Map(verdicts.map(({ key, trouble }) => [key, trouble]));
  const open = new Map(known.map((one) => [one.key, one]));
  const opened = [...found].flatMap(([key, trouble]) => (trouble && !open.has(key) ? [{ key, trouble }] : []));
  const closed: (Known & { readonly isTold: boolean })[] = [];
  const goingOn: Known[] = [];
  for (const one of known) {
    if (found.get(one.key) === null) closed.push({ ...one, isTold: true });
    else if (!found.has(one.key) && !isThere(one.trouble)) closed.push({ ...one, isTold: false });
    else goingOn.push(one);
  }
  return { opened, closed, goingOn };
}

/** The channels that a rule tells of it. @param isOver whether of its end */
export function channelsFor(rules: readonly RuleSettings[], trouble: Trouble, isOver: boolean): readonly string[] {
  const { kind, product, products = product === undefined ? [] : [product], tags = [] } = trouble;
  const told = rules.filter(
    (rule) =>
      rule.on.includes(kind) &&
      (!isOver || rule.on.includes("recovery")) &&
      (!rule.products || rule.products.some((one) => products.includes(one))) &&
      (!rule.tags || rule.tags.some((tag) => tags.includes(tag))),
  );
  return [...new Set(told.flatMap(({ to }) => to))];
}
