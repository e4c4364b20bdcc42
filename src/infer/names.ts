/** Columns that every raw table, or every table of PostgreSQL, has. */
const TAKEN = new Set("_load_id _row_no _extra _load_date tableoid xmin cmin xmax cmax ctid".split(" "));
const MAX_BYTES = 63;

/** Names of fields, as they are written without quotes in SQL: "Order No." is order_no. One for each, no two alike. */
export function fieldNames(written: readonly string[]): readonly string[] {
  const used = new Set<string>();
  return written.map((name, index) => {
    const plain = nameOf(name) || `column_${index + 1}`;
    const free = TAKEN.has(plain) ? `${plain}_` : plain;
    let chosen = free;
    for (let count = 2; used.has(chosen); count++) chosen = `${cut(free, MAX_BYTES - 5)}_${count}`;
    used.add(chosen);
    return chosen;
  });
}

/** "Größe (cm)" is groesse_cm. Letters of other scripts stay. "" where nothing is left. */
export function nameOf(text: string): string {
  const letters = text
    .toLowerCase()
    .replace(/[äöü]/g, (letter) => ({ ä: "ae", ö: "oe", ü: "ue" })[letter]!)
    .replaceAll("ß", "ss")
    .normalize("NFKD")
    .replace(/\p{M}/gu, "");
  const plain = letters
    .replace(/[^\p{L}\p{N}_]+/gu, "_")
    .replace(/^_+(?=.)|_+$/g, (blanks, at: number) => (at === 0 && text.startsWith("_") ? blanks : ""));
  return cut(/^\p{N}/u.test(plain) ? `_${plain}` : plain, MAX_BYTES);
}

/** The name of a stream, a source or a table: what of a file's name is letters, digits and _. "" where nothing is. */
export function streamNameOf(fileName: string): string {
  const stem = fileName.replace(/\.(?:gz|zst|gzip)$/i, "").replace(/\.[^.]+$/, "");
  const words = nameOf(stem.replace(/[*?[\]{}]/g, " ")).replace(/[^a-z0-9_]+/g, "_");
  // orders-2026-01-31 is one of the orders.
  const withoutNumbers = words.replace(/(?:_+\d+)+_*$/, "").replace(/^_+(?=\d)/, "_");
  return (withoutNumbers || words).replace(/^_+$/, "").slice(0, 50);
}

function cut(text: string, bytes: number): string {
  let end = text;
  while (Buffer.byteLength(end) > bytes) end = end.slice(0, -1);
  return end;
}
