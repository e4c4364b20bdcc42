import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { batchedData } from "../../ingest/demos/reconciliation-passes.ts";
import { camt, camt054, type Entry, type Payment } from "../../ingest/demos/reconciliation-xml.ts";
import { blocksOf } from "../docs/markdown.ts";
import { succeeds } from "../support/cli.ts";
import { type ReconciliationProject, reconciliationProject } from "../support/reconciliation.ts";

// What a bank announces beside what it books: the account of the demonstration, and one account for each rule.
let product: ReconciliationProject;
let rows: ReconciliationProject["rows"];

const payment = (reference: string | null, cents: number, bookedOn: string): Payment => ({
  ...{ reference, cents: BigInt(cents), currency: "EUR", bookedOn, counterparty: "Ada", remittance: "" },
});
const servicer = (servicerReference: string, one: Payment, more: Partial<Entry> = {}): Entry => ({
  ...{ ...one, servicerReference, ...more },
});
const told = (account: string, id: string, day: string, entries: readonly Entry[]) => ({
  ...{ id, account, currency: "EUR", day, entries },
});
const statement = (account: string, entries: readonly Entry[]) => ({
  ...{ id: account, account, currency: "EUR", sequenceNo: 1, closedOn: "2026-03-31", opening: 0n, entries },
});

const parts = ["P1", "P2", "P3"].map((reference, index) => payment(reference, 100 * (index + 1), "2026-03-10"));
const singly = (one: Payment, index: number) => servicer(`OWN-${index}`, one);
const nothing = payment(null, 700, "2026-03-10");

/** What is announced, then what is booked, by account. */
const cases: Readonly<Record<string, readonly [announced: readonly Entry[], booked: readonly Entry[]]>> = {
  // a standing order names each month alike
  RENT: [
    [payment("RENT", -90_000, "2026-03-01"), payment("RENT", -90_000, "2026-04-01")],
    [payment("RENT", -90_000, "2026-02-01"), payment("RENT", -90_000, "2026-03-02")],
  ],
  TWO: [[payment("SAME", 100, "2026-03-10"), payment("SAME", 100, "2026-03-10")], [payment("SAME", 100, "2026-03-11")]],
  SAYSNOTHING: [[nothing, nothing], [{ ...nothing, bookedOn: "2026-03-11" }]],
  INPARTS: [[servicer("ALL", payment(null, 600, "2026-03-10"), { parts })], parts.slice(0, 2).map(singly)],
  WHOLE: [
    [servicer("ALL", payment(null, 600, "2026-03-10"), { parts })],
    [servicer("ALL", payment(null, 600, "2026-03-11"), { parts: [] })],
  ],
  ASONE: [parts.map(singly), [servicer("ALL", payment(null, 600, "2026-03-11"), { parts })]],
  ASASUM: [
    [servicer("ALL", payment(null, 600, "2026-03-10"), { parts: [], batch: "PAY-1" })],
    parts
      .slice(1)
      .map((one, index) => singly({ ...one, cents: 300n }, index))
      .map((one) => ({ ...one, batch: "PAY-1" })),
  ],
  // of one the bank's own reference came later
  OTHERWISE: [
    [payment("O1", 500, "2026-03-10"), payment("O2", 500, "2026-03-10"), payment("O3", 500, "2026-03-10")],
    [servicer("S1", payment("O1", 450, "2026-03-10")), { ...payment("O2", 500, "2026-03-10"), currency: "USD" }],
  ],
  BACK: [
    [
      servicer("B1", payment(null, 500, "2026-03-10")),
      servicer("B2", payment(null, 500, "2026-03-10")),
      servicer("B2", payment(null, -500, "2026-03-12"), { reversal: true }),
    ],
    // the first was booked, and is taken back
    [servicer("B1", payment(null, 500, "2026-03-10"))],
  ],
};

beforeAll(async () => {
  product = await reconciliationProject();
  rows = product.rows;
  const { records, files } = batchedData();
  const accounts = Object.entries(cases);
  const notified = accounts.map(([account, [announced]]) => told(account, `N-${account}`, "2026-03-09", announced));
  const info = { ...payment("I", 1, "2026-03-10"), status: "INFO" as const };
  product.put({
    ...Object.fromEntries(Object.entries(files).map(([name, content]) => [`bank/${name}`, content])),
    "bank/camt053-cases.xml": camt(
      "02",
      "M",
      accounts.map(([account, [, booked]]) => statement(account, booked)),
    ),
    "bank/camt054-cases.xml": camt054("02", "M", [...notified, told("NEVER", "N", "2026-03-09", [info])]),
    // the same notification once more, and another one of an account without a statement
    "bank/camt054-again.xml": camt054("08", "M", [
      notified[2]!,
      told("NEVER", "N-2", "2026-03-09", [{ ...payment("U", 1, ""), bookedOn: "2026-03-10" }]),
    ]),
    "decisions/none.csv": "proposal_id,decision,decided_by,decided_on,comment\n",
  });
  await product.own(records);
  await succeeds(product.dataform("ingest", "reconciliation", "reconciliation_records", "reconciliation_decisions"));
  await run();
}, 120_000);

afterAll(() => product?.close());

async function run(): Promise<void> {
  const { stderr } = await product.dataform("run", "--tags", "reconciliation");
  expect(stderr).toMatch(/0 failed, 0 held, 0 skipped/);
}

const items = (account: string) =>
  rows(
    `select state, case when key_source = 'content' then 'content' else reference end, trim_scale(amount), times_announced
     from reconciliation.announced_items where account = '${account}' order by reference, amount desc, due_on`,
  );

