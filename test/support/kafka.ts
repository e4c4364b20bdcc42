import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll } from "vitest";
import { loadIngest } from "../../src/config/load-ingest.ts";
import { type IngestOptions, ingest } from "../../src/land/ingest.ts";
import type { IngestDeclaration } from "../../src/model/declarations.ts";
import type { StreamLoad } from "../../src/model/load-report.ts";
import { type Client, connect } from "../../src/postgres/client.ts";
import { script } from "../../src/sql/authored.ts";
import { type TestDatabase, testDatabase } from "./database.ts";
import { startKafka, type TestKafka, withDriver } from "./servers/kafka.ts";

/** What differs in a declaration. Keys of a stream, as JSON. */
interface DeclaredTopic {
  readonly kafka?: object;
  readonly stream?: object;
  readonly env?: Readonly<Record<string, string>>;
  readonly files?: Readonly<Record<string, string>>;
}

export interface KafkaDatabase {
  readonly kafka: TestKafka;
  readonly database: TestDatabase;
  readonly client: Client;
  /** A source that is called like its topic, with a stream `records` into a table of that name. */
  declare(topic: string, changes?: DeclaredTopic): IngestDeclaration;
  load(topic: string, changes?: DeclaredTopic, options?: IngestOptions): Promise<StreamLoad>;
  /** Rows of a query, each as `a|b|c`. */
  rows(sql: string): Promise<string[]>;
  sql(text: string): Promise<void>;
}

export const RECORD = {
  type: "object",
  required: ["id"],
  properties: { id: { type: "integer" }, name: { type: "string" } },
};

/** A broker and a database for the tests of one file; each test has topics of its own. */
export function kafkaDatabase(isThere: boolean): KafkaDatabase {
  const folder = mkdtempSync(join(tmpdir(), "dataform-topics-"));
  let kafka: TestKafka;
  let database: TestDatabase;
  let client: Client;
  beforeAll(async () => {
    if (!isThere) return;
    [kafka, database] = await Promise.all([startKafka(), testDatabase()]);
    client = await connect(database.settings);
  });
  afterAll(async () => {
    rmSync(folder, { recursive: true, force: true });
    await client?.close();
    await Promise.all([kafka?.stop(), database?.drop()]);
  });
  const declare: KafkaDatabase["declare"] = (topic, { kafka: own, stream, env = {}, files = {} } = {}) => {
    mkdirSync(folder, { recursive: true });
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
    const path = join(folder, `${topic}.yaml`);
    const connector = { brokers: kafka.brokers, ...own };
    const streams = [{ name: "records", topic, table: topic, recordSchema: RECORD, ...stream }];
    // JSON is YAML.
    writeFileSync(path, JSON.stringify({ version: 1, source: topic, kafka: connector, streams }));
    return loadIngest(path, { projectDir: withDriver, env });
  };
  return {
    declare,
    load: async (topic, changes, options) =>
      (await ingest(declare(topic, changes), database.settings, options)).streams[0]!,
    rows: async (sql) => {
      const { rows } = await client.table(script(sql));
      return rows.map((row) => row.map((value) => value ?? "∅").join("|"));
    },
    sql: async (text) => void (await client.script(script(text))),
    get kafka() {
      return kafka;
    },
    get database() {
      return database;
    },
    get client() {
      return client;
    },
  };
}
