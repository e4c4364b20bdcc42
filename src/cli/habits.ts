/** Words of dbt, SQLMesh and Dataform 2 for what has another word here. */
const COMMANDS: Readonly<Record<string, string>> = {
  build: "`dataform run` builds, tests and publishes",
  apply: "`dataform run` builds, tests and publishes",
  audit: "`dataform run` asks every assertion before it publishes",
  seed: "`dataform run` makes tables of the CSV files in seeds/, with the models; `--tags seed` alone (docs/models.md)",
  load: "`dataform ingest` lands data: declare where from in ingest/*.yaml (docs/ingest.md)",
  deps: "npm install: what a project needs stands in package.json",
  snapshot: "a history of a source is a model: scd2.publish (docs/history.md)",
  clean: "`dataform gc` drops what no kept release needs, as each run does at its end",
  parse: "`dataform compile` reads the project without a database",
  validate: "`dataform plan` tries everything out without leaving anything behind",
  show: "`dataform query 'select …'` shows rows",
  evaluate: "`dataform query 'select …'` shows rows",
  fetchdf: "`dataform query 'select …'` shows rows",
  source: "`dataform freshness` says how new each source is, against what its declaration wants (docs/ingest.md)",
  "run-operation": 'config { type: "operations" } is run with the models: `dataform run --actions name`',
  janitor: "`dataform gc` drops what no kept release needs, as each run does at its end",
  invalidate: "`dataform env drop name` drops an environment",
  migrate: "schema _dataform is brought up to date by the next run",
  lint: "`dataform compile` finds mistakes without a database, `dataform plan` with one",
  restate: "`dataform run --full-refresh --actions name` makes an incremental model anew",
};

const OPTIONS: Readonly<Record<string, string>> = {
  "--select": "`ls`, `run` and `plan` take --select",
  "-s": "`ls`, `run` and `plan` take --select",
  "--exclude": "`ls`, `run` and `plan` take --select and --exclude",
  "--models": "--select name",
  "-m": "--select name",
  "--select-model": "--select name",
  "--threads": "--concurrency says how many models are built at once",
  "--profile": "--url postgresql://…, or DATABASE_URL",
  "--profiles-dir": "--url postgresql://…, or DATABASE_URL",
  "--state": "`ls`, `run` and `plan` take --state",
  "--defer": "what is not built is read as it is published",
  "--schedules": "--tags name",
  "--restate-model": "--full-refresh --actions name makes an incremental model anew",
  "--log-level": "--debug shows where an error comes from",
  "--fail-fast": "--all-or-nothing publishes nothing where something failed",
};

/** A command of the command line, with the flags that it has. */
interface Typed {
  readonly name: string;
  readonly flags: readonly string[];
}

const CHOOSES = new Set(["run", "plan"]);
const COMPILES_ALL: Readonly<Record<string, string>> = {
  compile: "`dataform compile` takes --output-actions and --output-tags; `ls`, `run` and `plan` choose, by --select",
  test: "`dataform test` runs all; `run` and `plan` choose, by --select",
};

/** What to write instead of a word of a command line that is unknown, where it has a meaning elsewhere. */
export function adviceForHabit(message: string, command?: Typed): string | undefined {
  const [, kind, word] = /unknown (command|option) '([^'=]+)/.exec(message) ?? [];
  if (word === undefined) return valueNotTaken(message, command);
  const words = kind === "command" ? COMMANDS : OPTIONS;
  if (!Object.hasOwn(words, word)) return valueNotTaken(message, command);
  const advised = words[word]!;
  if (kind === "command" || command === undefined) return advised;
  const flags: readonly string[] = advised.replace(/`[^`]*`/g, "").match(/--[\w-]+/g) ?? [];
  if (flags.every((flag) => command.flags.includes(flag))) return advised;
  return flags.some((flag) => flag === "--actions" || flag === "--select") && Object.hasOwn(COMPILES_ALL, command.name)
    ? COMPILES_ALL[command.name]
    : undefined;
}

/** What is written behind a command or a flag that takes nothing. */
function valueNotTaken(message: string, command: Typed | undefined): string | undefined {
  if (command === undefined || !CHOOSES.has(command.name)) return undefined;
  const [, flag] = /unknown option '(--[\w-]+)=[^']*'/.exec(message) ?? [];
  if (flag === "--full-refresh") return "it takes no value: --full-refresh --actions name";
  if (/^too many arguments/.test(message))
    return `models are chosen by a flag: dataform ${command.name} --actions name`;
  if (/'--vars .*' argument '\{/.test(message)) return "not as YAML: --vars name=value,other=value";
  return undefined;
}
