import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { head, TAIL } from "../../ingest/demos/reconciliation-xml.ts";
import { script } from "../../src/sql/authored.ts";
import { oddStatements } from "../support/bank-statements.ts";
import { succeeds } from "../support/cli.ts";
import { type ReconciliationProject, reconciliationProject } from "../support/reconciliation.ts";

// A statement with an entry of each kind, made for the rules of domain.md that the demonstration's data do not show.
const ACCOUNT = "NL91ABNA0417164300";
const inputs = ["reconciliation", "reconciliation_records", "reconciliation_decisions"];

const refs = (names: Readonly<Record<string, string>>) =>
  `<Refs>${Object.entries(names)
    .map(([name, value]) => `<${name}>${value}</${name}>`)
    .join("")}</Refs>`;
const details = (...transactions: string[]) =>
  `<NtryDtls>${transactions.map((one) => `<TxDtls>${one}</TxDtls>`).join("")}</NtryDtls>`;
const ntry = (amount: string, { of = "", day = "<Dt>2026-03-02</Dt>" } = {}) =>
  `<Ntry><Amt Ccy="EUR">${amount}</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts><BookgDt>${day}</BookgDt>${of}</Ntry>`;
const balance = (code: string, amount: string) =>
  `<Bal><Tp><CdOrPrtry><Cd>${code}</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">${amount}</Amt><CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>2026-03-31</Dt></Dt></Bal>`;
const statement = (id: string, account: string, [opening, closing]: readonly [string, string], entries: string) =>
  `<Stmt><Id>${id}</Id><Acct><Id><IBAN>${account}</IBAN></Id><Ccy>EUR</Ccy></Acct>${balance("OPBD", opening)}${balance("CLBD", closing)}${entries}</Stmt>`;
const file = (...statements: string[]) => `${head("08", "M")}${statements.join("")}${TAIL}`;

/** `third`: the amount of the entry that a newer version of the file corrects. */
const kindsOfKey = (third: string) => [
  ntry("1.00", {
    of: `<AcctSvcrRef>SERVICER</AcctSvcrRef>${details(refs({ EndToEndId: "NO-1", TxId: "NO-2" }))}`,
  }).replace("<Ntry>", "<Ntry><NtryRef>NO-3</NtryRef>"),
  ntry("2.00", { of: details(refs({ EndToEndId: "NO-4" })) }).replace("<Ntry>", "<Ntry><NtryRef>ENTRY</NtryRef>"),
  ntry(third, { of: details(refs({ EndToEndId: "END", TxId: "NO-5", UETR: "NO-6" })) }),
  ntry("4.00", { of: details(refs({ EndToEndId: "NOTPROVIDED", TxId: "TX", UETR: "NO-7" })) }),
  ntry("5.00", { of: details(refs({ UETR: "97ed4827" })), day: "<DtTm>2026-03-02T23:30:00+01:00</DtTm>" }),
  ntry("6.00", { of: details(refs({ EndToEndId: "NOTPROVIDED" })) }),
  ntry("6.00", { of: details(refs({ EndToEndId: "NOTPROVIDED" })) }),
  ntry("7.00", { of: details(refs({ EndToEndId: "NO-8" }), refs({ EndToEndId: "NO-9" })) }),
];
const summary =
  "<TxsSummry><TtlNtries><NbOfNtries>9</NbOfNtries></TtlNtries><TtlCdtNtries><NbOfNtries>8</NbOfNtries><Sum>35.00</Sum></TtlCdtNtries><TtlDbtNtries><NbOfNtries>1</NbOfNtries><Sum>1.00</Sum></TtlDbtNtries></TxsSummry>";
const keys = (third: string, closing: string) =>
  file(statement("K", ACCOUNT, ["0.00", closing], summary + kindsOfKey(third).join("")));
const twice = statement("D", "TWICE", ["0.00", "1.00"], ntry("1.00", { of: "<AcctSvcrRef>T</AcctSvcrRef>" }));
const decision = (id: string, what: string, day: string) => `${id},${what},Ada,${day},\n`;

