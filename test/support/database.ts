import { randomUUID } from "node:crypto";
import { inject } from "vitest";
import { parseConnectionUrl } from "../../src/config/connection.ts";
import { type ConnectionSettings, connectionUrl } from "../../src/model/connection-settings.ts";
import { withClient } from "../../src/postgres/client.ts";
import { script } from "../../src/sql/authored.ts";

export interface TestDatabase {
  readonly settings: ConnectionSettings;
  /** With its password, for programs under test. */
  readonly url: string;
  drop(): Promise<void>;
}

/** An empty database of its own for one test or one file. The user is a superuser. */
export async function testDatabase(): Promise<TestDatabase> {
  const server = parseConnectionUrl(inject("serverUrl"), "TEST_DATABASE_URL");
  const database = `test_${randomUUID().replaceAll("-", "").slice(0, 12)}`;
  const run = (sql: string) => withClient(server, {}, (client) => client.query(script(sql)));
  await run(`create database ${database} template ${inject("template")}`);
  const settings = { ...server, database };
  return {
    settings,
    url: connectionUrl(settings, { password: true }),
    drop: async () => void (await run(`drop database if exists ${database} with (force)`)),
  };
}
