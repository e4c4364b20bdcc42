import { expect } from "vitest";
import type { Client } from "../../src/postgres/client.ts";
import { cells, fill, reconciled } from "../support/comparing.ts";
import { randomFrom } from "../support/reader.ts";
import { type PassRow, passesFound, passWorld } from "./passes.ts";

const COLUMNS = [
  ["id", "text"],
  ["amount", "numeric"],
  ["currency", "text"],
  ["day", "date"],
  ["batch", "text"],
] as const;

/** Reconciles a random world, and compares every row and every group with the oracle's. `seed` repeats it. */
export async function passesAgree(client: Client, seed: number): Promise<void> {
  const world = passWorld(randomFrom(seed));
  const rows = (isOurs: boolean) => world.filter((row) => row.isOurs === isOurs).map(cellsOf);
  await fill(client, "ours", COLUMNS, rows(true));
  await fill(client, "theirs", COLUMNS, rows(false));
  await reconciled(client, {
    ours: "ours",
    theirs: "theirs",
    key: { id: ["text"] },
    columns: {
      amount: { kind: "money", currency: "currency" },
      currency: { kind: "text" },
      day: { kind: "date" },
    },
    also: { ours: ["batch"], theirs: ["batch"] },
    passes: [
      { name: "parts", by: "key" },
      { name: "batch", by: "group", group: ["batch"] },
      { name: "amount", by: "amount", date: "day", days: 3 },
      { name: "sum", by: "sum", date: "day", days: 3, most: 3, candidates: 5 },
    ],
  });
  const lines = async (query: string) =>
    (await cells(client, query)).map((row) => row.map((cell) => cell ?? "-").join(" ")).sort();
  const names = (side: string) =>
    `(select string_agg(coalesce(one ->> 'id', '-'), '+' order by coalesce(one ->> 'id', '-') collate "C") from jsonb_array_elements(${side}) as one)`;
  const found = {
    rows: await lines(
      `select id, n_ours || '|' || n_theirs, case when match_pass = 'key' then 'paired' else status end, match_pass, confidence, match_note
       from made_rows`,
    ),
    groups: await lines(
      `select match_pass, outcome, coalesce(${names("ours")}, ''), '=', coalesce(${names("theirs")}, '') from made_groups`,
    ),
  };
  const expected = passesFound(world);
  expect(found.groups, `seed ${seed}`).toEqual(expected.groups);
  expect(found.rows, `seed ${seed}`).toEqual(expected.rows);
}

function cellsOf({ id, amount, currency, day, batch }: PassRow): (string | null)[] {
  const on = day === null ? null : `2026-03-${String(day).padStart(2, "0")}`;
  return [id, amount === null ? null : String(amount / 1000), currency, on, batch];
}