const first = { keys: keys("3.00", "34.00"), twice: file(twice, twice) };
let product: ReconciliationProject;
let rows: ReconciliationProject["rows"];

async function run(): Promise<void> {
  const { stderr } = await product.dataform("run", "--tags", "reconciliation");
  expect(stderr).toMatch(/0 failed, 0 held, 0 skipped/);
}

async function ingest(...sources: string[]): Promise<void> {
  await succeeds(product.dataform("ingest", ...sources));
}

beforeAll(async () => {
  product = await reconciliationProject();
  rows = product.rows;
  product.put({
    "bank/camt053-keys.xml": first.keys,
    "bank/camt053-twice.xml": first.twice,
    "bank/payments-none.xml": "<payments/>",
    "decisions/none.csv": "proposal_id,decision,decided_by,decided_on,comment\n",
  });
  const own = (reference: string | null, cents: bigint, recordId: string) => ({
    recordId,
    account: ACCOUNT,
    reference,
    cents,
    currency: "EUR",
    bookedOn: "2026-03-02",
    counterparty: "",
    remittance: "",
  });
  await product.own([
    own("SERVICER", 100n, "1"),
    own("ENTRY", 200n, "2"),
    own("END", 350n, "3"),
    own("TX", 400n, "4"),
    own("97ed4827", 500n, "5"),
    own(null, 600n, "6"),
    own(null, 600n, "7"),
    own(null, 700n, "8"),
  ]);
  await ingest(...inputs);
  await run();
}, 60_000);

afterAll(() => product?.close());

describe("4.3: the key of an entry", () => {
  test("is the first of AcctSvcrRef, NtryRef, EndToEndId, TxId and UETR; NOTPROVIDED is none", async () => {
    expect(
      await rows(
        `select key_source, reference, booked_on from history.reconciliation_bank_entries
         where account = '${ACCOUNT}' and key_source <> 'content' order by row_no`,
      ),
    ).toEqual([
      "servicer_reference|SERVICER|2026-03-02",
      "entry_reference|ENTRY|2026-03-02",
      "end_to_end_id|END|2026-03-02",
      "transaction_id|TX|2026-03-02",
      "uetr|97ed4827|2026-03-02",
    ]);
  });

  test("is made of what it says where it has none; two equal payments are two, and a batch has no reference of its parts", async () => {
    expect(
      await rows(
        `select status, trim_scale(amount_ours), trim_scale(amount_theirs), right(reference, 2) from reconciliation.bank_rows
         where reference like 'content-%' order by 2, 4`,
      ),
    ).toEqual(["matched|6|6|-1", "matched|6|6|-2", "matched|7|7|-1"]);
    expect(await rows("select count(*) from reconciliation.bank_rows where reference like 'NO-%'")).toEqual(["0"]);
  });
});

test("4.3: what TxsSummry says is checked, and a statement that is in its file twice", async () => {
  expect(
    await rows(
      "select statement_id, check_name, expected, found from reconciliation.statement_checks where not is_ok order by 1, 2",
    ),
  ).toEqual([
    "D|delivered once|1|2",
    "D|opening and entries make closing|1.00|2.00",
    "K|number of debits|1|0",
    "K|number of entries|9|8",
    "K|sum of credits|35.00|34.00",
    "K|sum of debits|1.00|0",
  ]);
  expect(await rows("select status, n_theirs from reconciliation.bank_rows where account = 'TWICE'")).toEqual([
    "duplicate|2",
  ]);
});

