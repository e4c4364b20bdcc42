import { counted } from "../model/counted.ts";
import { textBytes } from "../sources/formats/csv/decode.ts";
import { cellText } from "../sources/formats/csv/header.ts";
import { CsvScanner } from "../sources/formats/csv/scan.ts";
import type { ScannedRecord } from "../sources/formats/csv/scanned.ts";
import { ColumnFacts, type NumberStyle } from "./column.ts";
import { type Dialect, type Encoding, findDialect, findEncoding, noRecords, optionsOf, shortText } from "./csv-file.ts";
import type { InferredField, InferredRecords } from "./inferred.ts";
import { fieldNames } from "./names.ts";
import { type Hints, styleOf, type Verdict, verdictOf } from "./verdict.ts";

/** Opens the bytes of the file, unpacked; may be called again. */
type Open = () => AsyncIterable<Uint8Array>;

/** What is seen of the records of a file. */
interface Seen {
  readonly columns: readonly { readonly written: string; readonly facts: ColumnFacts }[];
  readonly hasHeader: boolean;
  readonly rows: number;
  readonly isWhole: boolean;
  readonly terminated: boolean;
  readonly irregular?: { readonly count: number; readonly first: string };
  /** Lines that are left out as comments. */
  readonly comments: { readonly count: number; readonly first: string };
  /** Why the first line may be a record after all. */
  readonly headerDoubt?: string;
}

/** Finds how a CSV file is written and what its columns are, by all of its rows or the first `sample`. */
export async function inferCsv(
  name: string,
  open: Open,
  hints: Hints,
  sample = Number.POSITIVE_INFINITY,
): Promise<InferredRecords> {
  const encoding = await findEncoding(open());
  const text = await sampleText(encoding);
  const dialect = findDialect(text, encoding.sample.length < 256 * 1024);
  const seen = await look(open, encoding, dialect, { sample, hints });
  if (!seen.rows) throw noRecords(name);
  return inferredOf(seen, encoding, dialect, hints);
}

