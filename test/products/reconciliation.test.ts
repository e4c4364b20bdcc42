import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { planted, reconciliationData } from "../../ingest/demos/reconciliation-data.ts";
import { script } from "../../src/sql/authored.ts";
import { inputs, type ReconciliationProject, reconciliationProject } from "../support/reconciliation.ts";

// The bank's files and our records of the demonstration, once for all tests of this file. Numbers are those of domain.md.
const { records, files } = reconciliationData();
const bankFiles = Object.fromEntries(Object.entries(files).map(([name, content]) => [`bank/${name}`, content]));
const noDecisions = { "decisions/none.csv": "proposal_id,decision,decided_by,decided_on,comment\n" };
let product: ReconciliationProject;
let rows: ReconciliationProject["rows"];

async function landAndRun(made: ReconciliationProject): Promise<void> {
  await made.ingest(...inputs);
  const run = await made.dataform("run", "--tags", "reconciliation");
  // the statements that do not foot are told, and hold nothing back
  expect(run.stderr).toMatch(/Done: \d+ ok, 1 warned, 0 failed, 0 held, 0 skipped/);
}

beforeAll(async () => {
  product = await reconciliationProject();
  rows = product.rows;
  product.put({ ...bankFiles, ...noDecisions });
  await product.own(records);
  await landAndRun(product);
}, 180_000);

afterAll(() => product?.close());

test("4.2: every key has one status, and what was planted has the one it should", async () => {
  expect(
    await rows(
      `select reference, status, n_ours, n_theirs, array_to_string(diff_columns || within_tolerance_columns, ',')
       from reconciliation.bank_rows where status <> 'matched' order by reference`,
    ),
  ).toEqual(
    [
      `${planted.amount}|mismatched|1|1|amount`,
      `${planted.late}|matched_within_tolerance|1|1|booked_on`,
      `${planted.tooLate}|mismatched|1|1|booked_on`,
      `${planted.formula}|mismatched|1|1|amount`,
      `${planted.twiceInTheirs}|duplicate|1|2|`,
      `${planted.missingInOurs}|missing_in_ours|0|1|`,
      `${planted.missingInTheirs}|missing_in_theirs|1|0|`,
      `${planted.afterLastStatement}|not_due|1|0|`,
      `${planted.currency}|mismatched|1|1|amount,currency`,
      `${planted.yen}|mismatched|1|1|amount`,
    ].sort(),
  );
  expect(await rows("select count(*) from reconciliation.bank_rows where status = 'no_key'")).toEqual(["0"]);
});

test("4.2: rows that match are kept without their content, and have empty lists", async () => {
  expect(
    await rows(
      `select count(*) > 300, bool_and(diff_columns = '{}'), count(*) filter (where ours is not null)
       from reconciliation.bank_rows where status = 'matched'`,
    ),
  ).toEqual(["t|t|2"]);
  expect(
    await rows(`select outcomes, ours ->> 'counterparty', theirs ->> 'counterparty' from reconciliation.bank_rows
      where reference = '${planted.otherCase}'`),
  ).toEqual(["eeee|Stadtwerke Köln|STADTWERKE KÖLN"]);
});

test("4.2: every source row is counted once, and the sums of both sides are explained in each currency", async () => {
  expect(
    await rows(
      `select currency, sum(keys), sum(rows_ours), sum(rows_theirs), sum(amount_theirs) - sum(amount_ours) = sum(amount_diff)
       from reconciliation.bank_summary group by currency order by currency`,
    ),
  ).toEqual(["EUR|243|243|242|t", "JPY|120|120|120|t", "USD|1|0|1|t"]);
  expect(await rows("select (select count(*) from ledger_payments)")).toEqual(["363"]);
  expect(
    await rows(
      `select summary.currency, sum(amount_ours) = ours from reconciliation.bank_summary as summary
       inner join (select currency, sum(amount) as ours from ledger_payments group by 1) as own
       using (currency) group by 1, ours order by 1`,
    ),
  ).toEqual(["EUR|t", "JPY|t"]);
});

