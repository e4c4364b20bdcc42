interface ServerError {
  readonly code?: string;
  readonly message: string;
  /** "COPY items, line 17, column clicks: …" */
  readonly where?: string;
}

/** What is wrong with a value, breaks a constraint, or is more than a row or an index takes: the row's fault, wherever it comes from. */
export const ROW_STATES = "^(?:2[23]|54)";
/** What else the input of a type may say of a text: tsvector calls it a syntax error, regclass an unknown table. */
export const CELL_STATES = "^(?:2[23]|42|54|0A|P0)";

/**
 * What the server says of a value, or of a record where no column is at fault. Without the value, so that reasons can be
 * counted.
 */
export function serverReason(column: string | null, said: string): string {
  const plain = said.replace(/: "[\s\S]*"$/, "").replace(/^value "[\s\S]*" (?=is )/, "value ");
  return `${column || "record"}: ${plain}`;
}

/** The row that a COPY was refused for, counted from 0, and why; undefined where it failed for another reason. */
export function copyFault(
  error: unknown,
  table: string,
  columns: readonly string[],
): { readonly index: number; readonly reason: string } | undefined {
  const { code = "", where, message } = error as ServerError;
  const context = where?.slice(Math.max(0, where.search(/^COPY /m)));
  if (!context?.startsWith(`COPY ${table}, `)) return undefined;
  // The words for "line" and "column" are in the server's language.
  const place = /^\D*(\d+)(?:, \S+ ([\s\S]*))?/.exec(context.slice(`COPY ${table}, `.length));
  const column = columnAt(place?.[2], columns);
  if (!place || !new RegExp(column === null ? ROW_STATES : CELL_STATES).test(code)) return undefined;
  return { index: Number(place[1]) - 1, reason: serverReason(column, message) };
}

/** The column that `a name: "5"` begins with: a name may have blanks and colons. */
function columnAt(text: string | undefined, columns: readonly string[]): string | null {
  const found = columns.filter((name) => text?.startsWith(`${name}: `) || text?.startsWith(`${name},`));
  return found.sort((a, b) => b.length - a.length)[0] ?? null;
}
