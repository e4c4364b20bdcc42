import { blocksOf, type Content, oneOf, pick, timeOf } from "./content.ts";

/** A megabyte has about so many. */
const ENTRIES_PER_MB = 1_360;
const ENTRIES_PER_STATEMENT = 10_000;

const parties = ["Stadtwerke Köln", "O'Neill & Sons", "Kowalski sp. z o.o.", "Café Amélie", "Schmidt GmbH"];

/** Bank statements shaped like camt.053, as many as fill the megabytes. */
export function xmlDocument(mb: number): Content {
  const rows = Math.round(mb * ENTRIES_PER_MB);
  const pieces = function* () {
    yield `<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08">
  <BkToCstmrStmt>
    <GrpHdr><MsgId>MSG-2026-000001</MsgId><CreDtTm>2026-12-31T23:00:00Z</CreDtTm></GrpHdr>
`;
    for (let row = 0; row < rows; row++) {
      if (row % ENTRIES_PER_STATEMENT === 0) yield statementStart(row / ENTRIES_PER_STATEMENT);
      yield entry(row);
      if (row + 1 === rows || (row + 1) % ENTRIES_PER_STATEMENT === 0) yield "    </Stmt>\n";
    }
    yield "  </BkToCstmrStmt>\n</Document>\n";
  };
  return { blocks: blocksOf(pieces()), rows, bad: 0 };
}

function statementStart(number: number): string {
  const iban = `DE${String(pick(number, 1, 100)).padStart(2, "0")}37040044${String(number).padStart(10, "0")}`;
  return `    <Stmt>
      <Id>STMT-${number + 1}</Id>
      <Acct><Id><IBAN>${iban}</IBAN></Id><Ccy>EUR</Ccy></Acct>
`;
}

function entry(row: number): string {
  const day = timeOf(row, 2).slice(0, 10);
  const amount = `${pick(row, 5, 100_000)}.${String(pick(row, 6, 100)).padStart(2, "0")}`;
  const number = String(row + 1).padStart(12, "0");
  return `      <Ntry>
        <NtryRef>${number}</NtryRef>
        <Amt Ccy="EUR">${amount}</Amt>
        <CdtDbtInd>${pick(row, 7, 2) ? "CRDT" : "DBIT"}</CdtDbtInd>
        <Sts><Cd>BOOK</Cd></Sts>
        <BookgDt><Dt>${day}</Dt></BookgDt>
        <ValDt><Dt>${day}</Dt></ValDt>
        <BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>RCDT</Cd><SubFmlyCd>ESCT</SubFmlyCd></Fmly></Domn></BkTxCd>
        <NtryDtls>
          <TxDtls>
            <Refs><EndToEndId>E2E-${number}</EndToEndId></Refs>
            <Amt Ccy="EUR">${amount}</Amt>
            <RltdPties><Dbtr><Pty><Nm>${oneOf(row, 8, parties).replace("&", "&amp;")}</Nm></Pty></Dbtr></RltdPties>
            <RmtInf><Ustrd>Invoice ${pick(row, 9, 1_000_000)} of ${day}, with thanks</Ustrd></RmtInf>
          </TxDtls>
        </NtryDtls>
      </Ntry>
`;
}
