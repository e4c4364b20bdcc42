import { type Command, InvalidArgumentError, Option } from "commander";
import { milliseconds } from "../../model/duration.ts";
import { parseCount } from "../options.ts";

/** Of what takes events. @param when they count */
export function addCollectOptions(command: Command, when = ""): Command {
  return command
    .addOption(
      new Option("--every <time>", `${when}how long an event waits for others to be committed with it`)
        .argParser(parseEvery)
        .default(5, "5ms"),
    )
    .addOption(
      new Option("--room <megabytes>", `${when}events that wait for their commit; more are answered 503`)
        .argParser(parseCount)
        .default(32),
    );
}

function parseEvery(text: string): number {
  const time = /[a-z]$/.test(text) ? milliseconds(text) : undefined;
  if (time !== undefined && time <= 10_000) return time;
  throw new InvalidArgumentError("a time such as 5ms, up to 10s");
}
