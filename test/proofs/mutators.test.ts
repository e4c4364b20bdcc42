import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { parseConnectionUrl, resolveConnection } from "../../src/config/connection.ts";
import { UserError, UserErrors } from "../../src/model/errors.ts";
import type { LoadReport } from "../../src/model/load-report.ts";
import { within } from "../../src/wait/timers.ts";
import { cli } from "../support/cli.ts";
import { complaints, complaintsOf, mutated } from "../support/mutating.ts";
import { testProject } from "../support/project.ts";
import { isWhole, rounds, seed } from "../support/proof.ts";
import { randomFrom } from "../support/reader.ts";
import { warehouse } from "../support/warehouse.ts";

/** Inputs in all: `npm run proof:mutators` tries 25,000, and PROOF_SEED repeats them. */
const INPUTS = rounds(200, 25_000);
const share = (of: number) => Math.max(1, Math.round(INPUTS * of));

/** Milliseconds for one input. */
const HANGS = 60_000;
const timeout = isWhole ? 3_600_000 : 120_000;

/** What came of the inputs that nobody should have to read, with what repeats them. */
class Findings {
  readonly list: string[] = [];

  async try(input: string, work: () => Promise<readonly string[]> | readonly string[]): Promise<void> {
    const wrong = await within(HANGS, Promise.resolve().then(work), () => ["it hangs"]).catch((error: Error) => [
      `it throws: ${error.stack}`,
    ]);
    for (const one of wrong) this.list.push(`seed ${seed}, ${input}\n  ${one}`);
  }
}

const schema = JSON.stringify({
  type: "object",
  required: ["id"],
  properties: {
    id: { type: "integer", description: "Its number" },
    name: { type: ["string", "null"], maxLength: 40 },
    at: { type: "string", format: "date-time" },
    amount: { type: "number", minimum: 0 },
  },
});

const declaration = `version: 1
source: shop
files: { at: data, retry: { attempts: 2, maxDelaySeconds: 1 } }
streams:
  - name: orders
    files: "orders-*.csv"
    format: csv
    csv: { delimiter: ";", header: true, encoding: utf-8, columns: { "No": id } }
    batch: { kind: log }
    table: shop_orders
    recordSchema: schemas/rows.json
    minRows: 1
`;
const api = `version: 1
source: api
rest:
  baseUrl: https://shop.example
  auth: { bearer: "\${TOKEN}" }
  paging: { cursorParam: cursor, cursorPath: meta.next, limitParam: limit, limit: 500 }
streams:
  - name: rows
    path: /rows
    records: data
    params: { status: closed }
    cursor: { field: at, param: since }
    table: api_rows
    recordSchema: schemas/rows.json
`;

/** Files of a project that are read without a database: a command for each. */
const FILES: readonly (readonly [file: string, text: string, ...args: readonly string[]])[] = [
  ["ingest/shop.yaml", declaration, "ingest", "ls"],
  ["ingest/api.yaml", api, "ingest", "ls"],
  ["ingest/schemas/rows.json", schema, "ingest", "ls"],
  [".env", 'TOKEN=abc\nexport DATAFORM_ENVIRONMENT="dev"\nDATAFORM_CONCURRENCY=4\n# a remark\n', "ingest", "ls"],
  [
    "targets.yaml",
    'default: dev\ntargets:\n  dev: { url: "postgresql://ann@db/shop", vars: { day: "${TOKEN}" }, concurrency: 4 }\n  prod:\n    service: shop\n    waitTimeout: 5m\n    wait: true\n',
    ...["ingest", "ls"],
  ],
  [
    ".dataform/postgres/server.json",
    '{ "version": 1, "port": 5433, "password": "secret", "user": "postgres" }',
    "db",
    "status",
  ],
  [".dataform/postgres/owner.json", '{ "project": "/somewhere/else" }', "db", "status"],
];

