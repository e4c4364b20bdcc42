import { readLayout } from "../compile/source.ts";
import { meaningful } from "../sql/tokens.ts";

/** SQL of a file, from its first sign to its last: the whole of a statement. */
export interface Stretch {
  readonly start: number;
  readonly end: number;
  /** In `pre_operations { … }` and its like, not beside the blocks. */
  readonly inBlock: boolean;
}

/**
 * The SQL of an .sqlx file, in its order; of a .sql file all of it.
 * @returns why it cannot be told, where it cannot
 */
export function stretchesOf(file: string, source: string): readonly Stretch[] | string {
  if (!file.endsWith(".sqlx")) return trimmed(source, [0, source.length], false);
  const layout = readLayout(source);
  if (layout.unclosed) return `${layout.unclosed.name} { … } has no end`;
  const { sql, pre = [], post = [], where = [], inputs } = layout;
  const found: Stretch[] = [];
  for (const [statements, inBlock] of [
    [sql, false],
    ...[pre, post, where, ...inputs].map((inside) => [inside, true] as const),
  ] as const)
    for (const ranges of statements) {
      const withSql = ranges.filter(([start, end]) => meaningful(source.slice(start, end)).length > 0);
      if (withSql.length > 1) return "a statement goes on behind a block";
      for (const range of withSql) found.push(...trimmed(source, range, inBlock));
    }
  return found.sort((a, b) => a.start - b.start);
}

function trimmed(source: string, [start, end]: readonly [number, number], inBlock: boolean): Stretch[] {
  const text = source.slice(start, end);
  const length = text.trim().length;
  const from = start + text.length - text.trimStart().length;
  return length ? [{ start: from, end: from + length, inBlock }] : [];
}
