import { UserError } from "../../model/errors.ts";
import type { FilesystemDeps } from "./transfer.ts";

const MOST_FILES = 1_000_000;
const MOST_SECONDS = 3_600;

/**
 * What is asked after each answer of a listing, with the number of files that match so far: a server that goes on for
 * ever (links in a circle, pages that always have a next one) is left.
 * @param name the folder, for messages
 * @throws UserError after an hour, or with more than a million files
 */
export function endlessListing(name: string, { now = () => performance.now() / 1000 }: FilesystemDeps) {
  const started = now();
  return (files: number): void => {
    const isLate = now() - started > MOST_SECONDS;
    if (!isLate && files <= MOST_FILES) return;
    throw new UserError({
      message: `the listing of ${name} does not end`,
      expected: "at most an hour, and a million files that match",
      found: isLate ? `an hour, with ${files} files so far` : `more than ${MOST_FILES} files`,
      hint: "name a folder further down in files.at, or write a narrower pattern",
      exitCode: 1,
    });
  };
}
