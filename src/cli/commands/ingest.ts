import { type Command, Option } from "commander";
import { UserError } from "../../model/errors.ts";
import type { IngestFlags } from "../ingest/actions.ts";
import type { DismissFlags } from "../ingest/dismiss.ts";
import type { InferFlags } from "../ingest/infer.ts";
import type { StrikeFlags } from "../ingest/strike.ts";
import { addConnectionOption, parseCount, parseDuration } from "../options.ts";
import type { AddCommand, Shell } from "../shell.ts";

/** What ingest does is read when it is asked for: no other command needs the reading and landing of files. */
const actions = () => import("../ingest/actions.ts");

/** `dataform ingest [name…]`: loads the sources declared in `ingest/*.yaml`; and what looks after them. */
export const addIngestCommand: AddCommand = (command, shell) => {
  command
    .argument("[name...]", "sources, or source.stream (default: all of them)")
    .option("--full", "begin at the beginning; what landed before stays and lands once more")
    .option(
      "--since <value>",
      "begin at this value of the cursor, or with files changed or records made since this time",
    )
    .option("--force", "land a full batch although it is empty or has shrunk; go on behind records that a topic lost")
    .option("--dry-run", "fetch and check, write nothing")
    .option("--follow", "go on and land what comes, until it is told to end: of topics of Kafka")
    .addOption(waitOption())
    .option("--json", "the report as JSON on stdout")
    .action(async (names: readonly string[], flags: IngestFlags) =>
      flags.follow
        ? (await import("../ingest/follow.ts")).follow(shell, names, flags)
        : (await actions()).load(shell, names, flags),
    );
  addConnectionOption(command);
  const sub = (
    name: string,
    description: string,
    action: (names: string[], flags: IngestFlags) => Promise<void>,
  ): Command => {
    const added = command
      .command(name)
      .description(description)
      .argument("[name...]", "sources, or source.stream")
      .option("--json", "JSON on stdout")
      // The options of the command above are the same words: a flag is taken wherever it stands.
      .action((names: string[], _: IngestFlags, self: Command) => {
        const flags = self.optsWithGlobals<IngestFlags>();
        refuseLoadFlags(name, flags);
        if (name !== "replay" && command.getOptionValueSource("waitTimeout") === "cli")
          throw noFlag(name, "--wait-timeout");
        return action(names, flags);
      });
    return addConnectionOption(added);
  };
  sub("ls", "the declared sources and their streams", async (names, flags) =>
    (await actions()).list(shell, names, flags),
  );
  sub("state", "where each stream stands: last load, cursor, files, rejects", async (names, flags) =>
    (await actions()).showState(shell, names, flags),
  );
  sub("rejects", "records that could not be landed, and why", async (names, flags) =>
    (await actions()).showRejects(shell, names, flags),
  ).option("--limit <n>", "at most so many (default: 20)", parseCount);
  sub("replay", "try the rejects again, after the schema or the declaration was mended", async (names, flags) =>
    (await actions()).replayAll(shell, names, flags),
  ).addOption(waitOption());
  addDismiss(command, shell);
  addStrike(command, shell);
  addInferCommand(command, shell);
  addRetype(command, shell);
};

/** `dataform ingest infer <what>`: declares a stream by what its source holds. */
function addInferCommand(ingest: Command, shell: Shell): void {
  ingest
    .command("infer")
    .description("declare a stream by what a file, an address of one or a table holds: ingest/<source>.yaml")
    .argument("<what>", "a file, a pattern of files in quotes, https://…, s3://…; with --from a table")
    .option("--from <variable>", "the environment variable with the address of the PostgreSQL that has the table")
    .option("--source <name>", "the declaration to write or to add to (default: called like the stream)")
    .option("--stream <name>", "the stream (default: called like the file)")
    .option("--table <name>", "the raw table (default: called like the stream)")
    .option("--sample <rows>", "look at so many rows (default: all of them)", parseCount)
    .option("--null <text>", "a text that is NULL wherever it stands; may be given again", collect)
    .option(
      "--dates <format>",
      "how dates are written that may be read in two ways: DD/MM/YYYY; may be given again",
      collect,
    )
    .option("--decimal <mark>", "the decimal mark of its numbers")
    .option("--thousands <mark>", "what stands between the thousands of its numbers")
    .option("--sheet <name>", "of a workbook, its name or number; otherwise the first that is shown")
    .option("--force", "declare anew a stream that is declared already")
    .option("--dry-run", "print the declaration, write nothing")
    .option("--json", "what was found as JSON on stdout")
    .action(async (what: string, _: InferFlags, self: Command) => {
      const flags = self.optsWithGlobals<InferFlags & IngestFlags>();
      const { full, since, url, credentials, roles, publisherUrl } = flags;
      const given = {
        "--full": full,
        "--since": since,
        "--url": url,
        "--credentials": credentials,
        "--roles": roles,
        "--publisher-url": publisherUrl,
      };
      const wrong = Object.entries(given).find(([, value]) => value !== undefined);
      if (wrong) throw noFlag("infer", wrong[0]);
      if (ingest.getOptionValueSource("waitTimeout") === "cli") throw noFlag("infer", "--wait-timeout");
      await (await import("../ingest/infer.ts")).inferStream(shell, what, flags);
    });
}

