import { UserError } from "../model/errors.ts";
import { type Target, targetKey } from "../model/target.ts";

const BESIDE_A_MODELS = ["release", "gone", "there", "rows", "condition"].map((word) => `_dataform_${word}`);

interface Named {
  readonly target: Target;
  readonly file: string;
}

/**
 * Columns of ours stand beside those of the model: in storages, in comparisons. The stores of the packaged functions have
 * columns of theirs, which begin so, too.
 * @throws UserError for a model that has one of that name
 */
export function refuseOurNames(model: Named, columns: readonly { readonly name: string }[]): void {
  const ours = columns.map(({ name }) => name).filter((name) => BESIDE_A_MODELS.includes(name));
  if (ours.length) throw ourName(model, ours.join(", "));
}

/** The refusal for what the server says of a column that is there twice (SQLSTATE 42701), where one of the two is ours. */
export function ourNameTwice(model: Named, message: string): UserError | undefined {
  const name = BESIDE_A_MODELS.find((ours) => new RegExp(`(?<![\\w$])${ours}(?![\\w$])`).test(message));
  return name === undefined ? undefined : ourName(model, name);
}

function ourName({ target, file }: Named, found: string): UserError {
  return new UserError({
    message: `${targetKey(target)}: ${found} is the name of a column of ours`,
    location: { file },
    expected: `a column that is called none of ${BESIDE_A_MODELS.join(", ")}`,
    found,
    hint: "give them other names in the query",
  });
}
