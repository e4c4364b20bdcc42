import type { Command } from "commander";
import { addTargetOption } from "./settings.ts";
import type { AddCommand, Shell } from "./shell.ts";

interface Declared {
  /** As the list of commands shows it. */
  readonly takes: string;
  readonly description: string;
  /** Another name, which people know from elsewhere. */
  readonly alias?: string;
  readonly load: () => Promise<AddCommand>;
}

/** Each command in a file of its own, loaded only when it is asked for: starting must be quick, and so must help. */
export const commands: ReadonlyMap<string, Declared> = new Map<string, Declared>([
  [
    "run",
    {
      takes: "[options] [project-dir]",
      description: "build, audit and publish the project's models; in one commit, where no operation divides the run",
      load: async () => (await import("./commands/run.ts")).addRunCommand,
    },
  ],
  [
    "retry",
    {
      takes: "[options] [project-dir]",
      description: "run again what failed, was held or was not tried in the last run",
      load: async () => (await import("./commands/retry.ts")).addRetryCommand,
    },
  ],
  [
    "plan",
    {
      takes: "[options] [project-dir]",
      description: "show what a run would do, and what readers would notice; changes nothing",
      load: async () => (await import("./commands/plan.ts")).addPlanCommand,
    },
  ],
  [
    "compile",
    {
      takes: "[options] [project-dir]",
      description: "compile the project and list its actions; needs no database",
      load: async () => (await import("./commands/compile.ts")).addCompileCommand,
    },
  ],
  [
    "ls",
    {
      takes: "[options] [project-dir]",
      description: "list the actions that a selection means; needs no database",
      load: async () => (await import("./commands/ls.ts")).addLsCommand,
      alias: "list",
    },
  ],
  [
    "dev",
    {
      takes: "[options] [project-dir]",
      description: "build what changed into an environment of your own, whenever files are others, until Ctrl-C",
      load: async () => (await import("./commands/dev.ts")).addDevCommand,
    },
  ],
  [
    "test",
    {
      takes: "[options] [project-dir]",
      description: 'run the project\'s unit tests (type: "test")',
      load: async () => (await import("./commands/test.ts")).addTestCommand,
    },
  ],
  [
    "describe",
    {
      takes: "[options] <name>",
      description:
        "what a model, a source or an assertion is: columns with types and tests, what it reads, how it stands",
      load: async () => (await import("./commands/describe.ts")).addDescribeCommand,
    },
  ],
  [
    "show",
    {
      takes: "[options] <what>",
      description: "the first rows of a model as its code says now, built or not; of a select over models with ref()",
      load: async () => (await import("./commands/show.ts")).addShowCommand,
    },
  ],
  [
    "query",
    {
      takes: "[options] <sql>",
      description:
        "read something: one statement in a read-only transaction, its rows as a table or, where that is too wide, a list",
      load: async () => (await import("./commands/query.ts")).addQueryCommand,
    },
  ],
  [
    "ingest",
    {
      takes: "[options] [name...]",
      description: "load raw data: the sources declared in ingest/*.yaml, each stream or file in one transaction",
      load: async () => (await import("./commands/ingest.ts")).addIngestCommand,
    },
  ],
  [
    "freshness",
    {
      takes: "[options] [name...]",
      description: "how new each stream of a source is, against what ingest/*.yaml wants; 1 where one is too old",
      load: async () => (await import("./commands/freshness.ts")).addFreshnessCommand,
    },
  ],
  [
    "schedule",
    {
      takes: "[options]",
      description: "run what schedules.yaml says when it is due: loads, runs, exports, one after the other",
      load: async () => (await import("./commands/schedule.ts")).addScheduleCommand,
    },
  ],
  [
    "export",
    {
      takes: "[options] <source> <path>",
      description: "write a relation or the rows of a select to a file: whole or not at all",
      load: async () => (await import("./commands/export.ts")).addExportCommand,
    },
  ],
  [
    "dashboard",
    {
      takes: "",
      description: "list the dashboards of the project, and write one as a picture",
      load: async () => (await import("./commands/dashboard.ts")).addDashboardCommand,
    },
  ],
  [
    "collect",
    {
      takes: "[options] [source...]",
      description: "take events over HTTP and land them as they come; each is answered once it is committed",
      load: async () => (await import("./commands/collect.ts")).addCollectCommand,
    },
  ],
  [
    "serve",
    {
      takes: "[options]",
      description: "answer programs over HTTP as serve/*.yaml says, and show the pages of the site",
      load: async () => (await import("./commands/serve.ts")).addServeCommand,
    },
  ],
  [
    "notify",
    {
      takes: "[options]",
      description:
        "tell whom notifications.yaml names what is wrong, once, and when it is over; 1 where somebody could not be told",
      load: async () => (await import("./commands/notify.ts")).addNotifyCommand,
    },
  ],
  [
    "keys",
    {
      takes: "",
      description: "make, list and revoke the keys of those who ask `dataform serve`",
      load: async () => (await import("./commands/keys.ts")).addKeysCommand,
    },
  ],
  [
    "mcp",
    {
      takes: "[options]",
      description: "let a program that speaks the Model Context Protocol search the catalogue and read, over stdin",
      load: async () => (await import("./commands/mcp.ts")).addMcpCommand,
    },
  ],
  [
    "lsp",
    {
      takes: "[options]",
      description: "what editors ask: mistakes as they are typed, definitions, columns, completion, rename; over stdin",
      load: async () => (await import("./commands/lsp.ts")).addLspCommand,
    },
  ],
  [
    "bi",
    {
      takes: "",
      description:
        "tell BI tools of the marts: files for Grafana; descriptions, keys and metrics for Superset and Metabase",
      load: async () => (await import("./commands/bi.ts")).addBiCommand,
    },
  ],
  [
    "publish",
    {
      takes: "[options]",
      description: "publish the release that is built and waits for readers, without building again",
      load: async () => (await import("./commands/publish.ts")).addPublishCommand,
    },
  ],
  [
    "releases",
    {
      takes: "[options]",
      description: "list the releases: which is published, which wait, which can be gone back to",
      load: async () => (await import("./commands/releases.ts")).addReleasesCommand,
    },
  ],
  [
    "rollback",
    {
      takes: "[options] [release]",
      description: "publish an earlier release again: what was published before, unless a number is given",
      load: async () => (await import("./commands/rollback.ts")).addRollbackCommand,
    },
  ],
  [
    "gc",
    {
      takes: "[options]",
      description: "drop what no kept release needs, and the record of old runs, as each run does at its end",
      load: async () => (await import("./commands/gc.ts")).addGcCommand,
    },
  ],
  [
    "env",
    {
      takes: "",
      description: "list, claim, hold, rename and drop the environments of a database",
      load: async () => (await import("./commands/env.ts")).addEnvCommand,
    },
  ],
  [
    "retire",
    {
      takes: "[options] <models...>",
      description:
        "take models that are no longer in the project out of the database: view, tables, history of releases",
      load: async () => (await import("./commands/retire.ts")).addRetireCommand,
    },
  ],
  [
    "diff",
    {
      takes: "[options] <from> <to>",
      description: "compare two releases, model by model: rows added, removed and changed by key; columns",
      load: async () => (await import("./commands/diff.ts")).addDiffCommand,
    },
  ],
  [
    "lineage",
    {
      takes: "[options] [name]",
      description: "which columns a column comes from, and what uses it: as PostgreSQL has analysed the queries",
      load: async () => (await import("./commands/lineage.ts")).addLineageCommand,
    },
  ],
  [
    "site",
    {
      takes: "",
      alias: "docs",
      description: "pages of what is published: what each column means, where it comes from, what is going on",
      load: async () => (await import("./commands/site.ts")).addSiteCommand,
    },
  ],
  [
    "roles",
    {
      takes: "[options]",
      description: "print the SQL that makes roles of least privilege: loader, builder, publisher, reader, server",
      load: async () => (await import("./commands/roles.ts")).addRolesCommand,
    },
  ],
  [
    "db",
    {
      takes: "",
      description: "the embedded PostgreSQL of this project: start, stop, inspect, back up, ask",
      load: async () => (await import("./commands/db.ts")).addDbCommand,
    },
  ],
  [
    "init",
    {
      takes: "[options] [words...]",
      description: "make a project that runs: empty, a shop or marketing",
      load: async () => (await import("./commands/init.ts")).addInitCommand,
    },
  ],
  [
    "doctor",
    {
      takes: "[options] [project-dir]",
      description: "look whether this project can run here, and say what to do where it cannot; changes nothing",
      load: async () => (await import("./commands/doctor.ts")).addDoctorCommand,
      alias: "debug",
    },
  ],
  [
    "format",
    {
      takes: "[options] [project-dir]",
      description: "lay out the SQL of the project's files, where that changes nothing of what they mean",
      load: async () => (await import("./commands/format.ts")).addFormatCommand,
    },
  ],
  [
    "completion",
    {
      takes: "<shell> [line...]",
      description: "print what bash, zsh or fish needs to complete commands, flags and names of models",
      load: async () => {
        const { addCompletionCommand } = await import("./commands/completion.ts");
        return addCompletionCommand({ names: () => [...commands.keys()], namedBy: commandNamed, add: addCommand });
      },
    },
  ],
  [
    "install",
    {
      takes: "[project-dir]",
      description: "install the packages that package.json names, by npm, without their scripts",
      load: async () => (await import("./commands/install.ts")).addInstallCommand,
    },
  ],
  [
    "init-creds",
    {
      takes: "[options] [warehouse] [project-dir]",
      description: "write .df-credentials.json: the database that is named, as Dataform 2 keeps it",
      load: async () => (await import("./commands/init-creds.ts")).addInitCredsCommand,
    },
  ],
  [
    "listtables",
    {
      takes: "[options] [warehouse]",
      description: "list the tables and views of the database",
      load: async () => (await import("./commands/tables.ts")).addListTablesCommand,
    },
  ],
  [
    "gettablemetadata",
    {
      takes: "[options] [warehouse] [schema] [table]",
      description: "the columns of a table or a view and what its comments say, as JSON",
      load: async () => (await import("./commands/tables.ts")).addTableMetadataCommand,
    },
  ],
]);

/** Adds the command that is named. Where none is, the names of all of them, for help and for suggestions: none is loaded. */
export async function addCommands(program: Command, argv: readonly string[], shell: Shell): Promise<void> {
  const named = commandNamed(argv);
  if (named !== undefined) return addCommand(program, named, shell);
  for (const [name, { takes, description, alias }] of commands)
    called(program.command(`${name} ${takes}`), alias).description(description);
}

/** Adds one command as it is. */
export async function addCommand(program: Command, name: string, shell: Shell): Promise<void> {
  const { description, load, alias } = commands.get(name)!;
  const add = await load();
  const command = called(program.command(name), alias).description(description);
  add(command, shell);
  addTargetOption(command);
}

function called(command: Command, alias: string | undefined): Command {
  return alias === undefined ? command : command.alias(alias);
}

/** The command of a command line, or that which `help` is asked about. */
function commandNamed(argv: readonly string[]): string | undefined {
  const words = argv.filter((word, index) => !word.startsWith("-") && argv[index - 1] !== "--project-dir");
  const name = words[0] === "help" ? words[1] : words[0];
  return [...commands].find(([own, { alias }]) => name === own || (name !== undefined && name === alias))?.[0];
}
