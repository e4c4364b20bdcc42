import type { RawColumn } from "../../model/declarations.ts";

/** What values of the column are: of a domain, what the domain is of. */
export function baseOf({ type, base }: RawColumn): string {
  return base ?? type;
}

/** Whether the column holds JSON: a text is one of JSON's values there. */
export function holdsJson(column: RawColumn): boolean {
  return /^jsonb?$/.test(baseOf(column));
}
