// Entries of statements and of notifications, as landing left them, from docs/products/reconciliation.md (keys).

import { type Exact, minus, number, ZERO } from "./exact.ts";
import type { Raw, RawRow } from "./relation.ts";

export interface File {
  readonly load: string;
  readonly path: string;
  readonly isStruck: boolean;
  readonly isNewest: boolean;
}

export interface Entry {
  readonly row: RawRow;
  readonly file: File;
  readonly status: string;
  readonly amount: Exact;
  /** The statement and the page that it stands on. */
  readonly of: string;
  readonly references: readonly (string | null)[];
}

export const SOURCES = ["servicer_reference", "entry_reference", "end_to_end_id", "transaction_id", "uetr"];

export const accountOf = (row: RawRow) => (row.iban ?? row.other_account!).replaceAll(" ", "").toUpperCase();
export const signed = (row: RawRow) =>
  row.indicator === "DBIT" ? minus(ZERO, number(row.amount!)) : number(row.amount!);
export const headOf = (row: RawRow) =>
  JSON.stringify([accountOf(row), row.statement_id, row.account_currency, row.sequence_no, row.page_no ?? "1"]);
/** What an entry is known by: the first reference that it has. */
export const referenceOf = ({ references }: Entry): string => references.find((one) => one !== null)!;

export function filesIn(raw: Raw, stream: string): Map<string, File> {
  const loads = raw._load!.filter((load) => load.source === "reconciliation" && load.stream === stream);
  const isLater = (one: RawRow, other: RawRow) => Number(one.load_id) > Number(other.load_id);
  return new Map(
    loads.map((load) => [
      load.load_id!,
      {
        load: load.load_id!,
        path: load.file!,
        isStruck: load.status === "struck",
        isNewest:
          load.status === "loaded" &&
          !loads.some((other) => other.status === "loaded" && other.file === load.file && isLater(other, load)),
      },
    ]),
  );
}

/** Who pays what comes in, and is paid what goes out. */
export const partyOf = ({ indicator }: RawRow, { RltdPties: parties }: Pick<Details, "RltdPties">) =>
  parties?.[indicator === "DBIT" ? "Cdtr" : "Dbtr"]?.Nm ?? null;

export interface Details {
  readonly RltdPties?: Readonly<Record<string, { readonly Nm: string }>>;
  readonly Refs?: Readonly<Record<string, string>>;
  readonly Amt?: { readonly "#text": string; readonly "@Ccy": string };
}

/** Of a stream: entries, or notifications. */
export function entriesIn(raw: Raw, stream = "entries"): Entry[] {
  const files = filesIn(raw, stream);
  return raw[`reconciliation_${stream}`]!.map((row) => {
    const details = JSON.parse(row.details ?? "[]") as Details[];
    // Of an entry that is one transaction.
    const refs = details.length === 1 ? (details[0]!.Refs ?? {}) : {};
    const endToEnd = refs.EndToEndId === "NOTPROVIDED" ? null : (refs.EndToEndId ?? null);
    const file = files.get(row._load_id!)!;
    return {
      ...{ row, file, amount: signed(row), of: `${file.path} ${file.load} ${headOf(row)}` },
      status: (JSON.parse(row.status!) as { Cd: string }).Cd,
      references: [row.servicer_reference!, row.entry_reference!, endToEnd, refs.TxId ?? null, refs.UETR ?? null],
    };
  });
}
