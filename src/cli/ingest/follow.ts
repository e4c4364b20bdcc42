import type { CollectedSource } from "../../collect/lane.ts";
import type { Followed } from "../../collect/topics/follow-lane.ts";
import { followedEvents, followedStream } from "../../collect/topics/followed.ts";
import { TopicFollower } from "../../collect/topics/topic-follower.ts";
import { parquetLake } from "../../export/lake.ts";
import { counted } from "../../model/counted.ts";
import { UserError } from "../../model/errors.ts";
import { databaseLine, openDatabase } from "../database.ts";
import { untilInterrupted } from "../interrupt.ts";
import type { Shell } from "../shell.ts";
import type { IngestFlags } from "./actions.ts";
import { type Chosen, chooseSources } from "./choose.ts";

/** Lands topics as they grow, until it is told to end; what was read then has landed. */
export async function follow(shell: Shell, names: readonly string[], flags: IngestFlags): Promise<void> {
  refuseOthers(flags);
  const chosen = chooseSources(shell, names).filter((one) => hasTopics(one, names));
  if (!chosen.length) throw nothingToFollow();
  const settings = await openDatabase(shell, flags);
  shell.say(databaseLine(settings));
  const log = (line: string) => shell.say(line);
  const all = chosen.flatMap(followedOf);
  const followers = all.map((one) => new TopicFollower({ settings, log, lake: parquetLake }, one));
  shell.say(`following ${all.length === 1 ? all[0]!.name : counted(all.length, "stream")}`);
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

function followedOf({ declaration, streams }: Chosen): readonly Followed[] {
  if (declaration.connector.kind === "collect") return [followedEvents(declaration as CollectedSource)];
  return streams.map((stream) => followedStream(declaration, stream));
}

/** @throws UserError for one that was named, and has none */
function hasTopics({ declaration, streams }: Chosen, names: readonly string[]): boolean {
  const { connector, source, file } = declaration;
  const isQueued = connector.kind === "collect" && connector.produce !== undefined;
  if (isQueued && streams.length < declaration.streams.length)
    throw new UserError({
      message: `all events of ${source} are in one topic`,
      location: { file },
      expected: `a source: ${source}`,
      found: `one of its streams: ${streams.map(({ name }) => name).join(", ")}`,
    });
  if (isQueued || connector.kind === "kafka") return true;
  if (!names.length) return false;
  throw new UserError({
    message: `${source} has no topics to follow`,
    location: { file },
    expected: "a source with kafka:, or with produce: in collect:",
    found: `one with ${connector.kind}:`,
    hint:
      connector.kind === "collect"
        ? `\`dataform collect ${source}\` takes its events`
        : `\`dataform ingest ${source}\` loads it`,
  });
}

function nothingToFollow(): UserError {
  return new UserError({
    message: "no source has topics to follow",
    expected: "a file ingest/<source>.yaml with kafka:, or with produce: in collect:",
    hint: "docs/sources/kafka.md has an example",
  });
}