test("4.2: the outcomes of each column add up to the pairs compared", async () => {
  expect(
    await rows(
      `select column_name, compared, equal, both_null, null_in_ours, null_in_theirs, within_tolerance, different, match_pct
       from reconciliation.bank_columns order by position`,
    ),
  ).toEqual([
    "amount|360|356|0|0|0|0|4|98.8888",
    "currency|360|359|0|0|0|0|1|99.7222",
    "booked_on|360|358|0|0|0|1|1|99.7222",
    "counterparty|360|358|0|0|1|0|1|99.4444",
  ]);
});

test("4.3: both versions of camt.053 and the plain file give the same columns; a reversal keeps the sign of its indicator", async () => {
  expect(
    await rows(
      `select path, key_source, count(*), count(counterparty) from history.reconciliation_bank_entries
       where set_aside is null group by 1, 2 order by 1, 2`,
    ),
  ).toEqual([
    "camt053-new.xml|end_to_end_id|120|120",
    "camt053-old.xml|content|1|1",
    "camt053-old.xml|end_to_end_id|122|121",
    "payments-plain.xml|payment_id|120|120",
  ]);
  expect(await rows(`select status from reconciliation.bank_rows where reference = '${planted.reversal}'`)).toEqual([
    "matched",
  ]);
});

test("4.3: a reversal of what no statement has is shown without an original", async () => {
  expect(
    await rows("select reference, candidates, found_by, original_reference from reconciliation.reversals"),
  ).toEqual([`${planted.reversal}|0|∅|∅`]);
});

test("4.3: an entry without a reference is found by what it says", async () => {
  expect(
    await rows(
      `select status, n_ours, n_theirs from reconciliation.bank_rows where reference like 'content-%' order by 1`,
    ),
  ).toEqual(["matched|1|1"]);
});

test("4.3: statements are checked: balances, transactions, numbers in a row, copies, currency", async () => {
  const failed = await rows(
    "select path, statement_id, check_name, expected, found from reconciliation.statement_checks where not is_ok order by 1, 2, 3",
  );
  expect(failed).toEqual([
    "camt053-new-again.xml|B-7|delivered once|1|2",
    "camt053-new-again.xml|B-7|entries are in the currency of the account|0|1",
    "camt053-new-again.xml|B-7|is the original|0|1",
    "camt053-new.xml|B-7|delivered once|1|2",
    "camt053-new.xml|B-7|entries are in the currency of the account|0|1",
    "camt053-new.xml|B-9|follows the statement before|8|9",
    "camt053-new.xml|B-9|opening and entries make closing|0.00|141366.30",
    "camt053-new.xml|B-9|opens where the one before closed|55338.30|10000.00",
    "camt053-new.xml|B-9|transactions make entries|0|1",
  ]);
  expect(await rows("select count(distinct check_name) from reconciliation.statement_checks where is_ok")).toEqual([
    "10",
  ]);
});

test("4.3: a statement delivered again, what is not booked and what the bank cannot know yet are set aside, with the reason", async () => {
  expect(
    await rows(
      "select side, reason, path, sum(row_count) from reconciliation.set_aside group by 1, 2, 3 order by 1, 2",
    ),
  ).toEqual([
    "ours|after the last statement|∅|1",
    "theirs|not booked: PDNG|camt053-new.xml|1",
    "theirs|the statement was delivered again|camt053-new-again.xml|60",
  ]);
});

test("every mart has a description and described columns, and none has a floating point number", async () => {
  expect(
    await rows(
      `select c.relname || coalesce('.' || a.attname, '') from pg_class c
       join pg_namespace n on n.oid = c.relnamespace
       left join pg_attribute a on a.attrelid = c.oid and a.attnum > 0
       where n.nspname = 'reconciliation' and c.relname <> 'bank_store'
         and (col_description(c.oid, coalesce(a.attnum, 0)) is null or obj_description(c.oid) is null)`,
    ),
  ).toEqual([]);
  expect(
    await rows(
      "select table_name, column_name from information_schema.columns where table_schema = 'reconciliation' and data_type in ('real', 'double precision')",
    ),
  ).toEqual([]);
});

