/** Where records are: the list of a JSON text, and the lists in its records that hold the records meant. */
export interface RecordsPath {
  /** Names and dots; "" is the text itself. */
  readonly list: string;
  readonly children: readonly string[];
}

/** Reads `orders[].lines[]`: the lines of all orders. */
export function parseRecordsPath(path: string): RecordsPath {
  const [list = "", ...children] = path.replace(/\[\]$/, "").split(/\[\]\.?/);
  return { list, children };
}
