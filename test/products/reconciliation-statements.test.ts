import { afterAll, beforeAll, expect, test } from "vitest";
import { script } from "../../src/sql/authored.ts";
import { oddStatements } from "../support/bank-statements.ts";
import { details, file, ntry, refs, statement } from "../support/camt053.ts";
import { decision, inputs, type ReconciliationProject, reconciliationProject } from "../support/reconciliation.ts";

// Statements of banks as they are: in pages, twice, with batches, with names that are used again.

let product: ReconciliationProject;
let rows: ReconciliationProject["rows"];

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

/** What the bank booked on the last day that it has told of. */
const lastDay = { day: "<Dt>2026-03-31</Dt>" };
const late = [
  ntry("1.00", { of: servicer("BANK-1"), ...lastDay }),
  ntry("3.00", { of: servicer("BANK-3") + batchOf("PAY-9"), ...lastDay }),
  ntry("4.00", { of: servicer("BOTH"), ...lastDay }),
  ntry("7.00", { of: servicer("BANK-7"), ...lastDay }),
];

beforeAll(async () => {
  product = await reconciliationProject();
  rows = product.rows;
  product.put({ "decisions/none.csv": "proposal_id,decision,decided_by,decided_on,comment\n" });
  const own = (
    account: string,
    reference: string,
    cents: bigint,
    bookedOn: string,
    { currency = "EUR", batch }: { currency?: string; batch?: string } = {},
  ) => ({
    ...(batch === undefined ? {} : { batch }),
    recordId: `${account} ${reference} ${cents} ${bookedOn}`,
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
  product.put({ "bank/camt053-late.xml": file(statement("L", "LATE", ["0.00", "15.00"], late.join(""))) });
  const batched = (reference: string, cents: bigint, batch?: string, day = "2026-03-02") =>
    own("BATCH", reference, cents, day, batch === undefined ? {} : { batch });
  await product.own([
    ...[batched("T1", 400n), batched("T2", 600n), batched("E2", 2_000n), batched("T5", 1_000n)],
    ...[batched("R1", 1_500n, "PAY-1"), batched("R2", 2_500n, "PAY-1", "2026-03-20"), batched("R3", 4_700n, "PAY-2")],
    ...[batched("R4", 6_000n, undefined, "2026-03-04"), batched("R5", 6_900n), batched("R6", 100n)],
    ...[batched("R7", 8_000n), batched("R8", 8_000n), batched("E9", 4_400n), batched("E9", 4_600n)],
    ...[own("LATE", "L1", 100n, "2026-04-01"), own("LATE", "L2", 200n, "2026-04-01")],
    own("LATE", "L3", 100n, "2026-04-09", { batch: "PAY-9" }),
    own("LATE", "L4", 200n, "2026-03-30", { batch: "PAY-9" }),
    ...[own("LATE", "BOTH", 400n, "2026-04-02"), own("LATE", "L7", 700n, "2026-04-04")],
    ...[own("LATE", "RENT", 550n, "2026-03-30"), own("LATE", "RENT", 550n, "2026-04-30")],
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
  await product.ingest(...inputs);
  await product.run();
}, 60_000);

afterAll(() => product?.close());

const results = (accounts: string) =>
  rows(`select account, reference, status from reconciliation.bank_rows where account in (${accounts}) order by 1, 2`);
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
  expect(await failing("'CHAIN', 'YEARS', 'CUT'")).toEqual([
    "camt053-as-chain.xml|C|opens where the one before closed|3|4",
    "camt053-as-cut.xml|1|opening and entries make closing|∅|1",
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
    "MULTI|M4|not_due",
    "MULTI|M5|not_due",
    "NL12ABC|B1|matched_within_tolerance",
    "NL12ABC|B2|not_due",
    "NL12ABC|B3|mismatched",
  ]);
  expect(
    await rows(
      "select account, currency, reason from reconciliation.set_aside where side = 'ours' and account <> 'LATE' order by 1, 2",
    ),
  ).toEqual([
    "MULTI|GBP|no statement of the account in this currency",
    "MULTI|USD|after the last statement",
    "NL12ABC|EUR|after the last statement",
  ]);
  expect(
    await rows("select distinct account_given from history.reconciliation_bank_entries where account = 'NL12ABC'"),
  ).toEqual(["nl 12 abc"]);
});

test("our record of a day after the last statement is matched like any other, and is not due where nothing matches it", async () => {
  expect(
    await rows(
      `select reference, status, match_pass, confidence from reconciliation.bank_rows where account = 'LATE' order by 1`,
    ),
  ).toEqual([
    "BANK-1|matched_by_pass|amount and day|medium",
    "BANK-3|matched_by_pass|batch|high",
    "BANK-7|missing_in_ours|∅|∅",
    "BOTH|matched_within_tolerance|key|certain",
    "L1|matched_by_pass|amount and day|medium",
    "L2|not_due|∅|∅",
    "L3|matched_by_pass|batch|high",
    "L4|matched_by_pass|batch|high",
    "L7|not_due|∅|∅",
    "RENT|missing_in_theirs|∅|∅",
  ]);
  // what is due is asked for, also where its reference is to come again; what is not due is proposed to nobody
  expect(
    await rows(
      "select reference, proposed_action from reconciliation.bank_proposals where account = 'LATE' order by reference",
    ),
  ).toEqual(["BANK-7|insert", "RENT|investigate"]);
  expect(await rows("select reference from reconciliation.open_items where account = 'LATE' order by 1")).toEqual([
    "BANK-7",
    "RENT",
  ]);
  expect(
    await rows("select reason, row_count, trim_scale(amount) from reconciliation.set_aside where account = 'LATE'"),
  ).toEqual(["after the last statement|3|14.5"]);
  expect(
    await rows(
      "select keys, trim_scale(amount_ours) from reconciliation.bank_summary where status = 'not_due' and currency = 'EUR'",
    ),
  ).toEqual(["3|10"]);
});

test("a correction names our row by the account and reference that our system has, and is told while it is not applied", async () => {
  const [id] = await rows("select proposal_id from reconciliation.bank_proposals where reference = 'B3'");
  product.put({
    "decisions/stored.csv": `proposal_id,decision,decided_by,decided_on,comment\n${decision(id!, "accept", "2026-04-03")}`,
  });
  await product.ingest("reconciliation_decisions");
  await product.ingest("reconciliation_records");
  await product.ingest("reconciliation_records");
  const { stderr } = await product.dataform("run", "--tags", "reconciliation");
  expect(stderr).toMatch(/reconciliation_corrections_are_usual \(1 row/);
  const [statement] = await rows("select apply_statement from reconciliation.corrections where reference = 'B3'");
  await product.client.script(script(statement!));
  expect(await rows("select account, reference, amount from ledger_payments where reference = 'B3 '")).toEqual([
    "nl12 ABC|B3 |1.00000",
  ]);
  await product.ingest("reconciliation_records");
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

test("a load that is taken back and files that land once more as they are hold nothing back", async () => {
  const [load] = await rows(
    "select load_id from history.reconciliation_files where stream = 'entries' and path = 'camt053-as-reused3.xml'",
  );
  await product.ingest("strike", load!, "--why", "sent by mistake");
  await product.run();
  expect(await rows("select reason, row_count from reconciliation.set_aside where account = 'REUSED'")).toEqual([
    "the load was taken back|1",
  ]);
  await product.ingest("strike", load!, "--undo");
  await product.ingest("reconciliation", "--full");
  await product.run();
  expect(await rows("select reference from reconciliation.bank_rows where account = 'REUSED' order by 1")).toEqual([
    "R1",
    "R2",
    "R3",
  ]);
  expect(
    await rows("select sum(deliveries) from history.reconciliation_statements where counts and account = 'PAGED'"),
  ).toEqual(["3"]);
});