describe("corrections", () => {
  test("go from exported proposals by decisions of people to our records and are gone when they are applied", async () => {
    await product.dataform(
      "export",
      "reconciliation.bank_proposals",
      product.path("proposals.csv"),
      "--to",
      "csv",
      "--order-by",
      "status, account, reference, column_name",
    );
    const [header, ...lines] = readFileSync(product.path("proposals.csv"), "utf8").trim().split(/\r?\n/);
    // a spreadsheet must not run what a bank sent
    expect(lines.find((line) => line.includes(planted.formula))).toContain(",'-2628.27,");
    const decide = (line: string) => {
      if (line.includes(planted.formula)) return `${line},accept,Ada,2026-04-01,`;
      if (line.includes(planted.missingInOurs)) return `${line},accept,Ada,2026-04-01,`;
      if (line.includes(planted.amount)) return `${line},reject,Ada,2026-04-01,the bank is wrong`;
      if (line.includes(planted.tooLate)) return `${line},accept,,2026-04-01,`;
      return `${line},,,,`;
    };
    const decided = [`${header},decision,decided_by,decided_on,comment`, ...lines.map(decide)].join("\n");
    product.put({ "decisions/april.csv": `${decided}\n` });
    await product.ingest("reconciliation_decisions");
    const run = await product.dataform("run", "--tags", "reconciliation");
    // a decision by nobody is told, and not applied
    expect(run.stderr).toMatch(/2 warned, 0 failed/);
    const states =
      "select reference, state, apply_statement is not null, our_value, decided_by, comment from reconciliation.corrections order by 1";
    expect(await rows(states)).toEqual([
      `${planted.amount}|rejected|f|801.9|Ada|the bank is wrong`,
      `${planted.formula}|accepted|t|-2623.27|Ada|∅`,
      `${planted.missingInOurs}|accepted|t|∅|Ada|∅`,
    ]);
    expect(
      await rows(
        "select reference, amount, is_corrected, is_added from reconciliation.records_corrected where is_corrected or is_added order by 1",
      ),
    ).toEqual([`${planted.formula}|-2628.27|t|f`, `${planted.missingInOurs}|43|f|t`]);
    expect(await rows("select count(*) from reconciliation.records_corrected")).toEqual(["364"]);

    const statements = await rows("select apply_statement from reconciliation.corrections where state = 'accepted'");
    for (const statement of statements) await product.client.script(script(statement));
    expect(await rows(`select amount from ledger_payments where reference = '${planted.formula}'`)).toEqual([
      "-2628.27000",
    ]);
    await product.dataform("ingest", "reconciliation_records");
    const applied = await product.dataform("run", "--tags", "reconciliation");
    expect(applied.stderr).toContain("reconciliation_decisions_are_usual (1 row");
    expect(await rows("select reference, state, apply_statement from reconciliation.corrections order by 1")).toEqual([
      `${planted.amount}|rejected|∅`,
      `${planted.formula}|applied|∅`,
      `${planted.missingInOurs}|applied|∅`,
    ]);
    expect(
      await rows(`select status from reconciliation.bank_rows where reference = '${planted.missingInOurs}'`),
    ).toEqual(["matched"]);
  });

  test("what is replayed of the newest records counts beside them", async () => {
    const before = await rows("select count(*) from history.reconciliation_own_records");
    await product.client.script(
      script(`
        insert into raw._load overriding system value
        select (jsonb_populate_record(loads, jsonb_build_object('load_id', load_id + 1000, 'rows', 1, 'replay_of', load_id))).*
        from raw._load as loads
        where source = 'reconciliation_records' and status = 'loaded' order by load_id desc limit 1;
        update raw._load as loads set rows = loads.rows - 1 from raw._load as replays where replays.replay_of = loads.load_id;
        update raw.reconciliation_records set _load_id = _load_id + 1000
        where (_load_id, _row_no) = (select _load_id, min(_row_no) from raw.reconciliation_records
          where _load_id = (select max(_load_id) from raw.reconciliation_records) group by _load_id)`),
    );
    // and a decision by nobody is not told any more when its file is taken back
    const [decisions] = await rows("select max(load_id) from raw._load where source = 'reconciliation_decisions'");
    await product.dataform("ingest", "strike", decisions!, "--why", "nobody decided it");
    const { stderr } = await product.dataform("run", "--tags", "reconciliation");
    expect(stderr).not.toContain("reconciliation_decisions_are_usual (");
    expect(await rows("select count(*) from history.reconciliation_own_records")).toEqual(before);
    expect(await rows("select count(*) from reconciliation.inputs where side = 'ours'")).toEqual(["2"]);
  });

  test("our records that vanish from raw keep the results of before, and make none missing", async () => {
    const results = await rows("select status, count(*) from reconciliation.bank_rows group by 1 order by 1");
    await product.client.script(
      script("create table raw.aside as select * from raw.reconciliation_records; truncate raw.reconciliation_records"),
    );
    const { exitCode, stderr } = await product.dataform("run", "--tags", "reconciliation");
    expect([exitCode, stderr]).toEqual([1, expect.stringContaining("reconciliation_set_nothing_aside_unseen")]);
    expect(await rows("select status, count(*) from reconciliation.bank_rows group by 1 order by 1")).toEqual(results);
    await product.client.script(
      script("insert into raw.reconciliation_records select * from raw.aside; drop table raw.aside"),
    );
  });

  test("the row results leave as a sorted CSV file", async () => {
    const path = product.path("rows.csv");
    const report = await product.dataform(
      "export",
      "reconciliation.bank_rows",
      path,
      "--to",
      "csv",
      "--order-by",
      "status, account, reference",
    );
    expect(report.exitCode).toBe(0);
    const [header, first] = readFileSync(path, "utf8").split(/\r?\n/);
    expect(header).toMatch(/^account,reference,status,n_ours,n_theirs,/);
    expect(first).toContain(`${planted.twiceInTheirs},duplicate,1,2,`);
  });
});