describe("what was announced and is not booked", () => {
  test.each([
    ["a standing order of this month is not the one of the month before", "RENT", ["to_come|RENT|-900|1"]],
    ["of two of one reference one is booked, and the other to come", "TWO", ["to_come|SAME|1|1"]],
    [
      "what names nothing is found by what it says, a day later, too; the same notification delivered again announces nothing more",
      "SAYSNOTHING",
      ["to_come|content|7|2"],
    ],
    ["of a batch with its transactions those are to come that are not booked", "INPARTS", ["to_come|P3|3|1"]],
    ["a batch that is booked as a sum is booked, with its transactions", "WHOLE", []],
    ["several that the bank books as one with their references are booked", "ASONE", []],
    ["a batch that is booked in parts is booked, where they add up to it", "ASASUM", []],
    [
      "another amount or currency under its reference is shown beside it, and holds it open",
      "OTHERWISE",
      ["booked_otherwise|O1|5|1", "booked_otherwise|O2|5|1", "to_come|O3|5|1"],
    ],
    [
      "a payment that is taken back is shown with what takes it back, neither of which is booked",
      "BACK",
      ["taken_back|B2|5|1", "takes_back|B2|-5|1"],
    ],
    [
      "an account without a statement has what is announced of it, and not what is only for information",
      "NEVER",
      ["to_come|U|0.01|1"],
    ],
  ])("%s", async (_, account, expected) => {
    expect(await items(account)).toEqual(expected);
  });

  test("says what was booked in its place, and for how long it is overdue", async () => {
    expect(
      await rows(
        `select account, reference, trim_scale(amount_booked), currency_booked, due_on, told_until, overdue_days
         from reconciliation.announced_items where account in ('OTHERWISE', 'NEVER') order by 1 desc, 2`,
      ),
    ).toEqual([
      "OTHERWISE|O1|4.5|EUR|2026-03-10|2026-03-31|21",
      "OTHERWISE|O2|5|USD|2026-03-10|2026-03-31|21",
      "OTHERWISE|O3|∅|∅|2026-03-10|2026-03-31|21",
      "NEVER|U|∅|∅|2026-03-10|∅|∅",
    ]);
  });

  test("answers what will come in and go out, as the page asks", async () => {
    const [question] = blocksOf("docs/products/reconciliation.md").filter(({ notRun }) =>
      notRun?.includes("announced"),
    );
    const answer = await rows(question!.text);
    expect(answer).toContain("NL91ABNA0417164300|EUR|2026-03-31|1200.00|1|0");
    expect(answer).toContain("OTHERWISE|EUR|2026-03-10|15.00|3|21");
  });

  test("is told of the demonstration: twice, a day late, otherwise, taken back", async () => {
    expect(
      await rows(
        `select state, reference, trim_scale(amount), trim_scale(amount_booked), times_announced
         from reconciliation.announced_items where path = 'camt054-march.xml' order by 1, 2`,
      ),
    ).toEqual([
      "booked_otherwise|INV-D-8|55|50|1",
      "taken_back|INV-D-10|-80|∅|1",
      "takes_back|INV-D-10|80|∅|1",
      "to_come|BANK-3|1200|∅|2",
    ]);
    expect(
      await rows(
        `select booked_by, count(*) from history.reconciliation_announcements where state = 'booked' group by 1 order by 1`,
      ),
    ).toEqual(["another reference|3", "entry|3", "reference|10", "sum|1"]);
  });
});

test("what is announced is set aside, counts nowhere as booked, and is not lost: for information only, too", async () => {
  expect(
    await rows(
      `select reason, sum(row_count) from reconciliation.set_aside where path like 'camt054%' group by 1 order by 1`,
    ),
  ).toEqual(["announced|28", "not booked: INFO|1"]);
  expect(await rows("select count(*) from history.reconciliation_theirs where path like 'camt054%'")).toEqual(["0"]);
});

test("of the demonstration each pass finds something, and says what stays open", async () => {
  expect(
    await rows(
      `select match_pass, outcome, n_ours, n_theirs, trim_scale(sum_ours), trim_scale(sum_theirs)
       from reconciliation.bank_passes left join reconciliation.bank_groups using (match_pass) order by position, outcome desc`,
    ),
  ).toEqual([
    "one reference|matched|2|1|425|425",
    "batch|matched|3|1|-1250|-1250",
    "amount and day|matched|1|1|443.1|443.1",
    "sum|matched|1|2|900|900",
  ]);
  expect(
    await rows(
      "select match_pass, match_note, string_agg(reference, ', ' order by reference) from reconciliation.bank_rows where match_note is not null group by 1, 2",
    ),
  ).toEqual(["amount and day|ambiguous|INV-D-4, INV-D-5, INVOICE 4"]);
});

test("a notification that is taken back announces nothing, until it counts again", async () => {
  const [load] = await rows("select load_id from history.reconciliation_files where path = 'camt054-cases.xml'");
  const open = await rows("select count(*) from reconciliation.announced_items");
  await succeeds(product.dataform("ingest", "strike", load!, "--why", "sent by mistake"));
  await run();
  expect(await items("RENT")).toEqual([]);
  expect(await items("SAYSNOTHING")).toEqual(["to_come|content|7|1"]);
  await succeeds(product.dataform("ingest", "strike", load!, "--undo"));
  await run();
  expect(await rows("select count(*) from reconciliation.announced_items")).toEqual(open);
});
