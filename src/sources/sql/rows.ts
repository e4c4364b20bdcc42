import type { RecordSchema } from "../../model/declarations.ts";
import { type SourceLocation, UserError } from "../../model/errors.ts";
import { head, PageBuilder, TOO_LONG } from "../formats/pages.ts";
import type { SourceRecord } from "../json/document.ts";
import { MAX_RECORD_BYTES, type RejectedPiece, type SourcePage } from "../source.ts";
import { refuseLostTime, refuseOtherOrder } from "./bends.ts";
import { type Cell, type CellKind, readCell, type Wanted, wantedOf } from "./cell.ts";

export interface SqlColumn {
  readonly name: string;
  readonly kind: CellKind;
}

/** How a database is read. */
export interface SqlReadOptions {
  /** Drivers are looked for here first. */
  readonly projectDir?: string;
  /** Where the query is declared, for messages. */
  readonly askedAt?: SourceLocation;
  /** What the records are to be: it decides between numbers, strings and booleans. */
  readonly recordSchema?: RecordSchema;
  /** The field that is followed: what is ordered otherwise here is refused. */
  readonly follows?: string | undefined;
  /**
   * The server gives up after this long.
   * @default an hour
   */
  readonly timeoutSeconds?: number;
}

export const TIMEOUT_SECONDS = 3600;

/** Values of one row in the order of the columns, as text; binary ones as `\x` and hexadecimal digits. */
export type SqlRow = readonly (string | null)[];

/** Pages of about 1 MB out of rows. `columns` is asked when the first row is there, or the end. */
export async function* pagesOf(
  rows: AsyncIterable<SqlRow>,
  columns: () => readonly SqlColumn[],
  { recordSchema, follows }: Pick<SqlReadOptions, "recordSchema" | "follows">,
): AsyncGenerator<SourcePage> {
  const pages = new PageBuilder();
  let reader: RowReader | undefined;
  let number = 0;
  for await (const row of rows) {
    reader ??= new RowReader(columns(), recordSchema, follows);
    reader.read(row, ++number, pages);
    if (pages.full) yield pages.build();
  }
  reader ??= new RowReader(columns(), recordSchema, follows);
  if (!pages.empty || number === 0) yield pages.build();
}

class RowReader {
  readonly #columns: readonly SqlColumn[];
  readonly #wanted: readonly Wanted[];
  readonly #index: ReadonlyMap<string, number>;

  constructor(columns: readonly SqlColumn[], recordSchema: RecordSchema | undefined, follows: string | undefined) {
    const properties = (recordSchema?.schema.properties ?? {}) as Readonly<Record<string, unknown>>;
    this.#columns = columns;
    this.#wanted = columns.map(({ name }) => wantedOf(Object.hasOwn(properties, name) ? properties[name] : undefined));
    this.#index = new Map(columns.map(({ name }, at) => [name, at]));
    if (this.#index.size < columns.length || this.#index.has("")) throw unclearNames(columns.map(({ name }) => name));
    for (const { name, kind } of recordSchema ? columns : []) refuseLostTime(name, kind, recordSchema!);
    const followed = recordSchema?.columns.find(({ name }) => name === follows);
    const source = columns.find(({ name }) => name === follows);
    if (followed && source) refuseOtherOrder(source.kind, followed);
  }

  read(row: SqlRow, number: number, pages: PageBuilder): void {
    const value: Record<string, unknown> = Object.create(null);
    const jsons: (string | undefined)[] = [];
    const refusals: string[] = [];
    let size = 0;
    for (const [at, { name, kind }] of this.#columns.entries()) {
      const cell = this.#cell(kind, row[at]!, at);
      if (cell === undefined) continue;
      if ("refused" in cell) {
        refusals.push(`${name}: ${cell.refused}`);
        continue;
      }
      value[name] = cell.value;
      jsons[at] = cell.json;
      size += cell.json.length;
    }
    if (size > MAX_RECORD_BYTES) refusals.push(TOO_LONG);
    if (refusals.length > 0) pages.addRejected(this.#rejected(row, number, refusals));
    else pages.addRecord(new SqlRecord(value, jsons, this.#index, number), size);
  }

  /** NULL is null where the schema allows it, otherwise the field is not there. */
  #cell(kind: CellKind, text: string | null, at: number): Cell | { readonly refused: string } | undefined {
    const wanted = this.#wanted[at]!;
    if (text !== null) return readCell(kind, text, wanted);
    return wanted.has("null") ? { value: null, json: "null" } : undefined;
  }

  #rejected(row: SqlRow, number: number, refusals: readonly string[]): RejectedPiece {
    const shown = row.map((text) => (text === null ? null : head(text)));
    const record = Object.fromEntries(this.#columns.map(({ name }, at) => [name, shown[at]]));
    return { position: position(number), reason: refusals.join("; "), text: JSON.stringify(record) };
  }
}

class SqlRecord implements SourceRecord {
  readonly value: unknown;
  readonly #jsons: readonly (string | undefined)[];
  readonly #index: ReadonlyMap<string, number>;
  readonly #number: number;

  constructor(
    value: unknown,
    jsons: readonly (string | undefined)[],
    index: ReadonlyMap<string, number>,
    number: number,
  ) {
    this.value = value;
    this.#jsons = jsons;
    this.#index = index;
    this.#number = number;
  }

  get position(): string {
    return position(this.#number);
  }

  text(): string {
    const fields: string[] = [];
    for (const [name, at] of this.#index) {
      const json = this.#jsons[at];
      if (json !== undefined) fields.push(`${JSON.stringify(name)}: ${json}`);
    }
    return `{${fields.join(", ")}}`;
  }

  fieldText(name: string): string | undefined {
    const at = this.#index.get(name);
    return at === undefined ? undefined : this.#jsons[at];
  }
}

function position(number: number): string {
  return `row ${number}`;
}

/** Names of a query's columns that are empty, or there twice. */
export function unclearNames(names: readonly string[]): UserError {
  const twice = names.find((name, at) => name === "" || names.indexOf(name) < at);
  return new UserError({
    message: twice === "" ? "a column of the query has no name" : `two columns of the query are called ${twice}`,
    expected: "a name of its own for every column",
    found: names.slice(0, 20).join(", "),
    hint: "name them with `as` in the query",
  });
}
