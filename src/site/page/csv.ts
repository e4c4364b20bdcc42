/** CSV as RFC 4180 has it. NULL is nothing between two commas, an empty text a pair of quotes. */
export function csv(header: readonly string[], rows: readonly (readonly (string | null)[])[]): string {
  const line = (cells: readonly (string | null)[]) => `${cells.map(cell).join(",")}\r\n`;
  return [header, ...rows].map(line).join("");
}

function cell(value: string | null): string {
  if (value === null) return "";
  return value === "" || /[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value;
}

/** Hands a file out: no server is asked, and none is there when the page is opened from disk. */
export function download(name: string, text: string, type: "text/csv" | "application/yaml" = "text/csv"): void {
  // By the mark, tables are read as UTF-8.
  const parts = type === "text/csv" ? ["\ufeff", text] : [text];
  const address = URL.createObjectURL(new Blob(parts, { type: `${type};charset=utf-8` }));
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  URL.revokeObjectURL(address);
}
