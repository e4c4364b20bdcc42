import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { details, file, ntry, refs, statement } from "../support/camt053.ts";
import { decision, inputs, type ReconciliationProject, reconciliationProject } from "../support/reconciliation.ts";

// A statement with an entry of each kind, made for the rules of domain.md that the demonstration's data do not show.
const ACCOUNT = "NL91ABNA0417164300";

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

const first = { keys: keys("3.00", "34.00"), twice: file(twice, twice) };
let product: ReconciliationProject;
let rows: ReconciliationProject["rows"];

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
  await product.ingest(...inputs);
  await product.run();
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
  await product.ingest(...inputs);
  await product.run();
  expect(await rows(results)).toEqual(before);
});

test("4.2: decisions are only added, and of several about one proposal the last counts", async () => {
  const [id] = await rows("select proposal_id from reconciliation.bank_proposals where reference = 'END'");
  const header = "proposal_id,decision,decided_by,decided_on,comment\n";
  product.put({
    "decisions/late.csv": header + decision(id!, "reject", "2026-04-02"),
    "decisions/later.csv": header + decision(id!, "accept", "2026-04-01"),
  });
  await product.ingest("reconciliation_decisions");
  await product.run();
  expect(await rows("select state, decided_on, apply_statement from reconciliation.corrections")).toEqual([
    "rejected|2026-04-02|∅",
  ]);
  expect(await rows("select count(*) from history.reconciliation_decided")).toEqual(["2"]);
});

test("4.3: a newer version of a file takes the place of the one before, which is set aside with the reason", async () => {
  product.put({ "bank/camt053-keys.xml": `${keys("3.50", "34.50")}<!-- corrected -->` });
  await product.ingest("reconciliation");
  await product.run();
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