test("4.3, 4.4: entries that cannot be are rejected with the reason, and a file with a DOCTYPE lands nothing", async () => {
  const made = await reconciliationProject();
  const entry = (amount: string) => `<Ntry>${amount}<CdtDbtInd>CRDT</CdtDbtInd><Sts>BOOK</Sts></Ntry>`;
  const entries = [
    '<Amt Ccy="EUR">-1.00</Amt>',
    '<Amt Ccy="EUR">1.000001</Amt>',
    "<Amt>1.00</Amt>",
    '<Amt Ccy="EUR">1<!-- comment --><![CDATA[2.5]]></Amt>',
  ];
  const document = `<Document><BkToCstmrStmt><GrpHdr><MsgId>M</MsgId></GrpHdr><Stmt><Id>S</Id><Acct><Id><IBAN>A</IBAN></Id></Acct>${entries.map(entry).join("")}</Stmt></BkToCstmrStmt></Document>`;
  try {
    made.put({ "bank/camt053-odd.xml": document, "bank/camt053-doctype.xml": `<!DOCTYPE Document><Document/>` });
    const landed = await made.dataform("ingest", "reconciliation.entries");
    expect(landed.exitCode).toBe(1);
    expect(landed.stderr).toContain("DOCTYPE");
    expect(await made.rows("select reason from raw._rejected order by row_no")).toEqual([
      expect.stringMatching(/^amount: /),
      expect.stringMatching(/^amount: /),
      expect.stringMatching(/^currency: is missing/),
    ]);
    expect(await made.rows("select statement_id, iban, amount from raw.reconciliation_entries")).toEqual(["S|A|12.5"]);
  } finally {
    await made.close();
  }
});
