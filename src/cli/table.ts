/** Rows as an aligned text table. Columns that hold only numbers are set to the right. */
export function textTable(columns: readonly string[], rows: readonly (readonly (string | null)[])[]): string {
  const cells = rows.map((row) => row.map((value) => (value === null ? "" : value.replace(/\s*\n\s*/g, " ⏎ "))));
  const widths = columns.map((name, index) => Math.max(width(name), ...cells.map((row) => width(row[index] ?? ""))));
  const numeric = columns.map((_, index) => {
    const values = cells.map((row) => row[index]!).filter((value) => value !== "");
    return values.length > 0 && values.every((value) => /^-?\d+(\.\d+)?$/.test(value));
  });
  const line = (row: readonly string[]) =>
    row
      .map((value, index) => {
        const space = " ".repeat(widths[index]! - width(value));
        return numeric[index] ? space + value : value + space;
      })
      .join("  ")
      .trimEnd();
  return [line(columns), widths.map((size) => "─".repeat(size)).join("  "), ...cells.map(line)].join("\n");
}

function width(text: string): number {
  return [...text].length;
}