async function sampleText({ sample, encoding, zeroBytes }: Encoding): Promise<Buffer> {
  const bytes = async function* () {
    yield encoding.startsWith("utf-16") ? sample.subarray(0, sample.length & ~1) : sample;
  };
  const chunks: Uint8Array[] = [];
  for await (const chunk of textBytes(bytes(), { encoding, zeroBytes: zeroBytes ? "remove" : "reject" }))
    chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function look(
  open: Open,
  { encoding, zeroBytes }: Encoding,
  dialect: Dialect,
  { sample, hints }: { readonly sample: number; readonly hints: Hints },
): Promise<Seen> {
  const options = optionsOf(dialect);
  const looking = new Looking(options, hints);
  const scanner = new CsvScanner(options, (record) => looking.add(record));
  let isWhole = true;
  for await (const chunk of textBytes(open(), { encoding, zeroBytes: zeroBytes ? "remove" : "reject" })) {
    scanner.push(chunk);
    if (looking.rows < sample) continue;
    isWhole = false;
    break;
  }
  const terminated = !isWhole || scanner.end().terminated;
  const comments = { count: scanner.comments, first: scanner.firstComment };
  return { ...looking.seen(), isWhole, terminated, comments };
}

class Looking {
  rows = 0;
  readonly #options: ReturnType<typeof optionsOf>;
  readonly #hints: Hints;
  #first: readonly (string | null)[] | undefined;
  #facts: ColumnFacts[] = [];
  #irregular = 0;
  #firstIrregular = "";

  constructor(options: ReturnType<typeof optionsOf>, hints: Hints) {
    this.#options = options;
    this.#hints = hints;
  }

  add(record: ScannedRecord): void {
    const width = this.#first?.length ?? record.fields;
    if (record.problem !== undefined || record.fields !== width) {
      this.#irregular++;
      this.#firstIrregular ||= `line ${record.line}: ${shortText(record)}`;
      return;
    }
    const cells = Array.from({ length: width }, (_, field) => cellText(record, field, this.#options));
    if (!this.#first) {
      this.#first = cells;
      this.#facts = cells.map(() => new ColumnFacts(this.#hints));
      return;
    }
    this.rows++;
    for (const [field, facts] of this.#facts.entries()) facts.add(cells[field]!, record.quoted[field] === 1);
  }

  seen(): Omit<Seen, "isWhole" | "terminated" | "comments"> {
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
      ...(this.#irregular ? { irregular: { count: this.#irregular, first: this.#firstIrregular } } : {}),
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

function inferredOf(seen: Seen, encoding: Encoding, dialect: Dialect, hints: Hints): InferredRecords {
  const { columns, hasHeader, rows, isWhole, terminated, irregular, comments, headerDoubt } = seen;
  const { style, open } = styleOf(
    columns.map(({ facts }) => facts),
    hints,
  );
  const names = fieldNames(columns.map(({ written }) => written));
  const judged = withNulls(
    columns.map(({ facts }) => ({ facts, verdict: verdictOf(facts, style, hints) })),
    hints,
  );
  const fields: InferredField[] = columns.map(({ written, facts }, index) => {
    const { verdict } = judged.columns[index]!;
    return {
      name: names[index]!,
      written,
      property: verdict.property,
      examples: facts.examples,
      isKey:
        facts.isUnique &&
        !facts.quotedEmpty &&
        !facts.markers.size &&
        !/^(?:number|boolean)$/.test(String(verdict.property.type)),
      ...(verdict.unsure ? { unsure: verdict.unsure } : {}),
    };
  });
  const dates = new Map(
    judged.columns.flatMap(({ verdict }, index) => (verdict.dates ? [[names[index]!, verdict.dates] as const] : [])),
  );
  const unsure = [
    ...(encoding.doubt ? [encoding.doubt] : []),
    ...(encoding.zeroBytes ? [`${counted(encoding.zeroBytes, "zero byte is", "zero bytes are")} left out`] : []),
    ...(dialect.quote === "" && hasQuotes(encoding.sample)
      ? ['quotes mean nothing (quote: ""): read as quotes they do not close']
      : []),
    ...(open ? [open] : []),
    ...(hasHeader
      ? []
      : ["the first line is a record, so the fields have no names: rename column_1 and so on, in this order"]),
    ...(headerDoubt === undefined
      ? []
      : [`the first line is taken for the header, though ${headerDoubt}; if it is a record, write header: false`]),
    ...(hints.dates ?? [])
      .filter((said) =>
        columns.every(({ facts }) => !facts.texts || facts.formats.every(({ format }) => format !== said)),
      )
      .map((format) => `--dates ${format} is the format of no column`),
    ...(comments.count
      ? [
          `${counted(comments.count, "line that begins with # is", "lines that begin with # are")} left out as comments; the first is ${JSON.stringify(comments.first)}`,
        ]
      : []),
    ...(terminated ? [] : ["the last line has no line end: either whole files end so, or this one is cut"]),
    ...(irregular
      ? [
          `${counted(irregular.count, "record has", "records have")} another number of cells or a stray quote, and will be rejected; the first on ${irregular.first}`,
        ]
      : []),
    ...(dialect.skipLines
      ? [`${counted(dialect.skipLines, "line")} before the header ${dialect.skipLines === 1 ? "is" : "are"} skipped`]
      : []),
    ...judged.unsure,
  ];
  const options = {
    ...(dialect.delimiter === "," ? {} : { delimiter: dialect.delimiter }),
    ...(dialect.quote === '"' ? {} : { quote: dialect.quote }),
    ...(dialect.quote === "" || dialect.escape === dialect.quote ? {} : { escape: dialect.escape }),
    ...(hasHeader ? {} : { header: false }),
    ...(encoding.encoding === "utf-8" ? {} : { encoding: encoding.encoding }),
    ...(judged.nulls.length ? { null: ["", ...judged.nulls] } : {}),
    ...(judged.forceNull ? { forceNull: true } : {}),
    ...styleOptions(style),
    ...(dates.size
      ? {
          dates: datesOption(
            dates,
            judged.columns.map(({ verdict }) => verdict),
          ),
        }
      : {}),
    ...(dialect.comment ? { comment: dialect.comment } : {}),
    ...(encoding.zeroBytes ? { zeroBytes: "remove" } : {}),
    ...(dialect.skipLines ? { skipLines: dialect.skipLines } : {}),
    ...(terminated ? {} : { finalNewline: false }),
    ...(hasHeader
      ? columnsOption(
          columns.map(({ written }) => written),
          names,
        )
      : {}),
  };
  return { format: "csv", options, fields, rows, isWhole, unsure };
}

function hasQuotes(sample: Buffer): boolean {
  return sample.includes('"') || sample.includes("'");
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
function columnsOption(written: readonly string[], names: readonly string[]): object {
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
