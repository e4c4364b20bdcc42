import type { Column } from "../model/catalog.ts";
import type { UserErrorDetails } from "../model/errors.ts";
import type { Contract } from "../model/plan.ts";
import { type Target, targetKey } from "../model/target.ts";
import { isNamed, promised } from "../sql/type-names.ts";

/** The types of a contract, by its columns. */
export function contractOf(written: Readonly<Record<string, string>>): Contract {
  return Object.fromEntries(Object.entries(written).map(([name, text]) => [name, promised(text).type ?? text]));
}

/** How columns are others than a contract says: the first one of them by which it is found, and all in words. */
export interface Breach extends Pick<UserErrorDetails, "message" | "expected" | "found" | "hint"> {
  /** Absent where only columns are there that it does not have. */
  readonly column?: string;
}

/** @returns undefined where each column is there, is of its type, and is all there is */
export function breachOf(target: Target, contract: Contract, columns: readonly Column[]): Breach | undefined {
  const there = new Map(columns.map(({ name, type }) => [name, type]));
  const broken = Object.entries(contract).filter(([name, type]) => !isNamed(there.get(name) ?? "", type));
  const others = columns.filter(({ name }) => !Object.hasOwn(contract, name));
  if (!broken.length && !others.length) return undefined;
  const found = [
    ...broken.map(([name]) => (there.has(name) ? `${name} ${there.get(name)}` : `no ${name}`)),
    ...others.map(({ name, type }) => `${name} ${type}, which it does not have`),
  ];
  return {
    ...(broken[0] ? { column: broken[0][0] } : {}),
    message: `${targetKey(target)} does not keep its contract`,
    expected: broken.length
      ? broken.map(([name, type]) => `${name} ${type}`).join(", ")
      : "the columns of the contract",
    found: found.join(", "),
    hint: "cast the column, or change the contract and tell who reads it",
  };
}
