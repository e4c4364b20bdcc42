import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { orderColumns } from "./orders.ts";

const text = { type: "string" };
const numeric = { type: "string", postgresType: "numeric" };
const date = { type: "string", format: "date" };
const time = { type: "string", format: "date-time" };

const order = {
  id: { type: "integer" },
  customer: text,
  day: date,
  amount: numeric,
  currency: text,
  note: text,
  paid: { type: "boolean" },
  at: time,
};
const entry = {
  reference: text,
  amount: numeric,
  currency: text,
  indicator: text,
  booked_on: date,
  value_on: date,
  iban: text,
  statement: text,
  end_to_end: text,
  party: text,
  remittance: text,
};
const reading = { sensor: { type: "integer" }, region: text, at: time, value: numeric, quality: text };

const schemas = {
  orders: { type: "object", required: ["id"], properties: order },
  // Rows of another PostgreSQL pass unread where nothing has to be judged.
  rows: { type: "object", properties: order },
  entries: { type: "object", required: ["amount"], properties: entry },
  readings: { type: "object", required: ["sensor", "at"], properties: reading },
};

/** The folder of the sustained run; files are put there one by one. */
export function inboxOf(projectDir: string): string {
  return join(projectDir, "inbox");
}

/** Writes a project with a declaration for each measurement, as a stranger would. */
export function writeProject(projectDir: string, folders: Readonly<Record<string, string>>): void {
  rmSync(projectDir, { recursive: true, force: true });
  mkdirSync(join(projectDir, "ingest", "schemas"), { recursive: true });
  mkdirSync(inboxOf(projectDir), { recursive: true });
  for (const [name, schema] of Object.entries(schemas))
    writeFileSync(join(projectDir, "ingest", "schemas", `${name}.json`), JSON.stringify(schema, null, 2));
  for (const [source, at] of Object.entries({ ...folders, sustained: inboxOf(projectDir) }))
    writeFileSync(join(projectDir, "ingest", `${source}.yaml`), filesDeclaration(source, at));
  writeFileSync(join(projectDir, "ingest", "postgres.yaml"), POSTGRES);
}

const streams: Readonly<Record<string, string>> = {
  csv: "format: csv\n    table: orders\n    recordSchema: schemas/orders.json",
  bad: "format: csv\n    table: orders\n    recordSchema: schemas/orders.json",
  ndjson: "format: ndjson\n    table: orders\n    recordSchema: schemas/orders.json",
  xml: `format: xml
    xml:
      record: Ntry
      fields:
        reference: NtryRef
        amount: Amt
        currency: Amt/@Ccy
        indicator: CdtDbtInd
        booked_on: BookgDt/Dt
        value_on: ValDt/Dt
        iban: ../Acct/Id/IBAN
        statement: ../Id
        end_to_end: NtryDtls/TxDtls/Refs/EndToEndId
        party: NtryDtls/TxDtls/RltdPties/Dbtr/Pty/Nm
        remittance: NtryDtls/TxDtls/RmtInf/Ustrd
    table: entries
    recordSchema: schemas/entries.json`,
  sustained: `format: csv
    table: readings
    recordSchema: schemas/readings.json
    partition: { by: load_date, every: day }`,
};

function filesDeclaration(source: string, at: string): string {
  return `version: 1
source: ${source}
files: { at: ${JSON.stringify(at)} }
streams:
  - name: all
    files: "*.{csv,csv.gz,ndjson,xml}"
    settleSeconds: 0
    ${streams[source]}
`;
}

const POSTGRES = `version: 1
source: postgres
sql: { url: "\${SOURCE_URL}" }
streams:
  - name: all
    # What psql copies: columns that nobody declared would land in _extra.
    query: select ${orderColumns.map(([name]) => name).join(", ")} from public.orders
    table: orders
    recordSchema: schemas/rows.json
`;