test(
  "a file of a source, of settings or of the embedded server that is broken anyhow is told as such",
  async () => {
    const random = randomFrom(seed);
    const findings = new Findings();
    const project = testProject({});
    const write = (file: string, bytes: string | Buffer) => {
      mkdirSync(dirname(join(project.dir, file)), { recursive: true });
      writeFileSync(join(project.dir, file), bytes);
    };
    for (const [file, text] of FILES) if (!file.startsWith(".dataform")) write(file, text);
    for (let left = share(0.4); left > 0; left--) {
      const [file, text, ...args] = FILES[random(FILES.length)]!;
      const bytes = mutated(Buffer.from(text), random);
      write(file, bytes);
      await findings.try(`${file}: ${JSON.stringify(bytes.toString("latin1"))}`, async () => {
        const { exitCode, stdout, stderr } = await cli(project.dir, [...args, "--json"], { TOKEN: "x" });
        return complaintsOf(exitCode, stdout, stderr);
      });
      if (file.startsWith(".dataform")) rmSync(join(project.dir, ".dataform"), { recursive: true, force: true });
      else write(file, text);
    }
    expect(findings.list).toEqual([]);
  },
  timeout,
);

const URLS = [
  "postgresql://ann:s%40crt@db.example:5433/shop?sslmode=require&options=-c%20search_path%3Da&connect_timeout=5",
  "postgresql://%2Fvar%2Frun%2Fpostgresql/shop?application_name=x&target_session_attrs=any",
  "postgresql:///shop?host=a,b&port=1,2&sslrootcert=system",
];
const CREDENTIALS =
  '{ "host": "db.example", "port": 5432, "username": "ann", "password": "secret", "databaseName": "shop", "ssl": true }';

test(
  "a URL or credentials that are broken anyhow name a database or are told as such",
  async () => {
    const random = randomFrom(seed + 1);
    const findings = new Findings();
    const { dir } = testProject({});
    const judged = (work: () => unknown) => {
      try {
        work();
        return [];
      } catch (error) {
        if (error instanceof UserErrors) return error.errors.flatMap(complaints);
        return error instanceof UserError ? complaints(error) : [`it throws: ${(error as Error).stack}`];
      }
    };
    for (let left = share(0.2); left > 0; left--) {
      const url = mutated(Buffer.from(URLS[random(URLS.length)]!), random).toString();
      await findings.try(`URL ${JSON.stringify(url)}`, () => judged(() => parseConnectionUrl(url, "--url")));
      const credentials = mutated(Buffer.from(CREDENTIALS), random);
      writeFileSync(join(dir, ".df-credentials.json"), credentials);
      await findings.try(`.df-credentials.json: ${JSON.stringify(credentials.toString("latin1"))}`, () =>
        judged(() => resolveConnection({}, { projectDir: dir })),
      );
    }
    expect(findings.list).toEqual([]);
  },
  timeout,
);

const LINES = [
  "run --actions a,b --tags x --full-refresh --concurrency 4 --horizon-timeout 30s --json",
  "plan --sql --exit-code --schema-suffix dev --vars a=b,c=d",
  "rollback 3 --hold --reason why --publish-deadline 60s",
  "ingest shop.orders --since 2026-01-01 --dry-run --json",
  "ingest rejects shop --limit 20",
  "export marts.orders out.csv --to csv --delimiter ; --order-by id",
  "query select 1 --json",
  "env drop main --yes --json",
  "gc --keep-releases 2 --keep-for 1h --environment dev",
  "diff 1 2 --environment main --json",
  "retire a b --wait-timeout 5m",
  "roles --prefix df --raw-schemas a,b --apply",
  "test --json --timeout 60s",
];

test(
  "a command line that is broken anyhow is told as such",
  async () => {
    const random = randomFrom(seed + 2);
    const findings = new Findings();
    // In a folder that is no project, before a server that is not there: nothing is compiled, nothing done.
    const { dir, remove } = testProject({});
    remove("dataform.json");
    for (let left = share(0.2); left > 0; left--) {
      const line = mutated(Buffer.from(LINES[random(LINES.length)]!), random).toString();
      // What writes where it is told is not tried out.
      if (/\bdb\b|--project-dir/.test(line)) continue;
      await findings.try(`dataform ${JSON.stringify(line)}`, async () => {
        const args = line.split(" ");
        const { exitCode, stdout, stderr } = await cli(dir, args, { DATABASE_URL: "postgresql://127.0.0.1:1/x" });
        return complaintsOf(exitCode, stdout, stderr);
      });
    }
    expect(findings.list).toEqual([]);
  },
  timeout,
);

