import { type Sql, sql } from "../../sql/sql.ts";
import { fail } from "../shared/check-options.ts";

export type Step = "text" | "trim" | "spaces" | "upper" | "lower" | "unpad" | "nfc" | "nfkc" | "ss";

/** Steps that bring texts into the form in which they are compared. */
const NORMALIZERS: ReadonlyMap<Step, (value: Sql) => Sql> = new Map([
  ["text", (value) => value],
  ["trim", (value) => sql`btrim(${value}, e' \t\r\n')`],
  ["spaces", (value) => sql`regexp_replace(${value}, '\s+', ' ', 'g')`],
  ["upper", (value) => sql`upper(${value})`],
  ["lower", (value) => sql`lower(${value})`],
  ["unpad", (value) => sql`ltrim(${value}, '0')`],
  ["nfc", (value) => sql`normalize(${value}, NFC)`],
  ["nfkc", (value) => sql`normalize(${value}, NFKC)`],
  ["ss", (value) => sql`replace(replace(${value}, 'ß', 'ss'), 'ẞ', 'SS')`],
]);

/** Whether texts are others after the steps. */
export function isChanging(steps: readonly Step[]): boolean {
  return steps.some((step) => step !== "text");
}

/** A text after the steps, in their order. */
export function normalized(value: Sql, steps: readonly Step[] = []): Sql {
  return steps.reduce((inner, step) => NORMALIZERS.get(step)!(inner), value);
}

/** @throws Error for what is no list of steps */
export function stepsOf(caller: string, given: unknown = []): readonly Step[] {
  const known = [...NORMALIZERS.keys()].join(", ");
  if (!Array.isArray(given)) return fail(caller, `normalize is a list of ${known}`);
  const unknown = given.find((step) => !NORMALIZERS.has(step));
  if (unknown !== undefined) fail(caller, `unknown step ${JSON.stringify(unknown)}, known: ${known}`);
  return given as Step[];
}
