import { padded, width, wrap } from "./width.ts";

/** A part of what a command tells, as a value: a heading and what stands below it. */
export interface Section {
  readonly title: string;
  readonly items: readonly Item[];
}

export interface Item {
  /** What happens: added, changed, gone; or that it is to be looked at. */
  readonly mark?: "+" | "~" | "-" | "!";
  readonly text: string;
  /** Set behind the texts of the section, in a column. */
  readonly note?: string;
  /** Lines that belong to it. */
  readonly details?: readonly Omit<Item, "details">[];
}

/** How a mark and a title are coloured. */
export type Style = (what: "title" | "+" | "~" | "-" | "!", text: string) => string;

const plain: Style = (_, text) => text;

/** Lines of the sections, an empty one between two. @param columns of the terminal, where there is one */
export function renderSections(sections: readonly Section[], columns?: number, style: Style = plain): string[] {
  return sections
    .filter(({ items }) => items.length)
    .flatMap(({ title, items }, index) => [
      ...(index ? [""] : []),
      ...wrap(title, columns).map((line) => style("title", line)),
      ...renderItems(items, "  ", columns, style),
    ]);
}

function renderItems(items: readonly Item[], indent: string, columns: number | undefined, style: Style): string[] {
  const marks = items.some(({ mark }) => mark);
  const noted = items.filter(({ note }) => note !== undefined);
  const texts = Math.max(0, ...noted.map(({ text }) => width(text)));
  const notes = Math.max(0, ...noted.map(({ note }) => width(note!)));
  const left = indent.length + (marks ? 2 : 0);
  // Where both columns do not fit, a note is the line below.
  const beside = columns === undefined || left + texts + 2 + Math.min(notes, 30) <= columns;
  return items.flatMap(({ mark, text, note, details }) => {
    const before = indent + (marks ? (mark ? `${style(mark, mark)} ` : "  ") : "");
    const below = " ".repeat(left);
    const lines =
      note === undefined
        ? wrap(before + text, columns, below)
        : beside
          ? hanging(`${before}${padded(text, texts)}  `, note, columns)
          : [...wrap(before + text, columns, below), ...hanging(`${below}  `, note, columns)];
    const more = (details ?? []) as readonly Item[];
    return [...lines, ...renderItems(more, `${below}  `, columns, style)];
  });
}

/** A note whose lines stand below each other. */
function hanging(before: string, note: string, columns: number | undefined): string[] {
  const start = width(before);
  const room = columns === undefined ? undefined : Math.max(10, columns - start);
  return wrap(note, room, "").map((line, index) => (index ? " ".repeat(start) : before) + line);
}