const SETTINGS: Readonly<Record<string, string>> = {
  "dataform.json": JSON.stringify({
    project: "shop",
    warehouse: "postgres",
    defaultSchema: "marts",
    assertionSchema: "checks",
    schemaSuffix: "dev",
    tablePrefix: "p",
    vars: { day: "2026-01-01", "a b": "", land: { env: "LAND", default: "France" } },
    disableAssertions: false,
    retention: { releases: 3, releasesFor: "2h", runs: 9, runsFor: "90d", failingRows: 0, failingRowsFor: "1d" },
  }),
  "workflow_settings.yaml":
    'project: shop\ndefaultDataset: marts\ndefaultAssertionDataset: checks\ndatasetSuffix: dev\nnamePrefix: p\nvars:\n  day: "2026-01-01"\nretention: { releases: 3, releasesFor: 2h }\n',
  "definitions/actions.yaml":
    "actions:\n- table:\n    name: t\n    filename: t.sql\n    tags: [daily]\n    description: all of it\n    dependencyTargets: [{ name: a }]\n- declaration: { name: orders, dataset: raw }\n",
  "package.json": '{ "name": "shop", "dependencies": { "dataform-postgres": "1" } }',
};

test(
  "settings of a project that are broken anyhow are taken, or told with their file",
  async () => {
    const random = randomFrom(seed + 5);
    const findings = new Findings();
    for (let left = share(0.03); left > 0; left--) {
      const [file, text] = Object.entries(SETTINGS)[left % Object.keys(SETTINGS).length]!;
      const bytes = mutated(Buffer.from(text), random);
      const project = testProject({
        "a.sqlx": 'config { type: "view" }\nselect 1 as id',
        "definitions/t.sql": "select 2 as id",
      });
      if (file === "workflow_settings.yaml") project.remove("dataform.json");
      writeFileSync(join(project.dir, file), bytes);
      await findings.try(`${file}: ${JSON.stringify(bytes.toString("latin1"))}`, async () => {
        const { exitCode, stdout, stderr } = await cli(project.dir, ["compile", "--json"]);
        return complaintsOf(exitCode, stdout, stderr);
      });
    }
    expect(findings.list).toEqual([]);
  },
  timeout,
);

const samples = join(import.meta.dirname, "../sources/formats/files");
const records = [1, 2, 3].map((id) => ({ id, name: `Zoë "${id}"`, at: "2026-01-01T00:00:00Z", amount: id / 4 }));
const ndjson = records.map((one) => `${JSON.stringify(one)}\n`).join("");
const csv = 'id,name,at,amount\n1,Zoë,2026-01-01T00:00:00Z,0.5\n2,"a ""b""\nc",2026-01-01T00:00:00Z,\n';

/** A stream for each format: what it is declared by, and a whole file. */
const FORMATS: Readonly<Record<string, { readonly more?: string; readonly file: string; readonly whole: Buffer }>> = {
  csv: { file: "csv", whole: Buffer.from(csv) },
  packed: { file: "csv.gz", whole: gzipSync(csv), more: "format: csv" },
  ndjson: { file: "ndjson", whole: Buffer.from(ndjson) },
  json: {
    file: "json",
    whole: Buffer.from(JSON.stringify({ data: records })),
    more: "format: json, json: { records: data }",
  },
  xml: {
    file: "xml",
    whole: Buffer.from('<?xml version="1.0"?><a><r id="1"><name>x</name></r><r id="2"><name>&lt;é</name></r></a>'),
    more: 'format: xml, xml: { record: /a/r, fields: { id: "@id", name: name } }',
  },
  avro: { file: "avro", whole: readFileSync(join(samples, "small.avro")) },
  xlsx: { file: "xlsx", whole: readFileSync(join(samples, "mac.xlsx")) },
  parquet: { file: "parquet", whole: readFileSync(join(samples, "small.parquet")) },
};

