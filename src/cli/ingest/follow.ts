import { TopicFollower } from "../../collect/topics/topic-follower.ts";
import { counted } from "../../model/counted.ts";
import { UserError } from "../../model/errors.ts";
import { databaseLine, openDatabase } from "../database.ts";
import { untilInterrupted } from "../interrupt.ts";
import type { Shell } from "../shell.ts";
import type { IngestFlags } from "./actions.ts";
import { type Chosen, chooseFetched } from "./choose.ts";

/** Lands topics as they grow, until it is told to end; what was read then has landed. */
export async function follow(shell: Shell, names: readonly string[], flags: IngestFlags): Promise<void> {
  refuseOthers(flags);
  const chosen = topicsOf(chooseFetched(shell, names), names);
  const settings = await openDatabase(shell, flags);
  shell.say(databaseLine(settings));
  const log = (line: string) => shell.say(line);
  const followers = chosen.flatMap(({ declaration, streams }) =>
    streams.map((stream) => new TopicFollower({ settings, declaration, log }, stream)),
  );
  shell.say(`following ${counted(followers.length, "stream")}`);
  await untilInterrupted(
    shell,
    (signal) => Promise.all(followers.map((one) => one.run(signal))),
    "what was read is landed",
  );
}

/** What is said of one load is not done by who goes on. */
function refuseOthers({ full, since, force, dryRun, json, waitTimeout }: IngestFlags): void {
  const flags = { "--full": full, "--since": since, "--force": force, "--dry-run": dryRun, "--json": json };
  const given = Object.entries({ ...flags, "--wait-timeout": waitTimeout }).find(([, value]) => value !== undefined);
  if (!given) return;
  throw new UserError({
    message: `ingest --follow has no flag ${given[0]}`,
    expected: "--follow alone: it goes on where each topic has landed",
    hint: `a load of its own does that: dataform ingest ${given[0]}`,
  });
}

/** Of those that are not named, the sources that have topics. */
function topicsOf(chosen: readonly Chosen[], names: readonly string[]): readonly Chosen[] {
  const topics = chosen.filter(({ declaration: { connector } }) => connector.kind === "kafka");
  const other = chosen.find((one) => !topics.includes(one));
  if (other && (names.length || !topics.length))
    throw new UserError({
      message: `${other.declaration.source} has no topics to follow`,
      location: { file: other.declaration.file },
      expected: "a source with kafka:",
      found: `one with ${other.declaration.connector.kind}:`,
      hint: `\`dataform ingest ${other.declaration.source}\` loads it`,
    });
  return topics;
}
