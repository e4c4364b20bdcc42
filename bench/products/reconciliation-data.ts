import { createWriteStream, existsSync, mkdirSync, renameSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { entry, head, type Payment, statementHead, TAIL } from "../../ingest/demos/reconciliation-xml.ts";

const ENTRIES_PER_STATEMENT = 20_000;
const ENTRIES_PER_BLOCK = 1_000;
const CURRENCY = "EUR";

const parties = ["Stadtwerke Köln", "O'Neill & Sons", "Kowalski sp. z o.o.", "Café Amélie", "Schmidt GmbH"];

/** One camt.053.001.08 file with so many entries, in statements that foot. Made once. */
export async function camtFile(path: string, rows: number): Promise<number> {
  if (!existsSync(path)) {
    mkdirSync(dirname(path), { recursive: true });
    await pipeline(Readable.from(blocks(rows)), createWriteStream(`${path}.part`));
    renameSync(`${path}.part`, path);
  }
  return statSync(path).size;
}

function* blocks(rows: number): Generator<string> {
  yield head("08", "MSG-BENCH");
  for (let first = 0; first < rows; first += ENTRIES_PER_STATEMENT) {
    const last = Math.min(rows, first + ENTRIES_PER_STATEMENT);
    let closing = 0n;
    for (let row = first; row < last; row++) closing += paymentOf(row).cents;
    const number = first / ENTRIES_PER_STATEMENT + 1;
    const account = `DE${String(number).padStart(20, "0")}`;
    yield statementHead(
      { id: `S-${number}`, account, currency: CURRENCY, sequenceNo: 1, closedOn: "2026-12-31", opening: 0n },
      closing,
    );
    for (let block = first; block < last; block += ENTRIES_PER_BLOCK) {
      const end = Math.min(last, block + ENTRIES_PER_BLOCK);
      yield Array.from({ length: end - block }, (_, index) => entry("08", paymentOf(block + index))).join("");
    }
    yield "</Stmt>\n";
  }
  yield TAIL;
}

function paymentOf(row: number): Payment {
  const cents = BigInt(100 + ((row * 7_919) % 9_000_000));
  return {
    reference: `E2E-${String((row * 48_271) % 2_147_483_647).padStart(10, "0")}-${row}`,
    cents: row % 3 ? cents : -cents,
    currency: CURRENCY,
    bookedOn: new Date(Date.UTC(2026, 0, 1 + (row % 360))).toISOString().slice(0, 10),
    counterparty: `${parties[row % parties.length]} ${row % 5_000}`,
    remittance: `Invoice ${row % 1_000_000}`,
  };
}

/** Our records: what the bank says, in another order, 1 % of it otherwise, missing, added, without reference or twice. */
export const ownRecords = `
  create table ledger_payments as
  select
    'R' || _row_no as record_id, iban as account,
    case when of_thousand = 5 then null else details #>> '{0,Refs,EndToEndId}' end as reference,
    (case indicator when 'DBIT' then -amount else amount end + case when of_thousand in (0, 1, 2) then 1 else 0 end)::numeric(18, 5) as amount,
    currency, booked_on + case when of_thousand = 3 then 9 else 0 end as booked_on,
    coalesce(details #>> '{0,RltdPties,Dbtr,Pty,Nm}', details #>> '{0,RltdPties,Cdtr,Pty,Nm}') as counterparty, details #>> '{0,RmtInf,Ustrd}' as remittance,
    null::text as batch
  from (select *, abs(hashint8(_row_no)) % 1000 as of_thousand from raw.reconciliation_entries) as entries
  cross join lateral generate_series(1, case when of_thousand in (6, 7) then 0 when of_thousand = 8 then 2 else 1 end)
  order by hashint8(_row_no);
  insert into ledger_payments
  select record_id || 'x', account, reference || 'x', amount, currency, booked_on, counterparty, remittance, batch
  from ledger_payments where reference is not null limit (select count(*) / 1000 from ledger_payments)`;

const uniqueSide = (side: string) => `
  create table unique_${side} as
  select account, reference, amount, currency, booked_on, counterparty
  from history.reconciliation_${side} where account is not null and reference is not null;
  delete from unique_${side} as own
  using (select account, reference from unique_${side} group by 1, 2 having count(*) > 1) as repeated
  where own.account = repeated.account and own.reference = repeated.reference`;

/** The same rows, in the same order, of keys that are there once: what the plainest full join asks for. */
export const uniqueSides = `${uniqueSide("ours")}; ${uniqueSide("theirs")}`;

const plainResult = (name: string) => `
    case
      when o.${name} is null and t.${name} is null then 'both_null'
      when o.${name} is null then 'null_in_ours'
      when t.${name} is null then 'null_in_theirs'
      when o.${name} = t.${name} then 'equal'
      else 'different'
    end as ${name}_result`;

/** The plainest join by hand: of a key that each side has once, and each column compared with `=`. */
export const plainByHand = `
  select
    coalesce(o.account, t.account) as account, coalesce(o.reference, t.reference) as reference,
    case when o.reference is null then 'missing_in_ours' when t.reference is null then 'missing_in_theirs' else 'compared' end as status,
    o.amount as amount_ours, t.amount as amount_theirs, o.currency as currency_ours, t.currency as currency_theirs,
    ${["amount", "currency", "booked_on", "counterparty"].map(plainResult).join(",")}
  from unique_ours as o
  full join unique_theirs as t on o.account = t.account and o.reference = t.reference`;

/** What one writes by hand: the plain full join, and each column's comparison by the rules of the product. */
export const byHand = `
  select
    coalesce(o.account, t.account) as account, coalesce(o.reference, t.reference) as reference,
    case when o.reference is null then 'missing_in_ours' when t.reference is null then 'missing_in_theirs' else 'compared' end as status,
    o.amount as amount_ours, t.amount as amount_theirs, o.currency as currency_ours, t.currency as currency_theirs,
    case
      when o.amount is null and t.amount is null then 'both_null'
      when o.amount is null then 'null_in_ours'
      when t.amount is null then 'null_in_theirs'
      when upper(btrim(o.currency)) = upper(btrim(t.currency)) and round(o.amount, 2) = round(t.amount, 2) then 'equal'
      else 'different'
    end as amount_result,
    case
      when o.currency is null and t.currency is null then 'both_null'
      when o.currency is null then 'null_in_ours'
      when t.currency is null then 'null_in_theirs'
      when upper(btrim(o.currency)) = upper(btrim(t.currency)) then 'equal'
      else 'different'
    end as currency_result,
    case
      when o.booked_on is null and t.booked_on is null then 'both_null'
      when o.booked_on is null then 'null_in_ours'
      when t.booked_on is null then 'null_in_theirs'
      when o.booked_on = t.booked_on then 'equal'
      when abs(o.booked_on - t.booked_on) <= 3 then 'within_tolerance'
      else 'different'
    end as booked_on_result,
    case
      when o.counterparty is null and t.counterparty is null then 'both_null'
      when o.counterparty is null then 'null_in_ours'
      when t.counterparty is null then 'null_in_theirs'
      when upper(regexp_replace(btrim(o.counterparty), '\\s+', ' ', 'g')) = upper(regexp_replace(btrim(t.counterparty), '\\s+', ' ', 'g')) then 'equal'
      else 'different'
    end as counterparty_result
  from history.reconciliation_ours as o
  full join history.reconciliation_theirs as t on o.account = t.account and o.reference = t.reference`;
