/** Blocks of text, and what they hold in the end. */
export interface Content {
  readonly blocks: Iterable<string>;
  readonly rows: number;
  /** Of them, records that cannot be landed. */
  readonly bad: number;
}

/** Joins pieces to blocks of about a megabyte. */
export function* blocksOf(pieces: Iterable<string>): Generator<string> {
  let block = "";
  for (const piece of pieces) {
    block += piece;
    if (block.length < 1 << 20) continue;
    yield block;
    block = "";
  }
  yield block;
}

/** A number in [0, below) that looks random and is the same for the same two numbers. `below` up to a million. */
export function pick(row: number, salt: number, below: number): number {
  let hash = Math.imul(row ^ (salt * 0x9e3779b1), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) % below;
}

export function oneOf<T>(row: number, salt: number, values: readonly T[]): T {
  return values[pick(row, salt, values.length)]!;
}

/** "2026-03-01T…Z", some time in 2026. */
export function timeOf(row: number, salt: number): string {
  const start = Date.UTC(2026, 0, 1);
  return new Date(
    start + pick(row, salt, 365) * 86_400_000 + pick(row, salt + 1, 86_400) * 1000 + pick(row, salt + 2, 1000),
  ).toISOString();
}
