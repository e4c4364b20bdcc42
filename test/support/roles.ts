import { randomUUID } from "node:crypto";
import { inject, onTestFinished } from "vitest";
import { parseConnectionUrl } from "../../src/config/connection.ts";
import type { ConnectionSettings } from "../../src/model/connection-settings.ts";
import { type Duty, roleName } from "../../src/model/roles.ts";
import { type Client, connect, withClient } from "../../src/postgres/client.ts";
import { sqlState } from "../../src/postgres/sqlstate.ts";
import { script } from "../../src/sql/authored.ts";
import { sql } from "../../src/sql/sql.ts";
import { type CliResult, cli } from "./cli.ts";
import type { ProjectFiles } from "./project.ts";
import { type Warehouse, warehouse } from "./warehouse.ts";

export interface Guarded extends Warehouse {
  /** `dataform roles --apply` as the superuser. */
  apply(...flags: string[]): Promise<CliResult>;
  /** A user of its own who is a member of these groups and has no rights until it takes one of the roles. */
  login(...duties: Duty[]): Promise<ConnectionSettings>;
  /** SQLSTATE of a statement, or "ok". */
  tried(client: Client, sql: string): Promise<string>;
  open(settings: ConnectionSettings, role?: string): Promise<Client>;
}

export function uniquePrefix(): string {
  return `t${randomUUID().slice(0, 8)}`;
}

/** A project and a database with roles of a prefix of their own, all gone when the test ends. */
export async function guarded(prefix: string, files: ProjectFiles): Promise<Guarded> {
  const server = parseConnectionUrl(inject("serverUrl"), "TEST_DATABASE_URL");
  // Registered first, so it runs last: roles go once the database that depends on them is gone.
  onTestFinished(async () => {
    await withClient(server, {}, async (client) => {
      const { rows } = await client.query<{ rolname: string }>(
        sql`select rolname from pg_roles where starts_with(rolname, $1) order by rolname like '%admin', rolname`,
        [`${prefix}_`],
      );
      for (const { rolname } of rows) await client.query(script(`drop role "${rolname}"`));
    });
  });
  // Who makes the record is of what these tests ask.
  const house = await warehouse(files, onTestFinished, "empty");
  let users = 0;
  const open = async (settings: ConnectionSettings, role?: string) => {
    const client = await connect(settings, { applicationName: "test" });
    onTestFinished(() => client.close());
    if (role) await client.query(script(`set role ${role}`));
    return client;
  };
  return {
    ...house,
    apply: (...flags) =>
      cli(house.project.dir, ["roles", "--apply", "--prefix", prefix, "--url", house.database.url, ...flags]),
    login: async (...duties) => {
      const user = `${prefix}_user${++users}`;
      const groups = duties.map((duty) => roleName(prefix, duty)).join(", ");
      await house.sql(`create role ${user} login noinherit password 'secret' in role ${groups}`);
      return { ...house.database.settings, user, password: "secret", roles: prefix };
    },
    tried: async (client, sql) => {
      try {
        await client.script(script(sql));
        return "ok";
      } catch (error) {
        return sqlState(error) ?? String(error);
      }
    },
    open,
  };
}
