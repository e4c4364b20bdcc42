import { ColumnFacts, type NumberStyle } from "./column.ts";
import type { InferredField } from "./inferred.ts";
import { fieldNames } from "./names.ts";
import { type Hints, styleOf, type Verdict, verdictOf } from "./verdict.ts";

/** What is seen of the records of a file of cells. */
export interface SeenCells {
  readonly columns: readonly { readonly written: string; readonly facts: ColumnFacts }[];
  readonly hasHeader: boolean;
  readonly rows: number;
  /** Why the first record may be none of names. */
  readonly headerDoubt?: string;
}

/** Looks at records, the first of which may be the header. */
export class LookingAtCells {
  rows = 0;
  readonly #hints: Hints;
  #first: readonly (string | null)[] | undefined;
  #facts: ColumnFacts[] = [];

  constructor(hints: Hints) {
    this.#hints = hints;
  }

  /** Cells of the first record; undefined before it. */
  get width(): number | undefined {
    return this.#first?.length;
  }

  /** @param quoted whether the cell is a text for certain */
  add(cells: readonly (string | null)[], quoted: (field: number) => boolean = () => false): void {
    if (!this.#first) {
      this.#first = cells;
      this.#facts = cells.map(() => new ColumnFacts(this.#hints));
      return;
    }
    this.rows++;
    for (const [field, facts] of this.#facts.entries()) facts.add(cells[field] ?? null, quoted(field));
  }

  seen(): SeenCells {
    if (!this.#first) return { columns: [], hasHeader: false, rows: 0 };
    const first = this.#first;
    const hasHeader = this.rows === 0 ? first.length > 0 && first.every((cell) => cell) : isHeader(first, this.#facts);
    if (!hasHeader) for (const [field, facts] of this.#facts.entries()) facts.add(first[field]!);
    const headerDoubt = hasHeader ? doubtOfHeader(first, this.#facts) : undefined;
    return {
      ...(headerDoubt === undefined ? {} : { headerDoubt }),
      columns: this.#facts.map((facts, field) => ({ written: hasHeader ? (first[field] ?? "").trim() : "", facts })),
      hasHeader,
      rows: this.rows + (hasHeader ? 0 : 1),
    };
  }
}

/** A line of names has nothing that is a value of its column, where that is more than a text. */
function isHeader(first: readonly (string | null)[], columns: readonly ColumnFacts[]): boolean {
  const alike = first.filter((cell, field) => {
    if (!cell || !isTyped(columns[field]!)) return false;
    const one = new ColumnFacts();
    one.add(cell);
    return one.markers.size > 0 || isTyped(one);
  });
  return alike.length === 0;
}

/** Whether all texts are something more than texts. */
function isTyped({ texts, isBoolean, isTime, styles, formats }: ColumnFacts): boolean {
  return texts > 0 && (isBoolean || isTime || styles.length > 0 || formats.length > 0);
}

/** Undefined where a column of numbers, dates or the like stands below a name. */
function doubtOfHeader(first: readonly (string | null)[], columns: readonly ColumnFacts[]): string | undefined {
  const unnamed = first.findIndex((cell) => !cell?.trim());
  if (unnamed !== -1) return `column ${unnamed + 1} has no name`;
  return columns.some(isTyped) ? undefined : "all columns are texts";
}

/** What the columns are, and the options that say how their cells are written. */
export interface JudgedCells {
  readonly fields: readonly InferredField[];
  readonly nulls: readonly string[];
  readonly forceNull: boolean;
  /** decimal, thousands and dates, where they are not PostgreSQL's own. */
  readonly spellings: Readonly<Record<string, unknown>>;
  /** columns, where headers do not find their field by themselves. */
  readonly naming: Readonly<Record<string, unknown>>;
  /** Why numbers cannot be told, and what else is in doubt. */
  readonly unsure: readonly string[];
}

export function judgeCells({ columns, hasHeader, headerDoubt }: SeenCells, hints: Hints): JudgedCells {
  const allFacts = columns.map(({ facts }) => facts);
  const { style, open } = styleOf(allFacts, hints);
  const written = columns.map((column) => column.written);
  const names = fieldNames(written);
  const judged = withNulls(
    allFacts.map((facts) => ({ facts, verdict: verdictOf(facts, style, hints) })),
    hints,
  );
  const verdicts = judged.columns.map(({ verdict }) => verdict);
  const dates = new Map(verdicts.flatMap(({ dates }, index) => (dates ? [[names[index]!, dates] as const] : [])));
  return {
    fields: columns.map((column, index) => fieldOf(column, names[index]!, verdicts[index]!)),
    nulls: judged.nulls,
    forceNull: judged.forceNull,
    spellings: { ...styleOptions(style), ...(dates.size ? { dates: datesOption(dates, verdicts) } : {}) },
    naming: hasHeader ? columnsOption(written, names) : {},
    unsure: [
      ...(open ? [open] : []),
      ...(hasHeader
        ? []
        : ["the first line is a record, so the fields have no names: rename column_1 and so on, in this order"]),
      ...(headerDoubt === undefined
        ? []
        : [`the first line is taken for the header, though ${headerDoubt}; if it is a record, write header: false`]),
      ...unmetFormats(allFacts, hints),
      ...judged.unsure,
    ],
  };
}

function fieldOf({ written, facts }: SeenCells["columns"][number], name: string, verdict: Verdict): InferredField {
  const { property, unsure } = verdict;
  const isKey =
    facts.isUnique && !facts.quotedEmpty && !facts.markers.size && !/^(?:number|boolean)$/.test(String(property.type));
  return { name, written, property, examples: facts.examples, isKey, ...(unsure ? { unsure } : {}) };
}

function unmetFormats(columns: readonly ColumnFacts[], { dates = [] }: Hints): readonly string[] {
  const meets = (said: string) =>
    columns.some(({ texts, formats }) => texts && formats.some(({ format }) => format === said));
  return dates.filter((said) => !meets(said)).map((format) => `--dates ${format} is the format of no column`);
}

function styleOptions(style: NumberStyle): object {
  return {
    ...(style.decimal === "." ? {} : { decimal: style.decimal }),
    ...(style.thousands ? { thousands: style.thousands } : {}),
  };
}

/** One format where all dates have it. */
function datesOption(dates: ReadonlyMap<string, string>, verdicts: readonly Verdict[]): unknown {
  const [format] = dates.values();
  const isDated = ({ property }: Verdict) => property.format !== undefined || property.postgresType === "timestamp";
  const all = verdicts.filter(isDated).every((verdict) => verdict.dates === format);
  return all ? format : Object.fromEntries(dates);
}

/** Headers that do not find their field by themselves; the second of one name as "name#2". */
function columnsOption(written: readonly string[], names: readonly string[]): Readonly<Record<string, unknown>> {
  const seen = new Map<string, number>();
  const entries = written.flatMap((header, index) => {
    const count = (seen.get(header) ?? 0) + 1;
    seen.set(header, count);
    const own = header === "" ? `column_${index + 1}` : header;
    if (count === 1 && own.toLowerCase() === names[index]) return [];
    return [[count === 1 ? header : `${header}#${count}`, names[index]!]];
  });
  return entries.length ? { columns: Object.fromEntries(entries) } : {};
}

interface Judged {
  readonly facts: ColumnFacts;
  readonly verdict: Verdict;
}

/** Which texts are NULL: those that stand among values of another type, and nowhere as texts. */
function withNulls(columns: readonly Judged[], { nulls: said = [] }: Hints) {
  const typed = columns.filter(({ verdict }) => verdict.kind !== "text");
  const texts = columns.filter(({ verdict }) => verdict.kind === "text");
  const inTexts = new Set(texts.flatMap(({ facts }) => [...facts.markers.keys()]));
  const found = [...new Set(typed.flatMap(({ facts }) => [...facts.markers.keys()]))];
  const nulls = [...new Set([...said, ...found.filter((marker) => !inTexts.has(marker))])];
  const judged = columns.map(({ facts, verdict }): Judged => {
    const open = [...facts.markers.keys()].find((marker) => !nulls.includes(marker));
    if (verdict.kind === "text" || open === undefined) return { facts, verdict };
    const unsure = `a text, for beside ${facts.examples[0]} it has ${open}, which is a text in another column; --null ${open} makes it NULL everywhere`;
    return { facts, verdict: { property: { type: "string" }, kind: "text", unsure } };
  });
  const isForced = judged.some(({ facts, verdict }) => verdict.kind !== "text" && facts.quotedEmpty > 0);
  const kept = [...inTexts].filter((marker) => !nulls.includes(marker));
  const unsure = [
    ...nulls
      .filter((one) => !said.includes(one))
      .map((marker) => `${marker} is NULL, for it stands among numbers or dates`),
    ...(kept.length ? [`${kept.join(", ")} stays a text; --null ${kept[0]} makes it NULL`] : []),
  ];
  return { columns: judged, nulls: nulls.filter((one) => one !== ""), forceNull: isForced, unsure };
}
