/** Where records are: the list of a JSON text, and the lists in its records that hold the records meant. */
export interface RecordsPath {
  /** Names and dots (`pathKeys`); "" is the text itself. */
  readonly list: string;
  readonly children: readonly string[];
}

/** Reads `orders[].lines[]`: the lines of all orders. */
export function parseRecordsPath(path: string): RecordsPath {
  const [list = "", ...children] = path.replace(/\[\]$/, "").split(/\[\]\.?/);
  return { list, children };
}

/** The names of a path, in which `\.` is a dot of a name: `@odata\.nextLink` is one. */
export function pathKeys(path: string): readonly string[] {
  if (path === "") return [];
  if (!path.includes("\\")) return path.split(".");
  return [...path.matchAll(/(?:^|\.)((?:\\.|[^.])*)/gs)].map(([, key]) => key!.replace(/\\([.\\])/g, "$1"));
}

/** The path of such names; undefined where one has what means another thing in a path. */
export function pathOf(keys: readonly string[]): string | undefined {
  if (keys.some((key) => key.includes("[]")) || (keys.length === 1 && keys[0] === "")) return undefined;
  return keys.map((key) => key.replace(/[.]|\\(?=[.\\]|$)/g, "\\$&")).join(".");
}