test("4.2: the inputs are told, with the checksum of each file, and the rules", async () => {
  const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");
  expect(
    await rows(
      "select side, stream, path, checksum, row_count from reconciliation.inputs where row_count > 1 order by 1, 2, 3",
    ),
  ).toEqual([
    "ours|records|∅|∅|8",
    `theirs|balances|camt053-keys.xml|${sha256(first.keys)}|2`,
    `theirs|balances|camt053-twice.xml|${sha256(first.twice)}|4`,
    `theirs|entries|camt053-keys.xml|${sha256(first.keys)}|8`,
    `theirs|entries|camt053-twice.xml|${sha256(first.twice)}|2`,
  ]);
  expect(
    await rows(
      "select column_name, kind, currency_column, abs_tol, time_tol, normalize, is_blocking from reconciliation.bank_rules order by position",
    ),
  ).toEqual([
    "amount|money|currency|0|∅|∅|t",
    "currency|text|∅|∅|∅|trim, upper|t",
    "booked_on|date|∅|∅|3 days|∅|t",
    "counterparty|text|∅|∅|∅|trim, spaces, upper|f",
  ]);
});

test("4.2: the same inputs give the same results", async () => {
  const results = "select rows::text from reconciliation.bank_rows as rows order by 1";
  const before = await rows(results);
  await ingest(...inputs);
  await run();
  expect(await rows(results)).toEqual(before);
});

test("4.2: decisions are only added, and of several about one proposal the last counts", async () => {
  const [id] = await rows("select proposal_id from reconciliation.bank_proposals where reference = 'END'");
  const header = "proposal_id,decision,decided_by,decided_on,comment\n";
  product.put({
    "decisions/late.csv": header + decision(id!, "reject", "2026-04-02"),
    "decisions/later.csv": header + decision(id!, "accept", "2026-04-01"),
  });
  await ingest("reconciliation_decisions");
  await run();
  expect(await rows("select state, decided_on, apply_statement from reconciliation.corrections")).toEqual([
    "rejected|2026-04-02|∅",
  ]);
  expect(await rows("select count(*) from history.reconciliation_decided")).toEqual(["2"]);
});

test("4.3: a newer version of a file takes the place of the one before, which is set aside with the reason", async () => {
  product.put({ "bank/camt053-keys.xml": `${keys("3.50", "34.50")}<!-- corrected -->` });
  await ingest("reconciliation");
  await run();
  expect(
    await rows(
      "select status, trim_scale(amount_theirs), trim_scale(amount_diff) from reconciliation.bank_rows where reference = 'END'",
    ),
  ).toEqual(["matched|3.5|0"]);
  expect(await rows("select reason, path, row_count from reconciliation.set_aside")).toEqual([
    "a newer version of the file has landed|camt053-keys.xml|8",
  ]);
  expect(await rows("select count(*) from reconciliation.inputs where path = 'camt053-keys.xml'")).toEqual(["3"]);
});

const part = (reference: string, amount: string, more = "") =>
  `${refs({ EndToEndId: reference, ...(more ? { PmtInfId: more } : {}) })}<Amt Ccy="EUR">${amount}</Amt>`;
const servicer = (reference: string) => `<AcctSvcrRef>${reference}</AcctSvcrRef>`;
const batchOf = (name: string) => `<NtryDtls><Btch><PmtInfId>${name}</PmtInfId><NbOfTxs>2</NbOfTxs></Btch></NtryDtls>`;
/** Batches as banks book them: with their transactions, or as a sum alone. */
const batches = [
  ntry("10.00", { of: servicer("E1") + details(part("T1", "4.00"), part("T2", "6.00")) }),
  ntry("20.00", { of: servicer("E2") + details(part("T3", "5.00"), part("T4", "15.00")) }),
  ntry("31.00", { of: servicer("E3") + details(part("T5", "10.00"), part("T6", "20.00")) }),
  ntry("40.00", { of: servicer("E4") + batchOf("PAY-1") }),
  ntry("50.00", { of: servicer("E5") + batchOf("PAY-2") }),
  ntry("60.00", { of: servicer("E6") }),
  ntry("70.00", { of: servicer("E7") }),
  ntry("80.00", { of: servicer("E8") }),
  ntry("90.00", { of: servicer("E9") }),
];

