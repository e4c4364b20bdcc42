import type { FormatOptions } from "../../model/declarations.ts";
import { namesOf } from "../../sources/formats/csv/header.ts";

/** A key of `_extra`, and the field that a file with this header has it for now. */
export interface Alias {
  readonly key: string;
  readonly field: string;
}

/** By load. */
export type Aliases = ReadonlyMap<string, readonly Alias[]>;

/**
 * What lies in `_extra` under the name of its header, and is read as a column that is new: `columns` says so, or only capital
 * letters differ. The file had no such column, so none of its rows has a value there.
 * @param unknown the fields that the schema did not know, by load
 */
export function aliasesOf(
  format: FormatOptions | undefined,
  unknown: ReadonlyMap<string, readonly string[]>,
  { known, added }: { readonly known: readonly string[]; readonly added: readonly string[] },
): Aliases {
  if (format?.kind !== "csv" && format?.kind !== "xlsx") return new Map();
  const { columns } = format;
  const found = [...unknown].map(([load, keys]) => {
    const { names, twice } = namesOf(keys, columns, known);
    const aliases = keys.map((key, at) => ({ key, field: names[at]! }));
    const isAlias = ({ key, field }: Alias) => key !== field && added.includes(field) && field !== twice;
    return [load, aliases.filter(isAlias)] as const;
  });
  return new Map(found.filter(([, aliases]) => aliases.length));
}