function collect(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}

function addDismiss(command: Command, shell: Shell): void {
  const added = command
    .command("dismiss")
    .description("rejects that need not land: they are no longer listed, counted or replayed")
    .argument("<load>", "the load that rejected them")
    .argument("[row...]", "its rows, as ingest rejects shows them (default: all of them)")
    .option("--undo", "take it back")
    .option("--schema <name>", "whose load it is, where schemas have loads of the same number")
    .option("--json", "JSON on stdout")
    .action(async (loadId: string, rows: string[], _: DismissFlags, self: Command) => {
      const flags = self.optsWithGlobals<DismissFlags>();
      refuseLoadFlags("dismiss", flags);
      if (command.getOptionValueSource("waitTimeout") === "cli") throw noFlag("dismiss", "--wait-timeout");
      await (await import("../ingest/dismiss.ts")).dismiss(shell, loadId, rows, flags);
    });
  addConnectionOption(added);
}

function addStrike(command: Command, shell: Shell): void {
  const added = command
    .command("strike")
    .description("a load that should not have landed: its rows stay in the raw table, and count not")
    .argument("<load>", "its number")
    .option("--why <text>", "why it counts not; ingest state shows it")
    .option("--undo", "take it back: the load counts again")
    .option("--schema <name>", "whose load it is, where schemas have loads of the same number")
    .option("--json", "JSON on stdout")
    .action(async (loadId: string, _: StrikeFlags, self: Command) => {
      const flags = self.optsWithGlobals<StrikeFlags>();
      refuseLoadFlags("strike", flags);
      if (command.getOptionValueSource("waitTimeout") === "cli") throw noFlag("strike", "--wait-timeout");
      await (await import("../ingest/strike.ts")).strike(shell, loadId, flags);
    });
  addConnectionOption(added);
}

function addRetype(command: Command, shell: Shell): void {
  const added = command
    .command("retype")
    .description(
      "give a column of a raw table another type that has each of its values, in place, with the views on it",
    )
    .argument("<column>", "stream.column, or source.stream.column")
    .argument("<type>", "bigint, numeric, text, timestamptz … as the server spells types")
    .option("--json", "JSON on stdout")
    .action(async (column: string, type: string, _: IngestFlags, self: Command) => {
      const flags = self.optsWithGlobals<IngestFlags>();
      refuseLoadFlags("retype", flags);
      if (command.getOptionValueSource("waitTimeout") === "cli") throw noFlag("retype", "--wait-timeout");
      return (await actions()).retypeColumn(shell, column, type, flags);
    });
  addConnectionOption(added);
}

function waitOption(): Option {
  const option = new Option(
    "--wait-timeout <duration>",
    "wait for another load of the stream for so long at most (1h)",
  );
  return option.argParser(parseDuration);
}

/** A flag of loading that is passed over in silence would do what it was to prevent. */
function refuseLoadFlags(name: string, { full, since, force, dryRun, follow }: IngestFlags): void {
  const flags = { "--full": full, "--since": since, "--force": force, "--dry-run": dryRun, "--follow": follow };
  const given = Object.entries(flags);
  const wrong = given.find(([, value]) => value !== undefined);
  if (wrong) throw noFlag(name, wrong[0]);
}

function noFlag(name: string, flag: string): UserError {
  return new UserError({ message: `ingest ${name} has no flag ${flag}`, hint: `dataform ingest ${name} --help` });
}
