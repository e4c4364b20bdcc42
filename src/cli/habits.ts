/** Words of dbt, SQLMesh and Dataform 2 for what has another word here: docs/from-dbt.md, docs/from-sqlmesh.md. */
const COMMANDS: Readonly<Record<string, string>> = {
  build: "`dataform run` builds, tests and publishes",
  apply: "`dataform run` builds, tests and publishes",
  audit: "`dataform run` asks every assertion before it publishes; alone: `run --select type:assertion`",
  seed: "`dataform run` makes tables of the CSV files in seeds/, with the models; `--tags seed` alone (docs/models.md)",
  load: "`dataform ingest` lands data: declare where from in ingest/*.yaml (docs/ingest.md)",
  deps: "`dataform install`: what a project needs stands in package.json",
  snapshot: "a history of a source is a model: scd2.publish (docs/history.md)",
  clean: "`dataform gc` drops what no kept release needs, as each run does at its end",
  clone: "nothing is copied: `dataform run --defer prod` reads another environment",
  parse: "`dataform compile` reads the project without a database",
  validate: "`dataform plan` tries everything out without leaving anything behind",
  render: "`dataform describe name` shows a model's SQL, `dataform plan --sql` every statement",
  evaluate: "`dataform show name` and `dataform query 'select …'` show rows",
  fetchdf: "`dataform query 'select …' --json` gives rows",
  source: "`dataform freshness` says how new each source is, against what its declaration wants (docs/ingest.md)",
  "run-operation":
    'config { type: "operations", postgres: { runs: "named" } }, and `dataform run --actions name` (docs/hooks.md)',
  janitor: "`dataform gc` drops what no kept release needs, as each run does at its end",
  environments: "`dataform env ls` lists them",
  invalidate: "`dataform env drop name` drops an environment",
  destroy: "`dataform env drop name` drops an environment",
  migrate: "schema _dataform is brought up to date by the next run",
  lint: "`dataform compile` finds mistakes without a database, `dataform plan` with one",
  info: "`dataform doctor` looks at the project, the database and what a run needs",
  ui: "`dataform site serve` shows the models, their lineage and their rows",
  dag: "`dataform compile --dot` draws the graph; `dataform site build` shows it",
  create_test: 'a unit test is a file: config { type: "test" } (docs/models.md)',
  create_external_models: "`dataform ingest infer` declares what a table or a file holds",
  table_diff: "`dataform diff 3 4` compares two releases by key",
  table_name: "readers use the view; `dataform releases` lists what stands behind",
  check_intervals: "no intervals are kept; `dataform plan --changed` says what has other rows",
  dlt_refresh: "`dataform ingest` lands what ingest/*.yaml declares (docs/ingest.md)",
  restate: "`dataform run --full-refresh --actions name` makes an incremental model anew",
};

const OPTIONS: Readonly<Record<string, string>> = {
  "--select": "`ls`, `run` and `plan` take --select",
  "-s": "`ls`, `run` and `plan` take --select",
  "--exclude": "`ls`, `run` and `plan` take --select and --exclude",
  "--models": "--select name",
  "-m": "--select name",
  "--select-model": "--select name",
  "--backfill-model": "--select name",
  "--selector": "--select selector:name, of selectors.yaml",
  "--indirect-selection": "an assertion goes with what it reads; --exclude type:assertion leaves them out",
  "--threads": "--concurrency says how many models are built at once",
  "--profile": "--target name, of targets.yaml",
  "--profiles-dir": "targets.yaml stands beside the project file: --target name",
  "--gateway": "--target name, of targets.yaml",
  "--paths": "the folder behind the command, or `--project-dir`",
  "-p": "the folder behind the command, or `--project-dir`",
  "--state": "`ls`, `run` and `plan` take --state",
  "--favor-state": "what this environment has published is read of it; `dataform env drop` takes it away",
  "--defer": "what is not built is read as it is published",
  "--create-from": "--defer name reads of another environment what is not built",
  "--schedules": "--tags name",
  "--dev": "`dataform dev`, or --schema-suffix dev",
  "--restate-model": "--full-refresh --actions name makes an incremental model anew",
  "--start": "a variable, --vars since=2026-01-01, and a condition in the model",
  "--end": "a variable, --vars until=2026-01-01, and a condition in the model",
  "--execution-time": "a variable, --vars at=2026-01-01, and a condition in the model",
  "--event-time-start": "a variable, --vars since=2026-01-01, and a condition in the model",
  "--event-time-end": "a variable, --vars until=2026-01-01, and a condition in the model",
  "--empty": "`dataform plan` tries everything in empty shapes, and leaves nothing behind",
  "--skip-backfill": "`dataform plan` tries everything in empty shapes, and leaves nothing behind",
  "--empty-backfill": "`dataform plan` tries everything in empty shapes, and leaves nothing behind",
  "--sample": "`dataform show name` reads a few rows of what a model would be",
  "--explain": "`dataform plan` says why each model is built; `plan --sql` shows every statement",
  "--store-failures": "the first rows that fail an assertion are always kept, in _dataform.failing_row",
  "--warn-error": 'each assertion says its own: postgres: { severity: "warn" }',
  "--auto-apply": "nothing is asked: `dataform plan` shows, `dataform run` does",
  "--no-prompts": "nothing is asked: `dataform plan` shows, `dataform run` does",
  "--skip-tests": "unit tests run where --run-tests says so",
  "--forward-only": "an incremental model keeps its rows until --full-refresh",
  "--include-unmodified": "what an environment has not published is read of another one by --defer",
  "--no-gaps": "what an environment has not published is read of another one by --defer",
  "--ignore-cron": "a run knows no clock; `dataform schedule run name` runs a line of it now",
  "--target-path": "--artifacts folder",
  "--log-format": "--json prints the report as one document",
  "--log-level": "`--debug` shows where an error comes from",
  "--no-partial-parse": "what is kept of the compiler is asked only while it is right",
  "--fail-fast": "--all-or-nothing publishes nothing where something failed",
  "-x": "--all-or-nothing publishes nothing where something failed",
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
