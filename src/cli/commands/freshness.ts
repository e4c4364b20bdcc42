import { type LookedAt, readFreshness } from "../../catalogue/freshness.ts";
import type { UserErrorDetails } from "../../model/errors.ts";
import type { FreshnessState, StreamFreshness } from "../../model/operations.ts";
import { withClient } from "../../postgres/client.ts";
import { openDatabase } from "../database.ts";
import { tellFailures } from "../failures.ts";
import { chooseSourcesToShow } from "../ingest/choose.ts";
import { attended } from "../interrupt.ts";
import { addConnectionOption, type ConnectionFlags } from "../options.ts";
import { paint } from "../paint.ts";
import type { AddCommand, Shell } from "../shell.ts";
import { lasting } from "../show/lasting.ts";
import { minuteOf } from "../show/minute.ts";
import { textTable } from "../show/table.ts";

/** `dataform freshness [source…]`: how new each stream is, against what its declaration wants. */
export const addFreshnessCommand: AddCommand = (command, shell) => {
  command
    .argument("[name...]", "sources, or source.stream (default: all of them)")
    .option("--json", "the list as JSON")
    .action(async (names: readonly string[], flags: ConnectionFlags & { json?: boolean }) => {
      const chosen = chooseSourcesToShow(shell, names);
      const settings = await openDatabase(shell, flags);
      const streams = await attended(shell, (how) =>
        withClient(settings, { applicationName: "dataform-freshness", duty: "loader", ...how }, (client) =>
          readFreshness(client, chosen),
        ),
      );
      if (flags.json) shell.print(JSON.stringify(streams, null, 2));
      else print(shell, streams);
      const late = streams.filter(isBeyond);
      tellFailures(
        shell,
        late.map((one) => tooOld(one, chosen)),
      );
      if (late.length) shell.exitCode = 1;
    });
  addConnectionOption(command);
};

/** What was never loaded is older than any limit. */
function isBeyond({ state, error }: StreamFreshness): boolean {
  return state === "error" || (state === "never" && error !== null);
}

/** With what its last load failed of, if it did: that is why. */
function tooOld(one: StreamFreshness, chosen: readonly LookedAt[]): UserErrorDetails {
  const { source, stream, failure } = one;
  const file = chosen.find(({ declaration }) => declaration.source === source)?.declaration.file;
  return {
    message: `${source}.${stream}: ${why(one)}${failure ? `; its last load failed: ${failure.message}` : ""}`,
    ...(file === undefined ? {} : { location: { file } }),
  };
}

const STATES: Readonly<Record<FreshnessState, readonly [told: string, color: Parameters<typeof paint>[1]]>> = {
  fresh: ["fresh", "green"],
  warn: ["late", "yellow"],
  error: ["too old", "red"],
  never: ["never loaded", "red"],
  undeclared: ["not declared", "dim"],
};

function print(shell: Shell, streams: readonly StreamFreshness[]): void {
  const rows = streams.map((one) => [
    `${one.source}.${one.stream}`,
    one.lastLoad && minuteOf(one.lastLoad),
    one.newest && minuteOf(one.newest),
    one.age === null ? null : lasting(one.age),
    one.warn === null ? null : lasting(one.warn),
    one.error === null ? null : lasting(one.error),
    STATES[one.state][0],
  ]);
  shell.print(textTable(COLUMNS, rows, { width: shell.width?.stdout, cut: ["stream"] }));
  for (const one of streams) {
    const name = `${one.source}.${one.stream}`;
    if (isBeyond(one) || one.state === "warn")
      shell.say(`${paint(shell, STATES[one.state][1], STATES[one.state][0])} ${name}: ${why(one)}`);
    if (one.failure)
      shell.say(`${paint(shell, "red", "failed")} ${name}, ${minuteOf(one.failure.at)}: ${one.failure.message}`);
  }
}

function why({ state, age, warn, error, by }: StreamFreshness): string {
  const limit = state === "warn" ? warn : error;
  const wanted = `at most ${lasting(limit!)} wanted`;
  if (age === null) return by === null ? `nothing was ever loaded, ${wanted}` : `no row has a ${by}, ${wanted}`;
  return by === null ? `asked ${lasting(age)} ago, ${wanted}` : `the newest ${by} is ${lasting(age)} old, ${wanted}`;
}

const COLUMNS = ["stream", "last load", "newest", "age", "warn", "error", "state"];
