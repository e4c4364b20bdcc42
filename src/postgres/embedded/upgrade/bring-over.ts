import type { ConnectionSettings } from "../../../model/connection-settings.ts";
import { UserError } from "../../../model/errors.ts";
import { asWritten } from "../../../sql/authored.ts";
import { literal } from "../../../sql/literals.ts";
import { splitStatements } from "../../../sql/split.ts";
import { sql } from "../../../sql/sql.ts";
import { type Client, withClient } from "../../client.ts";
import { type DumpTool, dumpDefinitions } from "./dump.ts";
import { requireSameObjects } from "./inventory.ts";
import {
  availableExtensions,
  type NotCarried,
  notCarriedOf,
  notCarriedOfCluster,
  notCarriedTo,
  refuse,
} from "./not-carried.ts";
import { copyRoles } from "./roles.ts";
import { copyRows, copySequences, requireSameRows, tablesOf } from "./rows.ts";
import { systemRights } from "./system-rights.ts";
import { isUntouched } from "./untouched.ts";

/** The old server at work, which nobody writes to. */
export interface Old {
  readonly from: ConnectionSettings;
  readonly signal?: AbortSignal | undefined;
}

/** Both servers. */
export interface Sides extends Old {
  readonly to: ConnectionSettings;
  readonly events: UpgradeEvents;
}

export interface UpgradeEvents {
  /** A step that begins. */
  say(step: string): void;
  /** How far it is; "" takes it away. */
  progress(text: string): void;
}

/** What has been compared. */
export interface Compared {
  readonly objects: number;
  readonly tables: number;
  readonly rows: number;
}

/** Of the server: it is always there, and nobody needs it while others are made. */
const TEMPLATE = "template1";
const DEFAULT = "postgres";

/** The databases of the old server, the template first. */
export async function databasesOf({ from, signal }: Old): Promise<readonly string[]> {
  return withClient({ ...from, database: TEMPLATE }, { names: "ours", signal }, async (client) => {
    const { rows } = await client.query<{ datname: string }>(
      sql`select datname from pg_database where datname <> 'template0' order by datname <> ${literal(TEMPLATE)}, datname`,
    );
    return rows.map(({ datname }) => datname);
  });
}

/** @throws UserError that names what would not come along, before anything is made */
export async function requireWhole({ from, signal }: Old, databases: readonly string[]): Promise<void> {
  const how = { names: "ours", signal } as const;
  const found = await withClient({ ...from, database: TEMPLATE }, how, notCarriedOfCluster);
  for (const database of databases)
    found.push(...(await withClient({ ...from, database }, how, (client) => notCarriedOf(client, database))));
  refuse(found);
}

/** The same of what can be seen beside the new server only. */
async function requireKnown({ from, to, signal }: Sides, databases: readonly string[]): Promise<void> {
  const how = { names: "ours", signal } as const;
  const fresh = await withClient({ ...to, database: TEMPLATE }, how, async (client) => ({
    extensions: await availableExtensions(client),
    rights: await systemRights(client),
  }));
  const found: NotCarried[] = [];
  for (const database of databases)
    found.push(...(await withClient({ ...from, database }, how, (client) => notCarriedTo(client, database, fresh))));
  refuse(found);
}

/** Makes roles and databases in the new server, which has none yet, and fills them. */
export async function bringOver(sides: Sides, databases: readonly string[], tool: DumpTool): Promise<void> {
  await requireKnown(sides, databases);
  await both(sides, TEMPLATE, async (from, to) => {
    await copyRoles(from, to);
    if (!databases.includes(DEFAULT)) await to.query(sql`drop database postgres`);
  });
  for (const database of databases) {
    const isThere = database === TEMPLATE || database === DEFAULT;
    if (!isThere || !(await both(sides, database, isUntouched))) await bringDatabase(sides, database, tool);
  }
}

async function bringDatabase(sides: Sides, database: string, tool: DumpTool): Promise<void> {
  const { from, to, events, signal } = sides;
  events.say(`database ${database}: definitions`);
  const script = await dumpDefinitions(tool, { ...from, database }, signal);
  // Nobody may be in the one that is dropped and made again.
  const beside = { ...to, database: database === TEMPLATE ? DEFAULT : TEMPLATE };
  await withClient(beside, { signal }, (client) => send(client, script.database));
  await both(sides, database, async (old, fresh) => {
    await send(fresh, script.before);
    await copyTables(sides, database, [old, fresh]);
    events.say(`database ${database}: indexes, constraints and what else needs the rows`);
    await send(fresh, script.after);
    await fresh.query(sql`vacuum (freeze, analyze)`);
  });
}

/** Compares the databases of both servers: objects, rights, comments, columns, and the rows of every table. */
export async function compare(sides: Sides, databases: readonly string[]): Promise<Compared> {
  const all = { objects: 0, tables: 0, rows: 0 };
  for (const database of databases) {
    sides.events.say(`database ${database}: comparing`);
    await both(sides, database, async (from, to) => {
      all.objects += await requireSameObjects(from, to, database);
      const tables = await tablesOf(from);
      for (const [at, table] of tables.entries()) {
        sides.events.progress(`${at + 1}/${tables.length}  ${table.schema}.${table.name}`);
        all.rows += await requireSameRows(from, to, table);
      }
      all.tables += tables.length;
      sides.events.progress("");
    });
  }
  return all;
}

async function copyTables({ events }: Sides, database: string, [from, to]: readonly [Client, Client]): Promise<void> {
  const tables = await tablesOf(from);
  if (tables.length) events.say(`database ${database}: ${tables.length} tables`);
  for (const [at, table] of tables.entries()) {
    const place = `${at + 1}/${tables.length}  ${table.schema}.${table.name}`;
    await copyRows(from, to, table, (bytes) => events.progress(`${place}  ${(bytes / 1e6).toFixed(1)} MB`));
  }
  events.progress("");
  await copySequences(from, to);
}

/** A connection to each side; the old one's finds nothing by a name without its schema, as the new one's by pg_dump. */
async function both<T>(
  { from, to, signal }: Sides,
  database: string,
  work: (from: Client, to: Client) => Promise<T>,
): Promise<T> {
  const how = { names: "ours", signal } as const;
  return withClient({ ...from, database }, how, (old) =>
    withClient({ ...to, database }, how, (fresh) => work(old, fresh)),
  );
}

async function send(client: Client, script: string): Promise<void> {
  for (const text of splitStatements(script)) {
    await client.script(asWritten(text)).catch((cause: Error) => {
      throw new UserError({
        message: `the new PostgreSQL refuses a definition of the old one: ${cause.message}`,
        found: text.trim().split("\n").slice(0, 30).join("\n"),
        hint: `change or drop it in the old one, then begin again; nothing was changed`,
        cause,
      });
    });
  }
}
