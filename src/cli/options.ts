import { type Command, InvalidArgumentError, Option } from "commander";
import { milliseconds } from "../model/duration.ts";
import { DEFAULT_ENVIRONMENT } from "../model/release.ts";

/** Options by the names Dataform's own command line gives them. */
export interface ProjectFlags {
  readonly vars?: Record<string, string>;
  readonly defaultSchema?: string;
  readonly assertionSchema?: string;
  readonly schemaSuffix?: string;
  readonly tablePrefix?: string;
  readonly disableAssertions?: boolean;
  readonly timeout?: number;
}

export function addProjectOptions(command: Command): Command {
  return command
    .addOption(new Option("--vars <k=v,…>", "project variables, overriding dataform.json").argParser(parseVars))
    .option("--default-schema <name>", "schema of models that name none")
    .option("--assertion-schema <name>", "schema that assertions are named in")
    .option("--schema-suffix <text>", "added to every schema the project writes to; gives an environment of its own")
    .option("--table-prefix <text>", "added before the name of every relation the project makes")
    .option("--disable-assertions", "compile without assertions")
    .addOption(new Option("--timeout <duration>", "time for compiling: 30s, 2m").argParser(parseDuration));
}

export function addConnectionOption(command: Command): Command {
  return addDatabaseOptions(command)
    .option("--roles <prefix>", "act as the roles that `dataform roles` made (DATAFORM_ROLES)")
    .option(
      "--publisher-url <url>",
      "what publishes logs in as another user than what builds (DATAFORM_PUBLISHER_URL)",
    );
}

export function addDatabaseOptions(command: Command): Command {
  return command
    .option("--url <url>", "the database: postgresql://user:password@host:port/database, or embedded (DATABASE_URL)")
    .option("--credentials <file>", "the database, as Dataform 2 writes it (.df-credentials.json)");
}

/** Which database, as the command line says it. */
export interface ConnectionFlags {
  readonly url?: string;
  readonly credentials?: string;
  readonly roles?: string;
  readonly publisherUrl?: string;
  readonly readerUrl?: string;
}

// Flags of Dataform's command line that say nothing here, and why.
const onBigQuery = "has no meaning on PostgreSQL and is ignored";
const saysNothing: Readonly<Record<string, string>> = {
  "--default-database <value>": onBigQuery,
  "--default-location <value>": onBigQuery,
  "--database-suffix <value>": onBigQuery,
  "--default-reservation <value>": onBigQuery,
  "--iceberg": onBigQuery,
  "--job-labels <value>": onBigQuery,
  "--job-prefix <value>": onBigQuery,
  "--jit-timeout <value>": onBigQuery,
  "--emit-lineage":
    "tells Google's catalogue and is ignored; notifications.yaml sends OpenLineage (docs/notifications.md)",
  "--track": "is ignored: nothing is tracked",
  "--no-track": "is ignored: nothing is tracked",
};

/** Takes these flags without effect, each with one warning, so that scripts written for Dataform keep working. */
export function addIgnoredOptions(command: Command, say: (line: string) => void): Command {
  const ignored = Object.entries(saysNothing).map(([flags, why]) => ({ option: new Option(flags).hideHelp(), why }));
  for (const { option } of ignored) command.addOption(option);
  command.hook("preAction", (_, acting) => {
    const said = ignored.filter(({ option }) => acting.getOptionValueSource(option.attributeName()) === "cli");
    // `--no-track` is the same option as `--track`.
    const lines = new Map(said.map(({ option, why }) => [option.attributeName(), `warning: ${option.long} ${why}`]));
    for (const line of lines.values()) say(line);
  });
  return command;
}

export interface EnvironmentFlags extends ProjectFlags {
  readonly environment?: string;
}

/** The environment whose releases a run belongs to: a suffix or prefix makes relations of its own. */
export function environmentName(flags: EnvironmentFlags): string {
  return (
    flags.environment ?? ([flags.tablePrefix, flags.schemaSuffix].filter(Boolean).join("_") || DEFAULT_ENVIRONMENT)
  );
}

function parseVars(text: string, before: Record<string, string> = {}): Record<string, string> {
  if (text.trimStart().startsWith('{"')) return { ...before, ...parseJsonVars(text) };
  const pairs = text.split(",").map((pair) => {
    const at = pair.indexOf("=");
    const name = pair.slice(0, Math.max(at, 0)).trim();
    if (name === "__proto__") throw new InvalidArgumentError("No variable can be called __proto__.");
    if (name !== "") return [name, pair.slice(at + 1)];
    throw new InvalidArgumentError("Expected name=value,name=value.");
  });
  return { ...before, ...Object.fromEntries(pairs) };
}

/** `{"name": "value"}`, where a value has a comma. */
function parseJsonVars(text: string): Record<string, string> {
  try {
    const vars = Object.entries(JSON.parse(text) as object);
    if (vars.every(([name, value]) => name !== "__proto__" && typeof value === "string"))
      return Object.fromEntries(vars);
  } catch {
    // It is told as what has other values.
  }
  throw new InvalidArgumentError('Expected {"name": "value", "other": "value"}, each a text.');
}

/** "30s", "2m", "7d" → milliseconds; a plain number is seconds. */
export function parseDuration(text: string): number {
  const parsed = milliseconds(text);
  if (parsed !== undefined) return parsed;
  throw new InvalidArgumentError("Expected a duration: 30s, 2m, 500ms, 1h, 7d.");
}

/** Digits and nothing else: 1e3 and 0x10 are numbers to JavaScript only, and one that it rounds is none. */
export function wholeNumber(text: string): number | undefined {
  const number = /^\d+$/.test(text) ? Number(text) : undefined;
  return Number.isSafeInteger(number) ? number : undefined;
}

/** A whole number from 1 on. */
export function parseCount(text: string): number {
  const count = wholeNumber(text);
  if (count) return count;
  throw new InvalidArgumentError("Expected a whole number from 1 on.");
}

/** `--actions a,b --actions c` → a, b, c. An empty list is a mistake: it would mean everything. */
export function collectNames(text: string, before: readonly string[] = []): string[] {
  const names = text
    .split(",")
    .map((name) => name.trim())
    .filter(Boolean);
  if (!names.length) throw new InvalidArgumentError("Expected at least one name.");
  return [...before, ...names];
}

export function portNumber(text: string): number {
  if (!/^\d{1,5}$/.test(text)) throw new InvalidArgumentError("expected a TCP port number.");
  return Number(text);
}

/** Rows that one answer to a question has at most. */
export function parseQueryRows(text: string): number {
  const rows = wholeNumber(text);
  if (rows !== undefined && rows >= 1 && rows <= 100_000) return rows;
  throw new InvalidArgumentError("Expected a whole number from 1 to 100000.");
}

/** What PostgreSQL takes for a timeout, in milliseconds. */
const MOST_TIME = 2_147_483_647;

export function parseQueryTime(text: string): number {
  const time = Math.round(parseDuration(text));
  if (time >= 1 && time <= MOST_TIME) return time;
  throw new InvalidArgumentError("Expected a duration from 1ms on: 500ms, 10s, 2m.");
}
