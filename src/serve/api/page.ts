import type { Cells } from "../../postgres/read-pool.ts";
import type { Cell } from "./cells.ts";

/** One page of an endpoint, as it was read. */
export interface Page {
  /** What readers had in the snapshot of the page. */
  readonly release: number | null;
  readonly rows: readonly PageRow[];
}

/** Where a page came from; `unchanged`: whoever asked had it. */
export type PageFrom = "memory" | "shared" | "database" | "unchanged";

export interface PageRow {
  /** A text for each column of the answer. */
  readonly cells: readonly (string | null)[];
  /** A text for each column of the order. */
  readonly place: readonly (string | null)[];
}

/** Reads what `pageStatement` gives. */
export function readPage(answer: Cells, columns: number): Page {
  const release = answer[0]?.[0] ?? null;
  const rows = answer.filter(([, found]) => found !== null).map((row) => rowOf(row, 2, columns));
  return { release: release === null ? null : Number(release), rows };
}

/** Reads what `pagesStatement` gives for so many requests. */
export function readPages(answer: Cells, columns: number, requests: number): Page[] {
  const release = answer[0]?.[1] ?? null;
  const pages = Array.from({ length: requests }, () => [] as { readonly at: number; readonly row: PageRow }[]);
  for (const row of answer) {
    const [request, , place, found] = row;
    if (found !== null) pages[Number(request) - 1]!.push({ at: Number(place), row: rowOf(row, 4, columns) });
  }
  return pages.map((rows) => ({
    release: release === null ? null : Number(release),
    rows: rows.sort((one, other) => one.at - other.at).map(({ row }) => row),
  }));
}

function rowOf(row: Cells[number], first: number, columns: number): PageRow {
  return { cells: row.slice(first, first + columns), place: row.slice(first + columns) };
}

/** The rows as a JSON array of objects. */
export function jsonRows(rows: readonly PageRow[], cells: readonly Cell[], exact: boolean): string {
  const keys = cells.map(({ name }, at) => `${at ? "," : "{"}${JSON.stringify(name)}:`);
  const texts = rows.map((row) => {
    let text = "";
    for (const [at, cell] of row.cells.entries())
      text += keys[at]! + (cell === null ? "null" : cells[at]!.json(cell, exact));
    return `${text}}`;
  });
  return `[${texts.join(",\n")}]`;
}
