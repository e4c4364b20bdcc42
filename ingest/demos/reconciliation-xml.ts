// What a bank writes: statements (camt.053) and notifications (camt.054) in two versions, and a plain XML file of payments.

export interface Payment {
  readonly reference: string | null;
  /** In minor units, signed: negative leaves the account. */
  readonly cents: bigint;
  readonly currency: string;
  /** YYYY-MM-DD */
  readonly bookedOn: string;
  readonly counterparty: string;
  readonly remittance: string;
}

export interface Entry extends Payment {
  readonly status?: "BOOK" | "PDNG" | "INFO";
  readonly reversal?: boolean;
  /** What its transactions say, where that is not the amount. */
  readonly details?: readonly bigint[];
  /** The transactions of an entry that books several; none where it is a sum alone. */
  readonly parts?: readonly Payment[];
  readonly servicerReference?: string;
  /** The batch that it books. */
  readonly batch?: string;
}

export interface Statement {
  readonly id: string;
  readonly account: string;
  readonly currency: string;
  readonly sequenceNo: number;
  readonly closedOn: string;
  readonly opening: bigint;
  /** What the entries lead to, unless said. */
  readonly closing?: bigint;
  readonly copy?: "DUPL" | "COPY";
  readonly entries: readonly Entry[];
}

/** What is announced of an account at a time. */
export interface Notification {
  readonly id: string;
  readonly account: string;
  readonly currency: string;
  /** YYYY-MM-DD */
  readonly day: string;
  readonly entries: readonly Entry[];
}

export type CamtVersion = "02" | "08";

/** A decimal of so many cents: "12.30", "1230" in yen. Never a floating point number. */
export function decimal(cents: bigint, currency: string): string {
  const digits = currency === "JPY" ? 0 : 2;
  const text = String(cents < 0n ? -cents : cents).padStart(digits + 1, "0");
  const whole = digits ? `${text.slice(0, -digits)}.${text.slice(-digits)}` : text;
  return cents < 0n ? `-${whole}` : whole;
}

function sum(entries: readonly Entry[]): bigint {
  return entries.reduce((total, { cents, status }) => (status === "PDNG" ? total : total + cents), 0n);
}

export function camt(version: CamtVersion, messageId: string, statements: readonly Statement[]): string {
  return [head(version, messageId), ...statements.map((one) => statement(version, one)), TAIL].join("");
}

export function head(version: CamtVersion, messageId: string): string {
  return `<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.${version}">
<BkToCstmrStmt>
<GrpHdr><MsgId>${messageId}</MsgId><CreDtTm>2026-03-31T23:00:00Z</CreDtTm></GrpHdr>
`;
}

export const TAIL = "</BkToCstmrStmt>\n</Document>\n";

/** Notifications (camt.054), which have no balances. */
export function camt054(version: CamtVersion, messageId: string, notifications: readonly Notification[]): string {
  const told = notifications.map(
    ({ id, account, currency, day, entries }) =>
      `<Ntfctn><Id>${id}</Id><CreDtTm>${day}T09:00:00Z</CreDtTm><Acct><Id><IBAN>${account}</IBAN></Id><Ccy>${currency}</Ccy></Acct>
${entries.map((each) => entry(version, each)).join("")}</Ntfctn>\n`,
  );
  return `<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.054.001.${version}">
<BkToCstmrDbtCdtNtfctn>
<GrpHdr><MsgId>${messageId}</MsgId><CreDtTm>2026-03-31T23:00:00Z</CreDtTm></GrpHdr>
${told.join("")}</BkToCstmrDbtCdtNtfctn>
</Document>
`;
}

function statement(version: CamtVersion, one: Statement): string {
  const booked = one.entries.filter(({ status }) => status !== "PDNG");
  const closing = one.closing ?? one.opening + sum(one.entries);
  return [statementHead(one, closing, booked), ...one.entries.map((each) => entry(version, each)), "</Stmt>\n"].join(
    "",
  );
}