describe("statements of banks as they are", () => {
  beforeAll(async () => {
    const own = (
      account: string,
      reference: string,
      cents: bigint,
      bookedOn: string,
      { currency = "EUR", batch }: { currency?: string; batch?: string } = {},
    ) => ({
      ...(batch === undefined ? {} : { batch }),
      recordId: `${account} ${reference} ${cents}`,
      account,
      reference,
      cents,
      currency,
      bookedOn,
      counterparty: "",
      remittance: "",
    });
    product.put(
      Object.fromEntries(
        Object.entries(oddStatements).map(([name, one]) => [`bank/camt053-as-${name}.xml`, file(...one)]),
      ),
    );
    product.put({ "bank/camt053-batches.xml": file(statement("B", "BATCH", ["0.00", "451.00"], batches.join(""))) });
    const batched = (reference: string, cents: bigint, batch?: string, day = "2026-03-02") =>
      own("BATCH", reference, cents, day, batch === undefined ? {} : { batch });
    await product.own([
      ...[batched("T1", 400n), batched("T2", 600n), batched("E2", 2_000n), batched("T5", 1_000n)],
      ...[batched("R1", 1_500n, "PAY-1"), batched("R2", 2_500n, "PAY-1", "2026-03-20"), batched("R3", 4_700n, "PAY-2")],
      ...[batched("R4", 6_000n, undefined, "2026-03-04"), batched("R5", 6_900n), batched("R6", 100n)],
      ...[batched("R7", 8_000n), batched("R8", 8_000n), batched("E9", 4_400n), batched("E9", 4_600n)],
      own("PAGED", "P1", 100n, "2026-03-02"),
      own("PAGED", "P2", 200n, "2026-03-02"),
      own("NL12ABC", "B1", 100n, "2026-04-01"),
      own("NL12ABC", "B2", 100n, "2026-04-01"),
      own("nl12 ABC", "B3 ", 200n, "2026-03-31"),
      own("MULTI", "M1", 100n, "2026-03-31"),
      own("MULTI", "M3", 100n, "2026-03-20"),
      own("MULTI", "M4", 100n, "2026-03-20", { currency: "USD" }),
      own("MULTI", "M5", 100n, "2026-03-01", { currency: "GBP" }),
      own("REVERSED", "V", -500n, "2026-03-10"),
      own("REVERSED", "V", 500n, "2026-03-10"),
    ]);
    await ingest("reconciliation", "reconciliation_records");
    await run();
  }, 60_000);

  const results = (accounts: string) =>
    rows(
      `select account, reference, status from reconciliation.bank_rows where account in (${accounts}) order by 1, 2`,
    );
  const failing = (accounts: string) =>
    rows(
      `select path, statement_id, check_name, expected, found from reconciliation.statement_checks
       where not is_ok and account in (${accounts}) order by 1, 2, 3`,
    );

  test("pages belong together, and one that is delivered again counts once", async () => {
    expect(await results("'PAGED'")).toEqual(["PAGED|P1|matched", "PAGED|P2|matched"]);
    expect(await failing("'PAGED'")).toEqual([
      "camt053-as-page2.xml|1|delivered once|1|2",
      "camt053-as-page2again.xml|1|delivered once|1|2",
    ]);
    expect(await rows("select reason, row_count from reconciliation.set_aside where account = 'PAGED'")).toEqual([
      "the statement was delivered again|1",
    ]);
  });

  test("a batch is matched by its transactions, as the whole that we have, or by the sum of our records", async () => {
    expect(
      await rows(
        `select reference, status, match_pass, confidence, match_note from reconciliation.bank_rows
         where account = 'BATCH' order by reference`,
      ),
    ).toEqual([
      "E2|matched|key|certain|∅",
      "E3|missing_in_ours|∅|∅|∅",
      "E4|matched_by_pass|batch|high|∅",
      "E5|missing_in_ours|batch|∅|sum_differs",
      "E6|matched_by_pass|amount and day|medium|∅",
      "E7|matched_by_pass|sum|low|∅",
      "E8|missing_in_ours|amount and day|∅|ambiguous",
      "E9|matched_by_pass|one reference|high|∅",
      "R1|matched_by_pass|batch|high|∅",
      "R2|matched_by_pass|batch|high|∅",
      "R3|missing_in_theirs|batch|∅|sum_differs",
      "R4|matched_by_pass|amount and day|medium|∅",
      "R5|matched_by_pass|sum|low|∅",
      "R6|matched_by_pass|sum|low|∅",
      "R7|missing_in_theirs|amount and day|∅|ambiguous",
      "R8|missing_in_theirs|amount and day|∅|ambiguous",
      "T1|matched|key|certain|∅",
      "T2|matched|key|certain|∅",
      "T5|missing_in_theirs|∅|∅|∅",
    ]);
    // the transactions of E3 add up to something else: it stays one
    expect(await failing("'BATCH'")).toEqual(["camt053-batches.xml|B|transactions make entries|0|1"]);
    expect(
      await rows(
        `select distinct reference, proposed_action from reconciliation.bank_proposals where account = 'BATCH' and reference like 'E%' order by 1`,
      ),
    ).toEqual(["E3|insert", "E5|investigate", "E8|investigate"]);
    expect(await rows("select count(*) from reconciliation.open_items where account = 'BATCH'")).toEqual(["7"]);
  });

  test("a name that the bank gives to several statements loses no entry, in files of their own or in one", async () => {
    expect(await results("'REUSED', 'ONEFILE'")).toEqual([
      "ONEFILE|O1|missing_in_ours",
      "ONEFILE|O2|missing_in_ours",
      "REUSED|R1|missing_in_ours",
      "REUSED|R2|missing_in_ours",
      "REUSED|R3|missing_in_ours",
    ]);
    expect(await rows("select * from reconciliation.set_aside where account in ('REUSED', 'ONEFILE')")).toEqual([]);
    // of one name, number and day, with other entries: both count, and it is told
    expect(await failing("'REUSED', 'ONEFILE'")).toEqual([
      "camt053-as-reused2.xml|1|delivered once|1|2",
      "camt053-as-reused3.xml|1|delivered once|1|2",
    ]);
  });

  test("a statement follows the one before by its number, which may begin anew in January, or by its balances", async () => {
    expect(await failing("'CHAIN', 'YEARS'")).toEqual([
      "camt053-as-chain.xml|C|opens where the one before closed|3|4",
      "camt053-as-years.xml|1|follows the statement before|3|4",
    ]);
  });

  test("a reversal is shown beside the entry that it takes back", async () => {
    expect(
      await rows(
        `select account, reference, trim_scale(amount), candidates, found_by, original_reference, original_booked_on
         from reconciliation.reversals`,
      ),
    ).toEqual(["REVERSED|V|5|1|reference|V|2026-03-10"]);
  });

  test("what is open has an age, until the last day that the bank has told of", async () => {
    expect(
      await rows(
        `select account, reference, status, booked_on, told_until, age_days, age, currency from reconciliation.open_items
         where account in ('MULTI', 'NL12ABC', 'YEARS') order by 1, 2`,
      ),
    ).toEqual([
      "MULTI|M2|missing_in_ours|2026-03-10|2026-03-31|21|8 to 30 days|USD",
      "MULTI|M3|missing_in_theirs|2026-03-20|2026-03-31|11|8 to 30 days|EUR",
      "NL12ABC|B3|mismatched|2026-03-31|2026-03-31|0|0 to 7 days|EUR",
      "YEARS|Y0|missing_in_ours|2025-12-31|2026-01-05|5|0 to 7 days|EUR",
    ]);
  });

  test("accounts are compared without blanks and case, and a record is set aside only where the bank has not told of it", async () => {
    expect(await results("'NL12ABC', 'MULTI'")).toEqual([
      "MULTI|M1|matched",
      "MULTI|M2|missing_in_ours",
      "MULTI|M3|missing_in_theirs",
      "NL12ABC|B1|matched_within_tolerance",
      "NL12ABC|B3|mismatched",
    ]);
    expect(
      await rows("select account, currency, reason from reconciliation.set_aside where side = 'ours' order by 1, 2"),
    ).toEqual([
      "MULTI|GBP|no statement of the account in this currency",
      "MULTI|USD|after the last statement",
      "NL12ABC|EUR|after the last statement",
    ]);
    expect(
      await rows("select distinct account_given from history.reconciliation_bank_entries where account = 'NL12ABC'"),
    ).toEqual(["nl 12 abc"]);
  });

  test("a correction names our row by the account and reference that our system has, and is told while it is not applied", async () => {
    const [id] = await rows("select proposal_id from reconciliation.bank_proposals where reference = 'B3'");
    product.put({
      "decisions/stored.csv": `proposal_id,decision,decided_by,decided_on,comment\n${decision(id!, "accept", "2026-04-03")}`,
    });
    await ingest("reconciliation_decisions");
    await ingest("reconciliation_records");
    await ingest("reconciliation_records");
    const { stderr } = await product.dataform("run", "--tags", "reconciliation");
    expect(stderr).toMatch(/reconciliation_corrections_are_usual \(1 row/);
    const [statement] = await rows("select apply_statement from reconciliation.corrections where reference = 'B3'");
    await product.client.script(script(statement!));
    expect(await rows("select account, reference, amount from ledger_payments where reference = 'B3 '")).toEqual([
      "nl12 ABC|B3 |1.00000",
    ]);
    await ingest("reconciliation_records");
    const after = await product.dataform("run", "--tags", "reconciliation");
    expect(after.stderr).not.toContain("corrections_are_usual (");
    expect(await rows(`select state from reconciliation.corrections where proposal_id = '${id}'`)).toEqual(["applied"]);
  });

  test("a reversal under the payment's reference, a statement twice in a file and one without account hold nothing back", async () => {
    expect(await results("'REVERSED', 'TOTALS', ''")).toEqual([
      "|N1|no_key",
      "REVERSED|V|duplicate",
      "TOTALS|T1|duplicate",
    ]);
    expect(
      await rows(
        "select trim_scale(amount), n_equal from reconciliation.bank_duplicates where account = 'REVERSED' order by 1",
      ),
    ).toEqual(["-5|1", "5|1"]);
  });
});

test("a load that is taken back and files that land once more as they are hold nothing back", async () => {
  const [load] = await rows(
    "select load_id from history.reconciliation_files where stream = 'entries' and path = 'camt053-as-reused3.xml'",
  );
  await ingest("strike", load!, "--why", "sent by mistake");
  await run();
  expect(await rows("select reason, row_count from reconciliation.set_aside where account = 'REUSED'")).toEqual([
    "the load was taken back|1",
  ]);
  await ingest("strike", load!, "--undo");
  await ingest("reconciliation", "--full");
  await run();
  expect(await rows("select reference from reconciliation.bank_rows where account = 'REUSED' order by 1")).toEqual([
    "R1",
    "R2",
    "R3",
  ]);
  expect(
    await rows("select sum(deliveries) from history.reconciliation_statements where counts and account = 'PAGED'"),
  ).toEqual(["3"]);
});

test("4.4: a file that is cut, or is another message, lands nothing and leaves the results as they are", async () => {
  const before = await rows("select count(*) from raw.reconciliation_entries");
  const other = file(statement("N", ACCOUNT, ["0.00", "1.00"], ntry("1.00")))
    .replaceAll("BkToCstmrStmt", "BkToCstmrDbtCdtNtfctn")
    .replaceAll("Stmt>", "Ntfctn>");
  product.put({ "bank/camt053-cut.xml": first.keys.slice(0, -30), "bank/camt053-other.xml": other });
  const landed = await product.dataform("ingest", "reconciliation");
  expect(landed.exitCode).toBe(1);
  expect(landed.stderr).toContain("camt053-cut.xml");
  expect(landed.stderr).toContain("camt053-other.xml");
  expect(await rows("select count(*) from raw.reconciliation_entries")).toEqual(before);
});
