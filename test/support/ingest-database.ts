import { afterAll, beforeAll, beforeEach } from "vitest";
import { type IngestOptions, ingest } from "../../src/land/ingest.ts";
import type { StreamLoad } from "../../src/model/load-report.ts";
import { type Client, connect } from "../../src/postgres/client.ts";
import { script } from "../../src/sql/authored.ts";
import { type TestDatabase, testDatabase } from "./database.ts";
import { feed, startApi } from "./ingest-api.ts";
import { declaration, stream } from "./ingest-declaration.ts";

type Changes = Parameters<typeof stream>[0];

/** There from the first test on. */
export interface IngestDatabase {
  readonly client: Client;
  readonly settings: TestDatabase["settings"];
  readonly url: string;
  rows<T = Record<string, string | null>>(sql: string): Promise<readonly T[]>;
  /** Loads items from an API, and from one that has these records. `changes` are those of its stream. */
  load(url: string, changes?: Changes, options?: IngestOptions): Promise<StreamLoad>;
  loadRecords(records: readonly unknown[], changes?: Changes, options?: IngestOptions): Promise<StreamLoad>;
}

/** A database for the tests of one file. Nothing has landed in it when a test begins. */
export function ingestDatabase(): IngestDatabase {
  let database: TestDatabase;
  let client: Client;
  beforeAll(async () => {
    database = await testDatabase();
    client = await connect(database.settings);
  });
  beforeEach(() => client.query(script("drop schema if exists raw cascade")));
  afterAll(async () => {
    await client.close();
    await database.drop();
  });
  const load: IngestDatabase["load"] = async (url, changes, options) =>
    (await ingest(declaration(url, {}, [stream(changes)]), database.settings, options)).streams[0]!;
  return {
    load,
    loadRecords: async (records, ...rest) => load((await startApi(feed(() => records as object[]))).url, ...rest),
    get client() {
      return client;
    },
    get settings() {
      return database.settings;
    },
    get url() {
      return database.url;
    },
    rows: async <T>(sql: string) => (await client.query<T>(script(sql))).rows as readonly T[],
  };
}
