import type { Target } from "../model/target.ts";

/**
 * The mark the compiler puts into names it resolved: `"\uE000schema"."name"`. A character of the private use
 * area cannot be in SQL that a person wrote, so a name written by hand is never taken for a reference.
 */
export const MARK = "\uE000";

const reference = /"\uE000((?:[^"]|"")*)"\."((?:[^"]|"")*)"/g;

/** Replaces every marked name by what `resolve` gives for it. */
export function resolveReferences(sql: string, resolve: (target: Target) => string): string {
  return sql.replace(reference, (_, schema: string, name: string) =>
    resolve({ schema: schema.replaceAll('""', '"'), name: name.replaceAll('""', '"') }),
  );
}

/** The SQL with plain `"schema"."name"` in place of marks, as a person reads it. */
export function plainReferences(sql: string): string {
  return sql.replaceAll(`"${MARK}`, '"');
}
