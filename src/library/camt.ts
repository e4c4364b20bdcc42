import { expression } from "../sql/authored.ts";
import { literal } from "../sql/literals.ts";
import { join, type Sql, sql } from "../sql/sql.ts";
import { checkKnown, fail, foundOf } from "./shared/check-options.ts";

// What an entry of an account statement (ISO 20022 camt.053) says, from the list of its TxDtls as JSON. Arguments are SQL
// expressions, and so are results.

/**
 * A text of the transaction of an entry that has exactly one: NULL for a batch.
 * @param path elements below TxDtls: `text("details", "Refs", "EndToEndId")`
 */
export function text(details: string, ...path: readonly string[]): string {
  const list = expression(details, "camt.text: details");
  if (!path.length)
    fail("camt.text", 'expected the elements below TxDtls: text(details, "Refs", "EndToEndId"), found none');
  return sql`case when jsonb_array_length(${list}) = 1 then ${firstText(sql`${list} #> ${pathOf(["0", ...path])}`)} end`.toString();
}

/** An element that occurs several times is a list, one with attributes an object. */
function firstText(value: Sql): Sql {
  return sql`case jsonb_typeof(${value}) when 'array' then (${value}) #>> '{0}' when 'object' then (${value}) ->> '#text' else (${value}) #>> '{}' end`;
}

function pathOf(path: readonly string[]): Sql {
  const wrong = path.findIndex((name) => typeof name !== "string" || !/^\w+$/.test(name));
  if (wrong >= 0) return fail("camt.text", `expected the name of an element, found ${foundOf(path[wrong])}`);
  return literal(`{${path.join(",")}}`);
}

/** The other party: who paid a credit, who was paid by a debit. The name is `Nm` in .02 and `Pty/Nm` from .08 on. */
export function party(details: string, indicator: string): string {
  const list = expression(details, "camt.party: details");
  const nameOf = (role: string) =>
    sql`coalesce(${list} #>> ${pathOf(["0", "RltdPties", role, "Pty", "Nm"])}, ${list} #>> ${pathOf(["0", "RltdPties", role, "Nm"])})`;
  const isDebit = sql`${expression(indicator, "camt.party: indicator")} = 'DBIT'`;
  return sql`case when jsonb_array_length(${list}) <> 1 then null when ${isDebit} then ${nameOf("Cdtr")} else ${nameOf("Dbtr")} end`.toString();
}

/**
 * The sum of an entry's transactions, signed as the entry, or NULL unless all have an amount: `Amt` from .04 on,
 * `AmtDtls/TxAmt/Amt` before. A transaction with the other indicator than the others counts against them.
 * @param currency that of the entry: NULL, too, where an amount says that it is in another
 */
export function detailsAmount(details: string, amount: string, currency?: string): string {
  const isOther =
    currency === undefined
      ? sql``
      : sql` and count(*) filter (where listed.amount ->> '@Ccy' <> ${expression(currency, "camt.detailsAmount: currency")}) = 0`;
  const list = expression(details, "camt.detailsAmount: details");
  const ofEntry = sql`case when ${expression(amount, "camt.detailsAmount: amount")} < 0 then 'DBIT' else 'CRDT' end`;
  return sql`
    (
      select case when count(*) = count(listed.amount)${isOther} then
        sum(coalesce(listed.amount ->> '#text', listed.amount #>> '{}')::numeric * case listed.indicator when 'DBIT' then -1 else 1 end)
      end
      from (
        select
          coalesce(detail.value -> 'Amt', detail.value #> '{AmtDtls,TxAmt,Amt}') as amount,
          coalesce(detail.value ->> 'CdtDbtInd', entry.indicator) as indicator
        from jsonb_array_elements(${list}) as detail (value)
        cross join (select ${ofEntry} as indicator) as entry
      ) as listed
    )`.toString();
}

export interface Payment {
  readonly account: string;
  readonly bookedOn: string;
  readonly amount: string;
  readonly counterparty: string;
  readonly remittance: string;
}

const PAYMENT = ["account", "bookedOn", "amount", "counterparty", "remittance"] as const;

/**
 * A key made of what a payment says, for one without a reference. Equal payments have equal keys: number them. Names are
 * compared without case and blanks, amounts without trailing zeros.
 */
export function contentKey(payment: Payment): string {
  checkKnown("camt.contentKey", payment, PAYMENT);
  const of = (name: (typeof PAYMENT)[number]) => expression(payment[name], `camt.contentKey: ${name}`);
  const form = (value: Sql) => sql`coalesce(upper(regexp_replace(${value}, '\s', '', 'g')), '')`;
  const said = [
    of("account"),
    of("bookedOn"),
    sql`trim_scale(${of("amount")})`,
    form(of("counterparty")),
    form(of("remittance")),
  ];
  return sql`'content-' || md5(jsonb_build_array(${join(said, ", ")})::text)`.toString();
}
