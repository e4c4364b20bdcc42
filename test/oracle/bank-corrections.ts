// What was decided of proposals, from docs/products/reconciliation.md (corrections) and what columns say of themselves.

import type { Own } from "./bank-rows.ts";
import { byLoad } from "./changes.ts";
import { number } from "./exact.ts";
import { ANY, type Cell, type Expected, grouped, type Raw, type RawRow, type Row } from "./relation.ts";

const DECIDED = [
  ...["proposal_id", "account", "reference", "column_name", "our_value", "their_value", "proposed_action"],
  ...["decision", "decided_by", "decided_on", "comment"],
];
/** What an added row has, of what was said of it. */
const OF_A_ROW = ["account", "reference", "amount", "currency", "booked_on", "counterparty"];

export function corrections(raw: Raw, proposals: readonly Row[], own: readonly Own[]): Record<string, Expected> {
  const decided = decisions(raw).map((row) => ({ row, state: stateOf(row, proposals) }));
  const toApply = decided.filter(({ state }) => state === "accepted").map(({ row }) => row);
  return {
    "reconciliation.corrections": {
      key: ["proposal_id"],
      rows: decided.map(({ row, state }) => ({
        ...Object.fromEntries(DECIDED.map((column): [string, Cell] => [column, row[column]!])),
        state,
        apply_statement: state === "accepted" && row.proposed_action !== "investigate" ? ANY : null,
      })),
    },
    "reconciliation.records_corrected": {
      key: ["account", "reference", "record_id"],
      without: ["key_source", "batch", "not_due"],
      rows: [...own.map((one) => corrected(one, toApply)), ...toApply.filter(isInsert).map(added)],
    },
  };
}

/** The last decision about each proposal. */
function decisions(raw: Raw): RawRow[] {
  const loads = new Set(raw._load!.filter(({ status }) => status === "loaded").map(({ load_id }) => load_id));
  const counting = raw.reconciliation_decisions!.filter((row) => loads.has(row._load_id!));
  const place = (row: RawRow) => ({ load: row._load_id!, row: row._row_no! });
  return grouped(counting, ({ proposal_id }) => proposal_id!).map(
    (all) => [...all].sort((a, b) => byLoad(place(a), place(b))).at(-1)!,
  );
}

function stateOf(decision: RawRow, proposals: readonly Row[]): string {
  if (decision.decision === "reject") return "rejected";
  if (proposals.some((proposal) => isAbout(decision, proposal))) return "accepted";
  return proposals.some((proposal) => OF_A_PLACE.every((column) => decision[column] === proposal[column]))
    ? "superseded"
    : "applied";
}

const OF_A_PLACE = ["account", "reference", "column_name"] as const;

/** Whether it is the same proposal still. */
function isAbout(decision: RawRow, proposal: Row): boolean {
  return (
    [...OF_A_PLACE, "proposed_action"].every((column) => decision[column] === proposal[column]) &&
    ["our_value", "their_value"].every((side) => isSaid(decision[side]!, proposal[side]!))
  );
}

function isSaid(text: string | null, cell: Cell): boolean {
  if (text === null || cell === null || typeof cell === "string") return text === cell;
  if (typeof cell !== "object" || "near" in cell || "any" in cell) return false;
  if ("under" in cell) return isNumber(text, cell);
  const told = JSON.parse(text) as Record<string, string | number | null>;
  return Object.entries(cell.said[0]!).every(([field, value]) => {
    const other = told[field] ?? null;
    return typeof value === "object" && value !== null ? isNumber(String(other), value) : other === value;
  });
}

const isNumber = (text: string, cell: { over: bigint; under: bigint }) => {
  const { over, under } = number(text);
  return over === cell.over && under === cell.under;
};

const isInsert = ({ proposed_action }: RawRow) => proposed_action === "insert";

function corrected({ row, account, reference, amount, currency, day, counterparty }: Own, all: readonly RawRow[]): Row {
  const mine = all.filter(
    (one) => one.proposed_action === "update" && one.account === account && one.reference === reference,
  );
  const of = (column: string) => mine.find(({ column_name }) => column_name === column)?.their_value;
  const right = of("amount");
  return {
    ...{ account, reference, record_id: row.record_id!, amount: right ? number(right) : amount },
    ...{ currency: of("currency") ?? currency, booked_on: of("booked_on") ?? day },
    ...{ counterparty: of("counterparty") ?? counterparty, is_corrected: mine.length > 0, is_added: false },
  };
}

function added({ their_value }: RawRow): Row {
  const told = JSON.parse(their_value!) as Record<string, string | number | null>;
  const cell = (value: string | number | null): Cell => (typeof value === "number" ? number(String(value)) : value);
  return {
    ...Object.fromEntries(OF_A_ROW.map((column) => [column, cell(told[column] ?? null)])),
    ...{ record_id: null, is_corrected: false, is_added: true },
  };
}