test(
  "a file of data that is broken anyhow lands, or is told as such; what lands is what was told",
  async () => {
    const random = randomFrom(seed + 3);
    const findings = new Findings();
    const streams = Object.entries(FORMATS).map(
      ([name, { file, more = `format: ${name}` }]) =>
        `  - { name: ${name}, files: "${name}-*.${file}", ${more}, settleSeconds: 0, table: ${name}, recordSchema: schemas/rows.json }`,
    );
    const { project, database, rows } = await warehouse({
      "ingest/data.yaml": `version: 1\nsource: data\nfiles: { at: data }\nstreams:\n${streams.join("\n")}\n`,
      "ingest/schemas/rows.json": schema,
    });
    const inputs = new Map<string, Buffer>();
    mkdirSync(join(project.dir, "data"));
    for (let left = share(0.15); left > 0; left--) {
      const [name, { file, whole }] = Object.entries(FORMATS)[left % Object.keys(FORMATS).length]!;
      const path = `${name}-${left}.${file}`;
      inputs.set(path, mutated(whole, random));
      writeFileSync(join(project.dir, "data", path), inputs.get(path)!);
    }
    const { exitCode, stdout, stderr } = await cli(project.dir, ["ingest", "--json"], { DATABASE_URL: database.url });
    expect(complaintsOf(exitCode, stdout, stderr)).toEqual([]);
    const told = (JSON.parse(stdout) as LoadReport[]).flatMap(({ streams }) => streams);
    for (const { table, files = [], error } of told) {
      expect(files.length, JSON.stringify(error)).toBeGreaterThan(0);
      const landed = new Map<string, string>();
      for (const row of await rows(`select _load_id, count(*) from ${table} group by 1`)) {
        const [load, count] = row.split("|");
        landed.set(load!, count!);
      }
      for (const { path, error: failure, loadId, rows: count } of files)
        await findings.try(`${path}: ${inputs.get(path)!.toString("base64")}`, () => [
          ...(failure ? complaints(failure) : []),
          ...((landed.get(loadId ?? "") ?? "0") === String(failure ? 0 : count)
            ? []
            : ["what landed is not what was told"]),
        ]);
    }
    expect(findings.list).toEqual([]);
  },
  timeout,
);

const MODELS: readonly string[] = [
  `config { type: "table", tags: ["a"], assertions: { uniqueKey: ["id"], nonNull: ["id"] }, postgres: { indexes: [{ columns: ["id"] }] } }
js { const days = 3; }
select id, \${days} as days -- a remark
from \${ref("raw", "orders")}
pre_operations { set work_mem = '64MB' }
post_operations { grant select on \${self()} to public }`,
  `config { type: "incremental", uniqueKey: ["id"], description: "It's", columns: { id: "Its number" } }
select id, 'it''s' as text, $$a$$ as body, "Name" from \${ref("raw", "orders")} \${when(incremental(), \`where id > (select max(id) from \${self()})\`)}`,
  'config { type: "assertion", severity: "warn" } select * from ${ref("raw", "orders")} where id is null',
  'config { type: "view", schema: "bi", dependencies: ["x"] }\nselect /* a */ 1 as id',
];
const SCRIPT =
  'publish("p_NAME", { type: "table" }).query((ctx) => `select 1 as id from ${ctx.ref("raw", "orders")}`);\nassert("q_NAME").query("select 1 where false");';

test(
  "a model or a script that is broken anyhow compiles, or is told with its file",
  async () => {
    const random = randomFrom(seed + 4);
    const findings = new Findings();
    // A script that throws ends the reading of the others: few of them are together.
    const perProject = 20;
    for (let left = share(0.05); left > 0; left -= perProject) {
      const project = testProject({ "raw.sqlx": 'config { type: "declaration", schema: "raw", name: "orders" }' });
      mkdirSync(join(project.dir, "definitions/m"));
      const inputs: string[] = [];
      for (let n = 0; n < Math.min(left, perProject); n++) {
        const isScript = n % 10 === 9;
        const text = isScript ? SCRIPT.replaceAll("NAME", String(n)) : MODELS[random(MODELS.length)]!;
        const bytes = mutated(Buffer.from(text), random);
        inputs.push(bytes.toString("latin1"));
        writeFileSync(join(project.dir, `definitions/m/m${n}.${isScript ? "js" : "sqlx"}`), bytes);
      }
      await findings.try(JSON.stringify(inputs), async () => {
        const { exitCode, stdout, stderr } = await cli(project.dir, ["compile", "--json"]);
        return complaintsOf(exitCode, stdout, stderr);
      });
    }
    expect(findings.list).toEqual([]);
  },
  timeout,
);
