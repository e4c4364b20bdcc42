/** The seconds of one contestant, one per counted round. */
export interface Series {
  readonly name: string;
  readonly seconds: number[];
}

export interface Spread {
  readonly min: number;
  readonly median: number;
  readonly max: number;
}

export function spread(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const median = sorted.length % 2 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
  return { min: sorted[0]!, median, max: sorted.at(-1)! };
}

/** A ratio taken in each round by itself, so that both sides had the same neighbours on the machine. */
export function ratios(over: readonly number[], under: readonly number[]): number[] {
  return over.map((value, round) => value / under[round]!);
}

export function sums(a: readonly number[], b: readonly number[]): number[] {
  return a.map((value, round) => value + b[round]!);
}
