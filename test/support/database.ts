import { randomUUID } from "node:crypto";
import { inject, onTestFinished } from "vitest";
import { parseConnectionUrl } from "../../src/config/connection.ts";
import { type ConnectionSettings, connectionUrl } from "../../src/model/connection-settings.ts";
import { type Client, connect } from "../../src/postgres/client.ts";
import { script } from "../../src/sql/authored.ts";

export interface TestDatabase {
  readonly settings: ConnectionSettings;
  /** With its password, for programs under test. */
  readonly url: string;
  drop(): Promise<void>;
}

/** One session for each server, as long as its worker lives: to open one costs as much as a run. */
const superusers = new Map<string, Promise<Client>>();

/** What a database is a copy of: an empty one, or one that has the record of runs and nothing else. */
export type Template = "empty" | "recorded";

/** A database of its own for one test or one file. The user is a superuser. */
export async function testDatabase(from: Template = "empty"): Promise<TestDatabase> {
  const url = inject("serverUrl");
  const server = parseConnectionUrl(url, "TEST_DATABASE_URL");
  const superuser = superusers.get(url) ?? connect(server, { applicationName: "test databases" });
  superusers.set(url, superuser);
  const run = async (sql: string) => (await superuser).query(script(sql));
  const database = `test_${randomUUID().replaceAll("-", "").slice(0, 12)}`;
  // Files are copied in half of the time that pages take.
  await run(`create database ${database} template ${inject(from)} strategy file_copy`);
  const settings = { ...server, database };
  return {
    settings,
    url: connectionUrl(settings, { password: true }),
    drop: async () => void (await run(`drop database if exists ${database} with (force)`)),
  };
}

/** A database of this test, with a session of the superuser in it; both are gone when the test ends. */
export async function ownDatabase(): Promise<TestDatabase & { readonly client: Client }> {
  const database = await testDatabase();
  const client = await connect(database.settings, { applicationName: "test" });
  onTestFinished(async () => {
    await client.close();
    await database.drop();
  });
  return { ...database, client };
}
