/** Words of dbt, SQLMesh and Dataform 2 for what has another word here. */
const COMMANDS: Readonly<Record<string, string>> = {
  ls: "`dataform compile` lists the actions of the project",
  list: "`dataform compile` lists the actions of the project",
  build: "`dataform run` builds, tests and publishes",
  apply: "`dataform run` builds, tests and publishes",
  audit: "`dataform run` asks every assertion before it publishes",
  seed: "`dataform ingest` lands files: declare them in ingest/*.yaml (docs/ingest.md)",
  load: "`dataform ingest` lands data: declare where from in ingest/*.yaml (docs/ingest.md)",
  init: "copy a folder of examples/, or see docs/start.md: a project is dataform.json and definitions/",
  "init-creds": "write DATABASE_URL=postgresql://… into .env, or give --url",
  install: "npm install: the version of Dataform in package.json compiles",
  deps: "npm install: what a project needs stands in package.json",
  debug: "`dataform query 'select version()'` shows whether the database can be reached",
  snapshot: "a history of a source is a model: scd2.publish (docs/history.md)",
  docs: "a description in a config becomes a comment in the database; docs/models.md says which",
  clean: "`dataform gc` drops what no kept release needs, as each run does at its end",
  parse: "`dataform compile` reads the project without a database",
  validate: "`dataform plan` tries everything out without leaving anything behind",
  show: "`dataform query 'select …'` shows rows",
  evaluate: "`dataform query 'select …'` shows rows",
  fetchdf: "`dataform query 'select …'` shows rows",
  format: "SQLX is not formatted here; use your editor",
  retry: "`dataform run` goes on from the release that is published",
  restate: "`dataform run --full-refresh --actions name` makes an incremental model anew",
};

const OPTIONS: Readonly<Record<string, string>> = {
  "--select": "--actions name, --tags name; --include-deps and --include-dependents widen them",
  "-s": "--actions name, --tags name; --include-deps and --include-dependents widen them",
  "--models": "--actions name, --tags name",
  "-m": "--actions name, --tags name",
  "--select-model": "--actions name, --tags name",
  "--exclude": "name what is wanted: --actions name, --tags name",
  "--threads": "--concurrency says how many models are built at once",
  "--target": "--environment name",
  "--profile": "--url postgresql://…, or DATABASE_URL",
  "--profiles-dir": "--url postgresql://…, or DATABASE_URL",
  "--state": "--environment name; `dataform plan` shows what differs from what is published",
  "--defer": "what is not built is read as it is published",
  "--schedules": "--tags name",
  "--fail-fast": "--all-or-nothing publishes nothing where something failed",
};

/** What to write instead of a word of a command line that is unknown, where it has a meaning elsewhere. */
export function adviceForHabit(message: string): string | undefined {
  const [, kind, word] = /unknown (command|option) '([^'=]+)/.exec(message) ?? [];
  const words = kind === "command" ? COMMANDS : OPTIONS;
  return word !== undefined && Object.hasOwn(words, word) ? words[word] : undefined;
}