/** Everything before the entries; `booked` are those that its summary counts. */
export function statementHead(one: Omit<Statement, "entries">, closing: bigint, booked?: readonly Entry[]): string {
  const balance = (code: string, cents: bigint) =>
    `<Bal><Tp><CdOrPrtry><Cd>${code}</Cd></CdOrPrtry></Tp>${amount(cents, one.currency)}<Dt><Dt>${one.closedOn}</Dt></Dt></Bal>\n`;
  return `<Stmt><Id>${one.id}</Id><ElctrncSeqNb>${one.sequenceNo}</ElctrncSeqNb>${one.copy ? `<CpyDplctInd>${one.copy}</CpyDplctInd>` : ""}
<Acct><Id><IBAN>${one.account}</IBAN></Id><Ccy>${one.currency}</Ccy></Acct>
${balance("OPBD", one.opening)}${balance("CLBD", closing)}${booked ? summary(booked, one.currency) : ""}`;
}

function summary(booked: readonly Entry[], currency: string): string {
  const part = (name: string, entries: readonly Entry[]) => {
    const total = sum(entries);
    return `<${name}><NbOfNtries>${entries.length}</NbOfNtries><Sum>${decimal(total < 0n ? -total : total, currency)}</Sum></${name}>`;
  };
  const credits = booked.filter(({ cents }) => cents >= 0n);
  const debits = booked.filter(({ cents }) => cents < 0n);
  return `<TxsSummry><TtlNtries><NbOfNtries>${booked.length}</NbOfNtries></TtlNtries>${part("TtlCdtNtries", credits)}${part("TtlDbtNtries", debits)}</TxsSummry>\n`;
}

/** An amount is never negative: the indicator has the sign. */
function amount(cents: bigint, currency: string): string {
  const absolute = decimal(cents < 0n ? -cents : cents, currency);
  return `<Amt Ccy="${currency}">${absolute}</Amt><CdtDbtInd>${cents < 0n ? "DBIT" : "CRDT"}</CdtDbtInd>`;
}

export function entry(version: CamtVersion, one: Entry): string {
  const status = one.status ?? "BOOK";
  const parts = one.parts ?? (one.details ?? [one.cents]).map((cents) => ({ ...one, cents }));
  const batch = one.batch === undefined ? "" : `<Btch><PmtInfId>${escaped(one.batch)}</PmtInfId></Btch>`;
  const servicer = one.servicerReference && `<AcctSvcrRef>${escaped(one.servicerReference)}</AcctSvcrRef>`;
  return `<Ntry>${amount(one.cents, one.currency)}${one.reversal ? "<RvslInd>true</RvslInd>" : ""}<Sts>${version === "02" ? status : `<Cd>${status}</Cd>`}</Sts><BookgDt><Dt>${one.bookedOn}</Dt></BookgDt><ValDt><Dt>${one.bookedOn}</Dt></ValDt>${servicer ?? ""}
<NtryDtls>${batch}${parts.map((part) => transaction(version, part)).join("")}</NtryDtls></Ntry>
`;
}

function transaction(version: CamtVersion, one: Payment): string {
  const absolute = `<Amt Ccy="${one.currency}">${decimal(one.cents < 0n ? -one.cents : one.cents, one.currency)}</Amt>`;
  const value = version === "02" ? `<AmtDtls><TxAmt>${absolute}</TxAmt></AmtDtls>` : absolute;
  const name = `<Nm>${escaped(one.counterparty)}</Nm>`;
  const role = one.cents < 0n ? "Cdtr" : "Dbtr";
  const party = version === "02" ? name : `<Pty>${name}</Pty>`;
  return `<TxDtls><Refs><EndToEndId>${escaped(one.reference ?? "NOTPROVIDED")}</EndToEndId></Refs>${value}<RltdPties><${role}>${party}</${role}></RltdPties><RmtInf><Ustrd>${escaped(one.remittance)}</Ustrd></RmtInf></TxDtls>`;
}

/** The plain shape: one element per payment, the amount signed. */
export function paymentsXml(account: string, payments: readonly Payment[]): string {
  const rows = payments.map(
    (one) =>
      `  <payment${one.reference === null ? "" : ` id="${escaped(one.reference)}"`}><account>${account}</account><amount currency="${one.currency}">${decimal(one.cents, one.currency)}</amount><date>${one.bookedOn}</date><counterparty>${escaped(one.counterparty)}</counterparty><text>${escaped(one.remittance)}</text></payment>\n`,
  );
  return `<?xml version="1.0" encoding="UTF-8"?>\n<payments>\n${rows.join("")}</payments>\n`;
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}
