import { blocksOf, type Content, oneOf, pick, timeOf } from "./content.ts";

/** A megabyte of CSV has about so many. */
export const ORDERS_PER_MB = 10_150;

/** Of the raw table, in order; name and type. */
export const orderColumns = [
  ["id", "bigint"],
  ["customer", "text"],
  ["day", "date"],
  ["amount", "numeric"],
  ["currency", "text"],
  ["note", "text"],
  ["paid", "boolean"],
  ["at", "timestamp with time zone"],
] as const;

const names = ["Zoë O'Neill", "Jan Kowalski", "María García", "Anna Schmidt", "Li Wei", "Amélie Dubois", "John Smith"];
const notes = [
  "",
  "some text that is quite ordinary",
  "delivered to the neighbour on the second floor",
  'paid "in full", with thanks',
  "first line\nsecond line, of the address",
  "—",
  "ordered by phone",
  "to be invoiced at the end of the month",
];

type Cells = [
  id: string,
  customer: string,
  day: string,
  amount: string,
  currency: string,
  note: string,
  paid: string,
  at: string,
];

function cellsOf(row: number): Cells {
  const at = timeOf(row, 1);
  // A line break once in a while, and a third of the notes empty.
  const note = pick(row, 4, 3) === 0 ? "" : oneOf(row, 5, notes);
  return [
    String(row + 1),
    `${oneOf(row, 6, names)} ${pick(row, 7, 100_000)}`,
    at.slice(0, 10),
    `${pick(row, 8, 20) === 0 ? "-" : ""}${pick(row, 9, 100_000)}.${String(pick(row, 10, 100)).padStart(2, "0")}`,
    oneOf(row, 11, ["EUR", "USD", "CHF", "GBP"]),
    note,
    pick(row, 12, 3) ? "true" : "false",
    at,
  ];
}

/** What can be wrong with a record, by turns. */
const damages: readonly ((cells: Cells) => readonly string[])[] = [
  ([id, ...others]) => [`x${id}`, ...others],
  ([id, customer, , ...others]) => [id, customer, "2026-02-30", ...others],
  ([id, customer, day, , ...others]) => [id, customer, day, "n/a", ...others],
  (cells) => cells.slice(0, -1),
  (cells) => cells.with(6, "perhaps"),
];

/** @param badEvery one record of so many is wrong; 0 for none */
export function csvOrders(rows: number, badEvery: number): Content {
  const lines = function* () {
    yield `${orderColumns.map(([name]) => name).join(",")}\n`;
    for (let row = 0; row < rows; row++) {
      const cells = cellsOf(row);
      const wrong = badEvery > 0 && row % badEvery === badEvery - 1;
      const damage = damages[Math.floor(row / badEvery) % damages.length]!;
      yield `${(wrong ? damage(cells) : cells).map(csvCell).join(",")}\n`;
    }
  };
  return { blocks: blocksOf(lines()), rows, bad: badEvery > 0 ? Math.floor(rows / badEvery) : 0 };
}

function csvCell(text: string): string {
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

export function ndjsonOrders(rows: number): Content {
  const lines = function* () {
    for (let row = 0; row < rows; row++) {
      const [id, customer, day, amount, currency, note, paid, at] = cellsOf(row);
      const texts = { customer, day, amount, currency, ...(note === "" ? {} : { note }) };
      yield `{"id":${id},${JSON.stringify(texts).slice(1, -1)},"paid":${paid},"at":"${at}"}\n`;
    }
  };
  return { blocks: blocksOf(lines()), rows, bad: 0 };
}
