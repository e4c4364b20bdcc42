import type { Lineage, LineageRelation, LineageSource } from "../../src/model/lineage.ts";
import { targetKey } from "../../src/model/target.ts";
import { type CliResult, succeeds } from "../support/cli.ts";

/** The document that `dataform lineage --json` prints. */
export async function printed<T = Lineage>(result: Promise<CliResult>): Promise<T> {
  return JSON.parse((await succeeds(result)).stdout) as T;
}

export function relationIn({ relations }: Pick<Lineage, "relations">, key: string): LineageRelation {
  const found = relations.find(({ target }) => targetKey(target) === key);
  if (!found) throw new Error(`no ${key} in ${relations.map(({ target }) => targetKey(target)).join(", ")}`);
  return found;
}

/** A relation in lines: a line for each column, then the rows, what is only named, and what cannot be told. */
export function linesOf({ columns, rowsBy, unused, untold }: LineageRelation): string[] {
  return [
    ...columns.map(({ name, from }) => `${name} = ${from.map(sourceText).join(", ") || "-"}`),
    ...(rowsBy.length ? [`rows by ${rowsBy.map(nameText).join(", ")}`] : []),
    ...(unused.length ? [`unused ${unused.map(nameText).join(", ")}`] : []),
    ...untold.map(({ why, statement }) => `untold ${why}${statement === undefined ? "" : ` <${statement}>`}`),
  ];
}

function sourceText(source: LineageSource): string {
  const { kinds, wholeRow, only } = source;
  return [...kinds, ...(wholeRow ? ["whole"] : []), ...(only ? [only] : []), nameText(source)].join(" ");
}

function nameText({ relation, column }: Pick<LineageSource, "relation" | "column">): string {
  return `${relation.replace(/^raw\./, "")}.${column}`;
}
