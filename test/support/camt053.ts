import { head, TAIL } from "../../ingest/demos/reconciliation-xml.ts";

// Files of a bank (camt.053), written by their parts.

export const refs = (names: Readonly<Record<string, string>>) =>
  `<Refs>${Object.entries(names)
    .map(([name, value]) => `<${name}>${value}</${name}>`)
    .join("")}</Refs>`;
export const details = (...transactions: string[]) =>
  `<NtryDtls>${transactions.map((one) => `<TxDtls>${one}</TxDtls>`).join("")}</NtryDtls>`;
/** An entry: `of` is what it has besides its amount and day. */
export const ntry = (amount: string, { of = "", day = "<Dt>2026-03-02</Dt>" } = {}) =>
  `<Ntry><Amt Ccy="EUR">${amount}</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts><BookgDt>${day}</BookgDt>${of}</Ntry>`;
const balance = (code: string, amount: string) =>
  `<Bal><Tp><CdOrPrtry><Cd>${code}</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">${amount}</Amt><CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>2026-03-31</Dt></Dt></Bal>`;
/** What a bank says of an account, with its balances at the beginning and at the end. */
export const statement = (
  id: string,
  account: string,
  [opening, closing]: readonly [string, string],
  entries: string,
) =>
  `<Stmt><Id>${id}</Id><Acct><Id><IBAN>${account}</IBAN></Id><Ccy>EUR</Ccy></Acct>${balance("OPBD", opening)}${balance("CLBD", closing)}${entries}</Stmt>`;
export const file = (...statements: string[]) => `${head("08", "M")}${statements.join("")}${TAIL}`;
