import type { Duty } from "../model/roles.ts";
import { id } from "./identifiers.ts";
import { literal } from "./literals.ts";
import { join, type Sql, sql } from "./sql.ts";

/**
 * Where names without a schema are looked up: "ours" in pg_catalog and nowhere else, so that nothing that others made is
 * taken for a function, an operator or a type of PostgreSQL; "theirs" where the database, the role or the URL says, for what
 * a person wrote, and for what of it a statement of ours comes to evaluate: a view, an index, a trigger.
 */
export type NamesIn = "ours" | "theirs";

const PATHS: Readonly<Record<NamesIn, Sql>> = {
  ours: sql`search_path = pg_catalog, pg_temp`,
  theirs: sql`search_path to default`,
};

/** For the session. */
export function lookUp(names: NamesIn): Sql {
  return sql`set ${PATHS[names]}`;
}

/** Until the transaction ends, or the savepoint before it is gone back to. */
export function lookUpLocally(names: NamesIn): Sql {
  return sql`set local ${PATHS[names]}`;
}

/** A setting of the server and its value. */
export type ServerSetting = readonly [name: string, value: string];

/** What every session of ours has, whatever the database is set to: the statement, and what it sets. */
const PINNED: readonly (readonly [Sql, ServerSetting])[] = [
  // The tokenizer and the server must read quotes alike.
  [sql`set standard_conforming_strings = on`, ["standard_conforming_strings", "on"]],
  // What the server prints of names and types is compared with what it printed before, and read.
  [sql`set quote_all_identifiers = off`, ["quote_all_identifiers", "off"]],
  // They are for sessions that somebody forgot. One of ours waits for builds, or for a source.
  [sql`set idle_session_timeout = 0`, ["idle_session_timeout", "0"]],
  [sql`set idle_in_transaction_session_timeout = 0`, ["idle_in_transaction_session_timeout", "0"]],
  // What a model of many steps is estimated to cost makes the server compile it for seconds, though it runs for less, and even
  // where no row is read of it. A model for which it pays says `pre_operations { set local jit = on }`.
  [sql`set jit = off`, ["jit", "off"]],
];

/** Whether somebody has said how long this login waits for a lock (`LOCK_TIMEOUT`); "unsaid": then we do. */
export type LockTimeoutIs = "said" | "unsaid";

/**
 * How long a statement waits for a lock where nobody has said it (`lock_timeout` of the server, the role, the database or
 * the URL): what reads or lands much for what may be a long maintenance, the record of runs for what is short.
 */
export const LOCK_TIMEOUT: Readonly<Record<Duty, string>> = {
  loader: "5min",
  builder: "5min",
  publisher: "1min",
  reader: "5min",
  server: "1min",
};

/** The same as a statement, for a session whose settings were taken away. */
export function lockTimeout(duty: Duty): Sql {
  return sql`
    select pg_catalog.set_config(name, ${literal(LOCK_TIMEOUT[duty])}, false)
    from pg_catalog.pg_settings
    where name operator(pg_catalog.=) 'lock_timeout' and source operator(pg_catalog.=) 'default'`;
}

/** What a session of ours begins with, as statements. */
export function opening(names: NamesIn, role: string | undefined): Sql[] {
  return [
    ...PINNED.map(([statement]) => statement),
    ...(names === "ours" ? [lookUp(names)] : []),
    ...(role === undefined ? [] : [sql`set role ${id(role)}`]),
  ];
}

/** The same as values. */
export function openingSettings(names: NamesIn, role: string | undefined): ServerSetting[] {
  return [
    ...PINNED.map(([, setting]) => setting),
    ...(names === "ours" ? [["search_path", "pg_catalog, pg_temp"] as const] : []),
    ...(role === undefined ? [] : [["role", role] as const]),
  ];
}

/** Sets them, for the session or until the transaction ends. Nothing in it is looked up but in pg_catalog. */
export function setAll(settings: readonly ServerSetting[], reach: "session" | "transaction"): Sql {
  const isLocal = literal(reach === "transaction");
  const calls = settings.map(
    ([name, value]) => sql`pg_catalog.set_config(${literal(name)}, ${literal(value)}, ${isLocal})`,
  );
  return sql`select ${join(calls, ", ")}`;
}

/** Takes away what was set, made or locked in a session: `discard all`, which is refused beside other statements. */
export const DISCARD: readonly Sql[] = [
  sql`close all`,
  sql`reset session authorization`,
  sql`reset all`,
  sql`deallocate all`,
  sql`unlisten *`,
  sql`select pg_catalog.pg_advisory_unlock_all()`,
  sql`discard plans`,
  sql`discard temp`,
  sql`discard sequences`,
];

/** Times, bytes and floating-point numbers as everybody reads them, whatever the database's settings are, until the transaction ends. */
export const READ_ALIKE: readonly Sql[] = [
  sql`set local datestyle = 'ISO, YMD'`,
  sql`set local timezone = 'UTC'`,
  sql`set local intervalstyle = 'postgres'`,
  sql`set local bytea_output = 'hex'`,
  sql`set local extra_float_digits = 1`,
];
