import { UserError, type UserErrorDetails } from "../../model/errors.ts";

const AGAIN = "nothing of it was landed: ask for the file again";

/** A file that ends too early, so that nobody knows what is missing. */
export function notWhole(message: string, details: Partial<UserErrorDetails> = {}): UserError {
  return unreadable(`the file is not whole: ${message}`, { hint: AGAIN, ...details });
}

/** A file that cannot be read, or must not be, as a whole. */
export function unreadable(message: string, details: Partial<UserErrorDetails> = {}): UserError {
  return new UserError({ hint: "nothing of it was landed", exitCode: 1, ...details, message });
}
