import { afterAll, beforeAll, beforeEach } from "vitest";
import { type Client, connect } from "../../src/postgres/client.ts";
import { script } from "../../src/sql/authored.ts";
import { type TestDatabase, testDatabase } from "./database.ts";

/** There from the first test on. */
export interface IngestDatabase {
  readonly client: Client;
  readonly settings: TestDatabase["settings"];
  readonly url: string;
  rows<T = Record<string, string | null>>(sql: string): Promise<readonly T[]>;
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
  return {
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
