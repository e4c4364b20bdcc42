import type { Choose } from "./worlds/world.ts";

// What passes match, from "Passes" in docs/products/reconciliation.md: each row against each other, and every sum.

export interface PassRow {
  readonly id: string | null;
  readonly isOurs: boolean;
  /** In thousandths: money is compared in hundredths. */
  readonly amount: number | null;
  readonly currency: string;
  readonly day: number | null;
  readonly batch: string | null;
}

interface Told {
  status: string;
  pass: string;
  confidence: string;
  note: string;
}

/** Rows that a pass put together. */
interface PassGroup {
  readonly pass: string;
  readonly outcome: string;
  readonly members: readonly PassRow[];
}

/** What is said of rows and groups, a line each, in no order; and the groups themselves. */
export interface Expected {
  readonly rows: readonly string[];
  readonly groups: readonly string[];
  readonly made: readonly PassGroup[];
}

/** How far the passes go. */
interface Bounds {
  readonly days: number;
  readonly most: number;
  readonly candidates: number;
}

const IN_SMALL: Bounds = { days: 3, most: 3, candidates: 5 };

export function passWorld(choose: Choose): PassRow[] {
  const one = (isOurs: boolean): PassRow => ({
    id: choose(8) ? `k${choose(60)}` : null,
    isOurs,
    amount: choose(25) ? (1 + choose(9)) * 1000 * (choose(6) ? 1 : -1) + (choose(6) ? 0 : 4) : null,
    currency: choose(8) ? "EUR" : "USD",
    day: choose(25) ? 1 + choose(24) : null,
    batch: choose(3) ? null : `b${choose(12)}`,
  });
  return Array.from({ length: 50 }, (_, index) => one(index % 2 === 0));
}

/** Hundredths, halves away from zero. */
const rounded = (thousandths: number) => Math.sign(thousandths) * Math.floor((Math.abs(thousandths) + 5) / 10);
const sumOf = (rows: readonly PassRow[]) => rounded(rows.reduce((sum, { amount }) => sum + amount!, 0));
const named = ({ id }: PassRow) => id ?? "-";

