import { UserError } from "../model/errors.ts";
import type { Place } from "./place.ts";

/**
 * @param what the text is, as "a description"
 * @throws UserError for a text that PostgreSQL cannot store
 */
export function requireStorable(text: string, what: string, place: Place): void {
  if (!/[\0\p{Surrogate}]/u.test(text)) return;
  throw new UserError({
    message: `${what} that PostgreSQL cannot store`,
    ...place.value(),
    expected: "text without NUL and without half a surrogate pair",
    found: JSON.stringify(text),
  });
}
