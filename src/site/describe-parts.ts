import { plainReferences } from "../sql/references.ts";

/** So many of a kind are one file: it is loaded whole when one of them is looked at. */
const IN_A_PART = 25;

/** The file of the one at this place. */
export const partOf = (place: number): number => Math.floor(place / IN_A_PART);

export function inParts<T>(all: readonly T[]): readonly (readonly T[])[] {
  return Array.from({ length: Math.ceil(all.length / IN_A_PART) }, (_, part) =>
    all.slice(part * IN_A_PART, (part + 1) * IN_A_PART),
  );
}

/** A statement with the names that people read. */
export const shownSql = (sql: string): string => plainReferences(sql.trim());
