import { counted } from "../model/counted.ts";
import { textBytes } from "../sources/formats/csv/decode.ts";
import { cellText } from "../sources/formats/csv/header.ts";
import { CsvScanner } from "../sources/formats/csv/scan.ts";
import type { ScannedRecord } from "../sources/formats/csv/scanned.ts";
import { type Dialect, type Encoding, findDialect, findEncoding, noRecords, optionsOf, shortText } from "./csv-file.ts";
import type { InferredRecords } from "./inferred.ts";
import { judgeCells, LookingAtCells, type SeenCells } from "./seen.ts";
import type { Hints } from "./verdict.ts";

/** Opens the bytes of the file, unpacked; may be called again. */
type Open = () => AsyncIterable<Uint8Array>;

/** What is seen of the records of a file. */
interface Seen extends SeenCells {
  readonly isWhole: boolean;
  readonly terminated: boolean;
  readonly irregular?: { readonly count: number; readonly first: string };
  /** Lines that are left out as comments. */
  readonly comments: { readonly count: number; readonly first: string };
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
  if (!seen.rows) throw noRecords(name, seen.irregular);
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
  const looking = new LookingAtRecords(options, hints);
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

class LookingAtRecords {
  readonly #options: ReturnType<typeof optionsOf>;
  readonly #cells: LookingAtCells;
  #irregular = 0;
  #firstIrregular = "";

  constructor(options: ReturnType<typeof optionsOf>, hints: Hints) {
    this.#options = options;
    this.#cells = new LookingAtCells(hints);
  }

  get rows(): number {
    return this.#cells.rows;
  }

  add(record: ScannedRecord): void {
    const width = this.#cells.width ?? record.fields;
    if (record.problem !== undefined || record.fields !== width) {
      this.#irregular++;
      this.#firstIrregular ||= `line ${record.line}: ${shortText(record)}`;
      return;
    }
    const cells = Array.from({ length: width }, (_, field) => cellText(record, field, this.#options));
    this.#cells.add(cells, (field) => record.quoted[field] === 1);
  }

  seen(): SeenCells & Pick<Seen, "irregular"> {
    const irregular = { count: this.#irregular, first: this.#firstIrregular };
    return { ...this.#cells.seen(), ...(irregular.count ? { irregular } : {}) };
  }
}

function inferredOf(seen: Seen, encoding: Encoding, dialect: Dialect, hints: Hints): InferredRecords {
  const { hasHeader, rows, isWhole, terminated, irregular, comments } = seen;
  const { fields, nulls, forceNull, spellings, naming, unsure: doubts } = judgeCells(seen, hints);
  const unsure = [
    ...(encoding.doubt ? [encoding.doubt] : []),
    ...(encoding.zeroBytes ? [`${counted(encoding.zeroBytes, "zero byte is", "zero bytes are")} left out`] : []),
    ...(dialect.quote === "" && hasQuotes(encoding.sample)
      ? ['quotes mean nothing (quote: ""): read as quotes they do not close']
      : []),
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
    ...doubts,
  ];
  const options = {
    ...(dialect.delimiter === "," ? {} : { delimiter: dialect.delimiter }),
    ...(dialect.quote === '"' ? {} : { quote: dialect.quote }),
    ...(dialect.quote === "" || dialect.escape === dialect.quote ? {} : { escape: dialect.escape }),
    ...(hasHeader ? {} : { header: false }),
    ...(encoding.encoding === "utf-8" ? {} : { encoding: encoding.encoding }),
    ...(nulls.length ? { null: ["", ...nulls] } : {}),
    ...(forceNull ? { forceNull: true } : {}),
    ...spellings,
    ...(dialect.comment ? { comment: dialect.comment } : {}),
    ...(encoding.zeroBytes ? { zeroBytes: "remove" } : {}),
    ...(dialect.skipLines ? { skipLines: dialect.skipLines } : {}),
    ...(terminated ? {} : { finalNewline: false }),
    ...naming,
  };
  return { format: "csv", options, fields, rows, isWhole, unsure };
}

function hasQuotes(sample: Buffer): boolean {
  return sample.includes('"') || sample.includes("'");
}
