import type { ComponentChildren } from "preact";

interface Column<Row> {
  readonly title: string;
  readonly cell: (row: Row) => ComponentChildren;
  /** Figures stand at the right, digit under digit. */
  readonly isNumber?: boolean;
  /** Not shown where there is little room. */
  readonly isMinor?: boolean;
  /** May break into lines. */
  readonly isText?: boolean;
  /** May break into lines, and has no more room than others. */
  readonly isLong?: boolean;
  /** Left out where no row has any of it. */
  readonly isRare?: boolean;
}

const NOTHING: ReadonlySet<ComponentChildren> = new Set([undefined, null, false, ""]);

/** A table that scrolls by itself where the page is too narrow. */
export function Table<Row>({ rows, rowKey, rowClass, isStacked, isLabelled, ...about }: TableProps<Row>) {
  const { caption, look } = about;
  const columns = about.columns.filter(({ isRare, cell }) => !isRare || rows.some((row) => !NOTHING.has(cell(row))));
  return (
    <div
      class={["table-scroll", isStacked ? "stacked" : "", isLabelled ? "labelled" : "", look ?? ""].join(" ").trim()}
      role="region"
      aria-label={caption}
      tabIndex={0}
    >
      <table>
        <caption class="unseen">{caption}</caption>
        <thead>
          <tr>
            {columns.map(({ title, isNumber }) => (
              <th scope="col" class={isNumber ? "number" : ""}>
                {title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, index) => (
            <tr key={rowKey?.(row, index) ?? index} id={rowKey?.(row, index)} class={rowClass?.(row)}>
              {columns.map(({ title, cell, isNumber, isText, isLong, isMinor }) => (
                <td
                  data-title={isLabelled ? title : undefined}
                  class={[isNumber ? "number" : isText ? "text" : isLong ? "long" : "", isMinor ? "minor" : ""]
                    .join(" ")
                    .trim()}
                >
                  {cell(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

interface TableProps<Row> {
  readonly caption: string;
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[];
  readonly rowKey?: (row: Row, index: number) => string;
  readonly rowClass?: (row: Row) => string;
  /** On a phone its cells stand below each other: they are read, not compared. */
  readonly isStacked?: boolean;
  /** On a phone each of its rows is a list, each cell with the head of its column. */
  readonly isLabelled?: boolean;
  /** A class: its columns are as wide as that says. */
  readonly look?: string;
}

/** A value as the server wrote it. NULL is no text. */
export function Cell({ value }: { readonly value: string | null }) {
  if (value === null) return <span class="null">NULL</span>;
  if (value === "") return <span class="null">empty</span>;
  return <>{value.length > LONGEST ? `${value.slice(0, LONGEST)}…` : value}</>;
}

const LONGEST = 200;
