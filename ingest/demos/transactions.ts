// A file a month, as a bank would deliver them; TRANSACTIONS_FILES names a folder of your own.
import { utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Demo, DemoContext, Step } from "./demo.ts";
import { transactions as generate, transactionsCsv } from "./transactions-data.ts";

const MONTHS = ["2026-01-01", "2026-02-01", "2026-03-01", "2026-04-01"];

const questions: Step[] = [
  {
    ask: "What did this user do last?",
    sql: `select datetime, transaction_type as "type", merchant_type_code as merchant, signed_amount, currency
     from transactions.by_user where user_id = (select min(user_id) from transactions.by_user)
     order by datetime desc limit 5`,
  },
  {
    ask: "What did electronics shops (5732) take a day, net of returns and chargebacks?",
    sql: `select date, purchases, returns, chargebacks, net_amount, fees from transactions.merchant_daily_net
     where merchant_type_code = 5732 order by date desc limit 5`,
  },
];

/** Files written a while ago: landing waits for those that may still grow. */
async function writeFiles(folder: string): Promise<void> {
  for (const [index, from] of MONTHS.slice(0, -1).entries()) {
    const path = join(folder, `combined_transactions-${from.slice(0, 7)}.csv`);
    await writeFile(path, transactionsCsv(generate({ rows: 20_000, from, until: MONTHS[index + 1]! })));
    await utimes(path, 0, 0);
  }
}

async function* steps({ env, folder }: DemoContext): AsyncGenerator<Step> {
  if (env.TRANSACTIONS_FILES === undefined) {
    env.TRANSACTIONS_FILES = folder;
    await writeFiles(folder);
  }
  yield { run: ["ingest", "transactions"] };
  yield { run: ["run", "--tags", "transactions"] };
  yield* questions;
}

export const transactions: Demo = { steps, schema: "transactions" };
