import type { BuiltObject } from "../model/catalog.ts";
import { UserError } from "../model/errors.ts";
import type { BuildStep } from "../model/plan.ts";
import { breachOf } from "../plan/contract.ts";
import { placeOfConfigKey } from "./described.ts";
import type { Sources } from "./place.ts";

/** @throws UserError with its line where what was built has other columns than the model's contract says */
export function keepContract(
  { contract, target, file, entry }: BuildStep,
  objects: ReadonlyMap<string, Pick<BuiltObject, "columns">>,
  { read }: Sources,
): void {
  const breach = contract && breachOf(target, contract, objects.get(entry.object)?.columns ?? []);
  if (!breach) return;
  const { column, ...said } = breach;
  const at = placeOfConfigKey(read(file), file, target.name, ["contract", column]);
  throw new UserError({ ...said, location: { file, ...at } });
}
