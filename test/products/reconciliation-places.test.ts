import { readFileSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { accounts, ownRecordsSql, planted, reconciliationData } from "../../ingest/demos/reconciliation-data.ts";
import { paymentsXml } from "../../ingest/demos/reconciliation-xml.ts";
import { script } from "../../src/sql/authored.ts";
import { succeeds } from "../support/cli.ts";
import { inputs, type ReconciliationProject, reconciliationProject } from "../support/reconciliation.ts";
import { hasFtp, startFtp } from "../support/servers/ftp.ts";
import { noMariadb, startMariadb } from "../support/servers/mariadb.ts";
import { hasS3, startS3 } from "../support/servers/s3.ts";

// Where the bank's files and our records are, and where corrections go. Numbers are those of domain.md.
const { records, files } = reconciliationData();
const noDecisions = { "decisions/none.csv": "proposal_id,decision,decided_by,decided_on,comment\n" };
const summary =
  "select status, sum(keys), sum(rows_ours), sum(rows_theirs) from reconciliation.bank_summary group by 1 order by 1";
const planned = [
  "duplicate|1|1|2",
  "matched|354|354|354",
  "matched_within_tolerance|1|1|1",
  "mismatched|5|5|5",
  "missing_in_ours|1|0|1",
  "missing_in_theirs|1|1|0",
  "not_due|1|1|0",
];

async function project(env: Readonly<Record<string, string>> = {}): Promise<ReconciliationProject> {
  const made = await reconciliationProject(env);
  onTestFinished(() => made.close());
  return made;
}

async function night(made: ReconciliationProject, ...options: string[]): Promise<void> {
  await made.ingest(...inputs);
  await made.run(...options);
}

describe("the bank's files", () => {
  test.skipIf(!hasFtp)(
    "4.3: can be on an FTP server (needs vsftpd); a second night takes only what is new",
    async () => {
      const server = await startFtp();
      const put = (name: string, content: string) => {
        writeFileSync(join(server.folder, name), content);
        utimesSync(join(server.folder, name), 0, 0);
      };
      for (const [name, content] of Object.entries(files)) if (!name.includes("again")) put(name, content);
      const made = await project({ RECONCILIATION_FILES: server.url });
      made.put(noDecisions);
      await made.own(records);
      await night(made);
      expect(await made.rows(summary)).toEqual(planned);
      put("camt053-new-again.xml", files["camt053-new-again.xml"]!);
      await night(made);
      expect(await made.rows(summary)).toEqual(planned);
      expect(
        await made.rows("select path, count(*) from raw._file where source = 'reconciliation' group by 1 order by 1"),
      ).toEqual(["camt053-new-again.xml|3", "camt053-new.xml|3", "camt053-old.xml|3", "payments-plain.xml|1"]);
    },
  );

  test.skipIf(!hasS3)("4.3: can be in an object store (needs test/servers), with the same result", async () => {
    const server = await startS3();
    for (const [name, content] of Object.entries(files)) {
      await server.put(`out/${name}`, content);
      server.age(`out/${name}`);
    }
    const { endpoint, accessKeyId, secretAccessKey } = server;
    const made = await project({
      RECONCILIATION_FILES: "s3://inbox/out",
      S3_KEY: accessKeyId,
      S3_SECRET: secretAccessKey,
    });
    const declaration = made.path("ingest/reconciliation.yaml");
    const local = 'files: { at: "${RECONCILIATION_FILES}" }';
    const text = readFileSync(declaration, "utf8");
    expect(text).toContain(local);
    const store = `{ endpoint: "${endpoint}", accessKeyId: "\${S3_KEY}", secretAccessKey: "\${S3_SECRET}" }`;
    writeFileSync(declaration, text.replace(local, `files: { at: "\${RECONCILIATION_FILES}", s3: ${store} }`));
    made.put(noDecisions);
    await made.own(records);
    await night(made);
    expect(await made.rows(summary)).toEqual(planned);
  });
});

// What a quoting that is not the own system's would break, or would run.
const nasty = { reference: "O'Neill\\'s; drop", counterparty: "C:\\new 'Söhne' -- \"ü\"\\" };

interface OwnSystem {
  readonly made: ReconciliationProject;
  readonly options: readonly string[];
  apply(statement: string): Promise<unknown>;
  query(sql: string): Promise<readonly (readonly unknown[])[]>;
}

async function postgresql(): Promise<OwnSystem> {
  const made = await project();
  await made.own(records);
  return {
    made,
    options: [],
    apply: (statement) => made.client.script(script(statement)),
    query: async (sql) => (await made.client.table(script(sql))).rows,
  };
}

async function mariadb(): Promise<OwnSystem> {
  const server = await startMariadb();
  onTestFinished(() => server.stop());
  await server.sql(ownRecordsSql(records).toString().replace("gen_random_uuid()", "uuid()"));
  return {
    made: await project({ RECONCILIATION_RECORDS_URL: server.url() }),
    options: ["--vars", "reconciliation_dialect=mysql"],
    apply: (statement) => server.sql(statement),
    query: async (sql) => (await server.sql(sql)).map((row) => Object.values(row)),
  };
}

describe.each([
  ["PostgreSQL", undefined, postgresql],
  [`MariaDB${noMariadb ? ` (${noMariadb})` : ""}`, noMariadb, mariadb],
] as const)("our records in %s", (_, missing, start) => {
  test.skipIf(missing)(
    "4.1, 4.2: give the same result, and take what was accepted, once however often it is applied",
    async () => {
      const { made, options, apply, query } = await start();
      made.put({
        ...Object.fromEntries(Object.entries(files).map(([name, content]) => [`bank/${name}`, content])),
        ...noDecisions,
      });
      await night(made, ...options);
      expect(await made.rows(summary)).toEqual(planned);
      expect(
        await made.rows(`select count(*) from history.reconciliation_own_records where account = '${accounts.plain}'`),
      ).toEqual(["120"]);

      const payment = { ...nasty, cents: -10_050n, currency: "JPY", bookedOn: "2026-03-05", remittance: "" };
      made.put({ "bank/payments-more.xml": paymentsXml(accounts.plain, [payment]) });
      await made.ingest("reconciliation");
      await made.run(...options);
      await decide(made, [planted.amount, planted.tooLate, planted.currency, planted.missingInOurs, "drop"]);
      await made.run(...options);
      const statements = await made.rows(
        "select apply_statement from reconciliation.corrections where apply_statement is not null",
      );
      expect(statements).toHaveLength(5);
      for (const statement of [...statements, ...statements]) await apply(statement);

      const added = "select counterparty, remittance from ledger_payments where reference like '%drop'";
      expect(await query(added)).toEqual([[nasty.counterparty, null]]);
      const [counted] = await query("select count(*) from ledger_payments");
      expect(Number(counted![0])).toBe(records.length + 2);
      await made.ingest("reconciliation_records");
      await made.run(...options);
      expect(await made.rows("select state, count(*) from reconciliation.corrections group by 1")).toEqual([
        "applied|5",
      ]);
      expect(await made.rows(summary)).toEqual([
        "duplicate|1|1|2",
        "matched|359|359|359",
        "matched_within_tolerance|1|1|1",
        "mismatched|2|2|2",
        "missing_in_theirs|1|1|0",
        "not_due|1|1|0",
      ]);
    },
  );
});

/** A file of decisions that accepts the proposals of these references. */
async function decide(made: ReconciliationProject, references: readonly string[]): Promise<void> {
  const path = made.path("proposals.csv");
  await succeeds(
    made.dataform("export", "reconciliation.bank_proposals", path, "--to", "csv", "--order-by", "reference"),
  );
  const [header, ...lines] = readFileSync(path, "utf8").trim().split(/\r?\n/);
  const decided = lines.map(
    (line) => line + (references.some((one) => line.includes(one)) ? ",accept,Ada,2026-04-01," : ",,,,"),
  );
  made.put({
    "decisions/april.csv": `${[`${header},decision,decided_by,decided_on,comment`, ...decided].join("\n")}\n`,
  });
  await made.ingest("reconciliation_decisions");
}