export function passesFound(rows: readonly PassRow[], bounds: Bounds = IN_SMALL): Expected {
  const open = new Map<PassRow, Told>();
  const told: string[] = [];
  const groups: string[] = [];
  const made: PassGroup[] = [];
  const group = (pass: string, outcome: string, members: readonly PassRow[]) => {
    made.push({ pass, outcome, members });
    const of = (isOurs: boolean) =>
      members
        .filter((row) => row.isOurs === isOurs)
        .map(named)
        .sort()
        .join("+");
    groups.push(`${pass} ${outcome} ${of(true)} = ${of(false)}`);
  };
  for (const id of new Set(rows.map((row) => row.id))) {
    const all = rows.filter((row) => row.id === id);
    const [ours, theirs] = [all.filter(({ isOurs }) => isOurs), all.filter(({ isOurs }) => !isOurs)];
    if (id === null || all.length === 1) {
      for (const row of all) {
        const status = id === null ? "no_key" : row.isOurs ? "missing_in_theirs" : "missing_in_ours";
        open.set(row, { status, pass: "-", confidence: "-", note: "-" });
      }
    } else if (ours.length === 1 && theirs.length === 1)
      told.push(`${id} ${ours.length}|${theirs.length} paired key certain -`);
    else {
      const isSum = Math.min(ours.length, theirs.length) === 1 && all.every(({ amount }) => amount !== null);
      const isOne = new Set(all.map(({ currency }) => currency)).size === 1;
      const counts = `${ours.length}|${theirs.length}`;
      if (!isSum || !isOne) told.push(`${id} ${counts} duplicate - - -`);
      else if (sumOf(ours) === sumOf(theirs)) told.push(`${id} ${counts} matched_by_pass parts high -`);
      else told.push(`${id} ${counts} duplicate parts - sum_differs`);
      if (isSum && isOne) group("parts", sumOf(ours) === sumOf(theirs) ? "matched" : "sum_differs", all);
    }
  }
  const isLeft = (row: PassRow) => open.get(row)!.status !== "matched_by_pass" && open.get(row)!.note !== "ambiguous";
  const left = (isFit: (row: PassRow) => boolean) =>
    [...open.keys()].filter((row) => row.amount !== null && isLeft(row) && isFit(row));
  const match = (members: readonly PassRow[], pass: string, confidence: string) => {
    group(pass, "matched", members);
    for (const row of members) open.set(row, { status: "matched_by_pass", pass, confidence, note: "-" });
  };
  const RANK = ["ambiguous", "sum_differs", "too_many"];
  const note = (row: PassRow, pass: string, what: string) => {
    const before = open.get(row)!;
    if (before.note === "-" || RANK.indexOf(what) < RANK.indexOf(before.note))
      open.set(row, { ...before, pass, note: what });
  };

  const differing: (readonly PassRow[])[] = [];
  const batched = left(({ batch }) => batch !== null);
  for (const key of new Set(batched.map(({ batch, currency }) => `${batch} ${currency}`))) {
    const all = batched.filter(({ batch, currency }) => `${batch} ${currency}` === key);
    const [ours, theirs] = [all.filter(({ isOurs }) => isOurs), all.filter(({ isOurs }) => !isOurs)];
    if (!ours.length || !theirs.length) continue;
    if (Math.min(ours.length, theirs.length) > 1) for (const row of all) note(row, "batch", "ambiguous");
    else if (sumOf(ours) === sumOf(theirs)) match(all, "batch", "high");
    else {
      for (const row of all) note(row, "batch", "sum_differs");
      differing.push(all);
    }
  }

  const dated = left(({ day }) => day !== null);
  const apart = (a: PassRow, b: PassRow) => Math.abs(a.day! - b.day!);
  const fits = (a: PassRow, b: PassRow) =>
    a.isOurs !== b.isOurs &&
    a.currency === b.currency &&
    rounded(a.amount!) === rounded(b.amount!) &&
    apart(a, b) <= bounds.days;
  const nearest = (row: PassRow) => {
    const all = dated.filter((other) => fits(row, other));
    const days = Math.min(...all.map((other) => apart(row, other)));
    const near = all.filter((other) => apart(row, other) === days);
    return near.length === 1 ? near[0] : undefined;
  };
  const pairs = dated
    .filter((row) => row.isOurs)
    .flatMap((row) => {
      const other = nearest(row);
      return other && nearest(other) === row ? [[row, other]] : [];
    });
  for (const pair of pairs) match(pair, "amount", "medium");
  const unmatched = dated.filter(isLeft);
  for (const row of unmatched) if (unmatched.some((other) => fits(row, other))) note(row, "amount", "ambiguous");

  const summed = left(({ day, amount }) => day !== null && amount !== 0);
  const solutions: (readonly PassRow[])[] = [];
  for (const row of summed) {
    const near = summed.filter(
      (other) =>
        other.isOurs !== row.isOurs &&
        other.currency === row.currency &&
        Math.sign(other.amount!) === Math.sign(row.amount!) &&
        apart(row, other) <= bounds.days,
    );
    if (near.length > bounds.candidates) note(row, "sum", "too_many");
    else
      for (let bits = 0; bits < 2 ** near.length; bits++) {
        const some = near.filter((_, index) => bits & (2 ** index));
        if (some.length >= 2 && some.length <= bounds.most && sumOf(some) === rounded(row.amount!))
          solutions.push([row, ...some]);
      }
  }
  const isClear = (solution: readonly PassRow[]) =>
    solution.every((row) => solutions.filter((other) => other.includes(row)).length === 1);
  for (const solution of solutions) if (!isClear(solution)) for (const row of solution) note(row, "sum", "ambiguous");
  for (const solution of solutions) if (isClear(solution)) match(solution, "sum", "low");
  // a group that differs is told of the rows that nothing else is said of
  for (const all of differing) {
    const still = all.filter((row) => open.get(row)!.note === "sum_differs");
    if (still.length) group("batch", "sum_differs", still);
  }
  for (const [row, { status, pass, confidence, note: what }] of open)
    told.push(`${named(row)} ${row.isOurs ? "1|0" : "0|1"} ${status} ${pass} ${confidence} ${what}`);
  return { rows: told.sort(), groups: groups.sort(), made };
}
