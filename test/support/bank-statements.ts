// Statements of a bank (camt.053) as banks write them: in pages, with names that they use again, without numbers.

/** A statement, or a page of one, with what the rules below are about: balances as `code day amount`. */
interface Told {
  readonly id?: string;
  readonly account: string;
  readonly currency?: string;
  readonly number?: number;
  readonly page?: number;
  readonly balances: readonly (readonly [code: string, day: string, amount: string])[];
  /** Entries as `reference amount`, signed, and whether it takes back another. */
  readonly entries?: readonly (readonly [reference: string, amount: string, isReversal?: boolean])[];
  readonly summary?: string;
}

function told({ id = "1", account, currency = "EUR", number, page, balances, entries = [], summary = "" }: Told) {
  const amount = (value: string) =>
    `<Amt Ccy="${currency}">${value.replace("-", "")}</Amt><CdtDbtInd>${value.startsWith("-") ? "DBIT" : "CRDT"}</CdtDbtInd>`;
  const last = balances.at(-1)![1];
  return [
    `<Stmt><Id>${id}</Id>`,
    page === undefined ? "" : `<StmtPgntn><PgNb>${page}</PgNb><LastPgInd>${page === 2}</LastPgInd></StmtPgntn>`,
    number === undefined ? "" : `<ElctrncSeqNb>${number}</ElctrncSeqNb>`,
    `<Acct><Id><Othr><Id>${account}</Id></Othr></Id><Ccy>${currency}</Ccy></Acct>`,
    ...balances.map(
      ([code, day, value]) =>
        `<Bal><Tp><CdOrPrtry><Cd>${code}</Cd></CdOrPrtry></Tp>${amount(value)}<Dt><Dt>${day}</Dt></Dt></Bal>`,
    ),
    summary,
    ...entries.map(
      ([reference, value, isReversal = false]) =>
        `<Ntry>${amount(value)}<RvslInd>${isReversal}</RvslInd><Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>${last}</Dt></BookgDt><AcctSvcrRef>${reference}</AcctSvcrRef></Ntry>`,
    ),
    "</Stmt>",
  ].join("");
}

const day = (account: string, on: string, [opening, closing]: readonly [string, string], more: Partial<Told> = {}) =>
  told({
    account,
    balances: [
      ["OPBD", on, opening],
      ["CLBD", on, closing],
    ],
    ...more,
  });
const pages = [
  told({
    account: "PAGED",
    page: 1,
    balances: [
      ["OPBD", "2026-03-02", "0"],
      ["ITBD", "2026-03-02", "1"],
    ],
    entries: [["P1", "1"]],
  }),
  told({
    account: "PAGED",
    page: 2,
    balances: [
      ["ITBD", "2026-03-02", "1"],
      ["CLBD", "2026-03-02", "3"],
    ],
    entries: [["P2", "2"]],
  }),
];
const withTotals = day("TOTALS", "2026-03-02", ["0", "1"], {
  entries: [["T1", "1"]],
  summary: "<TxsSummry><TtlNtries><NbOfNtries>1</NbOfNtries></TtlNtries></TxsSummry>",
});
/** Files of the reconciliation product, each with the statements in it: what banks do that the demonstration does not show. */
export const oddStatements: Readonly<Record<string, readonly string[]>> = {
  page1: [pages[0]!],
  page2: [pages[1]!],
  page2again: [pages[1]!],
  reused: [day("REUSED", "2026-03-02", ["0", "1"], { entries: [["R1", "1"]] })],
  reused2: [day("REUSED", "2026-03-03", ["1", "3"], { entries: [["R2", "2"]] })],
  reused3: [day("REUSED", "2026-03-03", ["3", "4"], { entries: [["R3", "1"]] })],
  onefile: [
    day("ONEFILE", "2026-03-02", ["0", "1"], { number: 1, entries: [["O1", "1"]] }),
    day("ONEFILE", "2026-03-03", ["1", "3"], { number: 2, entries: [["O2", "2"]] }),
  ],
  chain: [
    day("CHAIN", "2026-03-02", ["1", "3"], { id: "A", entries: [["C2", "2"]] }),
    day("CHAIN", "2026-03-02", ["0", "1"], { id: "B", entries: [["C1", "1"]] }),
    day("CHAIN", "2026-03-03", ["4", "4"], { id: "C" }),
  ],
  years: [
    day("YEARS", "2025-12-31", ["0", "5"], { number: 365, entries: [["Y0", "5"]] }),
    day("YEARS", "2026-01-02", ["5", "5"], { number: 1 }),
    day("YEARS", "2026-01-03", ["5", "5"], { number: 2 }),
    day("YEARS", "2026-01-05", ["5", "5"], { number: 4 }),
  ],
  // of the first the last page has not come
  cut: [
    told({
      account: "CUT",
      number: 1,
      page: 1,
      balances: [
        ["OPBD", "2026-03-02", "0"],
        ["ITBD", "2026-03-02", "1"],
      ],
      entries: [["U1", "1"]],
    }),
    day("CUT", "2026-03-03", ["1", "1"], { number: 2 }),
  ],
  totals: [withTotals, withTotals],
  others: [
    day("nl 12 abc", "2026-03-31", ["0", "2"], {
      entries: [
        ["B1", "1"],
        ["B3", "1"],
      ],
    }),
    day("MULTI", "2026-03-31", ["0", "1"], { entries: [["M1", "1"]] }),
    day("MULTI", "2026-03-10", ["0", "1"], { currency: "USD", entries: [["M2", "1"]] }),
    day("", "2026-03-10", ["0", "1"], { entries: [["N1", "1"]] }),
    day("REVERSED", "2026-03-10", ["0", "0"], {
      entries: [
        ["V", "-5"],
        ["V", "5", true],
      ],
    }),
  ],
};
