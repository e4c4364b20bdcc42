import { duplicateDescriptions, proposalDescriptions, rowDescriptions } from "./descriptions.ts";
import { type Comparison, checkApart } from "./options.ts";

/**
 * Columns of the results stand beside columns of the author's, and some names are made of his: no two may be one.
 * @throws Error for a name that is taken, with what it is
 */
export function checkResults(comparison: Comparison): void {
  const { caller, key } = comparison;
  const keys = new Set(key.map(({ name }) => name));
  const described = (columns: readonly (readonly [string, string])[]) =>
    columns.map(([name, description]) => [name, `"${description}"`] as const);
  checkApart(caller, "the row results", described(rowDescriptions(comparison)));
  checkApart(caller, "the duplicates", described(duplicateDescriptions(comparison)));
  checkApart(caller, "the proposals", described(proposalDescriptions(comparison)));
  if (keys.has("has_key"))
    checkApart(caller, "the store", [
      ["has_key", "the key"],
      ["has_key", "whether there is one"],
    ]);
}
