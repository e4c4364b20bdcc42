// A month of statements from a bank against our own records. Both sides are made here, with differences planted; our records
// are in the table ledger_payments of the very database.
import { mkdir, readFile, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  connectionUrl,
  findTarget,
  literal,
  resolveConnection,
  sql,
  startEmbedded,
  withClient,
} from "dataform-postgres";
import type { Demo, DemoContext, Step } from "./demo.ts";
import { ownRecordsSql, planted, type Reconciliation, reconciliationData } from "./reconciliation-data.ts";
import { batchedData } from "./reconciliation-passes.ts";

const summary: Step = {
  ask: "Do the bank and we agree?",
  sql: `select status, currency, keys, rows_ours as "our rows", rows_theirs as "their rows", amount_diff as "theirs - ours"
     from reconciliation.bank_summary order by status, currency`,
};

const questions: Step[] = [
  summary,
  {
    ask: "Which columns differ?",
    sql: `select column_name as "column", compared, equal, within_tolerance as "within tolerance", different, match_pct as "match %"
     from reconciliation.bank_columns order by position`,
  },
  {
    ask: "What belongs together without one key?",
    sql: `select match_pass as pass, confidence, outcome, n_ours as "our rows", n_theirs as "their rows", sum_ours as "our sum",
       sum_theirs as "their sum"
     from reconciliation.bank_passes left join reconciliation.bank_groups using (match_pass, confidence) order by position, outcome`,
  },
  {
    ask: "What could belong together, and is for people to say?",
    sql: `select match_note as why, match_pass as pass, reference, amount_ours as ours, amount_theirs as theirs
     from reconciliation.bank_rows where match_note is not null order by match_note, match_pass, reference`,
  },
  {
    ask: "What has the bank announced and not booked?",
    sql: `select state, reference, counterparty, amount, currency, due_on as due, amount_booked as booked, times_announced as "times announced"
     from reconciliation.announced_items order by state, reference`,
  },
  {
    ask: "Are the statements right in themselves?",
    sql: `select path as file, statement_id as statement, check_name as "check", expected, found
     from reconciliation.statement_checks where not is_ok order by 1, 2, 3`,
  },
  {
    ask: "What was left out, and why?",
    sql: `select side, reason, path as file, row_count as "rows", currency, amount from reconciliation.set_aside order by 1, 2, 5`,
  },
  {
    ask: "What should be corrected?",
    sql: `select reference, column_name as "column", left(our_value, 24) as ours, left(their_value, 24) as theirs, proposed_action as action
     from reconciliation.bank_proposals order by proposed_action, reference, column_name`,
  },
];

const MARK = "Made by the demonstration of dataform-postgres";

async function writeLedger(url: string, { records }: Reconciliation, projectDir: string): Promise<void> {
  const settings = resolveConnection({ DATABASE_URL: url }, { projectDir })!;
  await withClient(settings, {}, (client) =>
    client.script(sql`
      do $$ begin
        if to_regclass('ledger_payments') is not null
          and obj_description(to_regclass('ledger_payments'), 'pg_class') is distinct from ${literal(MARK)}
        then
          raise exception 'ledger_payments is there, and not of the demonstration';
        end if;
      end $$;
      drop table if exists ledger_payments;
      ${ownRecordsSql(records)};
      comment on table ledger_payments is ${literal(MARK)}`),
  );
}

/** Written a while ago: landing waits for files that may still grow. */
async function put(path: string, content: string): Promise<void> {
  await writeFile(path, content);
  await utimes(path, 0, 0);
}

/** The exported proposals with a decision about two of them, as a person adds it in a spreadsheet. */
function decided(proposals: string): string {
  const [header, ...lines] = proposals.trimEnd().split(/\r?\n/);
  const accepted = (line: string) => [planted.amount, planted.missingInOurs].some((one) => line.includes(one));
  const rows = lines.map((line) => `${line},${accepted(line) ? "accept,Ada,2026-04-01,told by the bank" : ",,,"}`);
  return [`${header},decision,decided_by,decided_on,comment`, ...rows, ""].join("\n");
}

async function* steps({ folder, env }: DemoContext): AsyncGenerator<Step> {
  const projectDir = join(folder, "../../..");
  const target = await findTarget(env, projectDir);
  const settings =
    resolveConnection(env, { projectDir, target }) ?? (await startEmbedded(join(projectDir, ".dataform")));
  const url = connectionUrl(settings, { password: true });
  const [lists, batched] = [reconciliationData(), batchedData()];
  const data = { records: [...lists.records, ...batched.records], files: { ...lists.files, ...batched.files } };
  const [bank, decisions] = [join(folder, "bank"), join(folder, "decisions")];
  for (const path of [bank, decisions]) await mkdir(path, { recursive: true });
  await writeLedger(url, data, projectDir);
  for (const [name, content] of Object.entries(data.files)) await put(join(bank, name), content);
  await put(join(decisions, "none.csv"), "proposal_id,decision,decided_by,decided_on,comment\n");
  Object.assign(env, {
    RECONCILIATION_FILES: bank,
    RECONCILIATION_RECORDS_URL: url,
    RECONCILIATION_DECISIONS: decisions,
  });
  yield { run: ["ingest", "reconciliation", "reconciliation_records", "reconciliation_decisions"] };
  yield { run: ["run", "--tags", "reconciliation"] };
  yield* questions;
  const proposals = join(folder, "proposals.csv");
  yield {
    run: ["export", "reconciliation.bank_proposals", proposals, "--to", "csv", "--order-by", "status, reference"],
  };
  await put(join(decisions, "april.csv"), decided(await readFile(proposals, "utf8")));
  yield { run: ["ingest", "reconciliation_decisions"] };
  yield { run: ["run", "--tags", "reconciliation"] };
  yield {
    ask: "What was decided, and what applies it in our own system?",
    sql: `select reference, state, decided_by as "by", apply_statement as "apply with" from reconciliation.corrections order by reference`,
  };
  const results = join(folder, "results.csv");
  yield {
    run: ["export", "reconciliation.bank_rows", results, "--to", "csv", "--order-by", "status, account, reference"],
  };
}

export const reconciliation: Demo = { steps, schema: "reconciliation" };
