import type { Standing } from "../config/place.ts";
import { UserError } from "../model/errors.ts";

/** What is wrong in a YAML that shows models to people or programs: told whole, whatever it is. */
export interface Mistake extends Standing {
  readonly message: string;
  readonly expected: string;
  readonly found: string;
  readonly hint: string;
}

export function mistake(told: Mistake): UserError {
  return new UserError(told);
}

/** What stands in the YAML, in one line. */
export function written(value: unknown): string {
  if (value === undefined) return "nothing";
  return typeof value === "string" ? value : JSON.stringify(value);
}
