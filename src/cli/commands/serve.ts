import { InvalidArgumentError } from "commander";
import { milliseconds } from "../../model/duration.ts";
import { addCollectOptions } from "../collect/flags.ts";
import { untilInterrupted } from "../interrupt.ts";
import { addListenOptions } from "../listening.ts";
import { addConnectionOption, addProjectOptions } from "../options.ts";
import { addEnvironmentOption } from "../releasing.ts";
import { addPageOptions } from "../serve/page-options.ts";
import type { ServeFlags } from "../serve/run-server.ts";
import type { AddCommand } from "../shell.ts";
import { addWorkOptions } from "./schedule.ts";

/** `dataform serve`: what programs ask for, and what people look at, in one process. */
export const addServeCommand: AddCommand = (command, shell) => {
  addPageOptions(addListenOptions(command))
    .option("--no-api", "without the endpoints of serve/*.yaml")
    .option("--no-site", "without the pages")
    .option("--connections <number>", "connections for pages of answers", wholeNumber(1, 500), 8)
    .option("--streams <number>", "connections for whole relations as CSV, NDJSON or Parquet", wholeNumber(1, 100), 4)
    .option("--queue <number>", "requests that may wait for a connection", wholeNumber(0, 100_000), 1000)
    .option("--cache <megabytes>", "answers that are kept in memory", wholeNumber(0, 1_000_000), 64)
    .option("--redis <url>", "answers that several servers keep together (DATAFORM_REDIS_URL)")
    .option("--page-timeout <time>", "how long a page may take in the server", time, 10_000)
    .option("--notify", "tell what is wrong as notifications.yaml says, as long as it runs")
    .option("--collect", "take events, as `dataform collect` does, as long as it runs")
    .option("--schedule", "run what schedules.yaml says, as `dataform schedule` does, as long as it runs")
    .option("--stream-timeout <time>", "how long a whole relation may take", time, 30 * 60_000)
    .action(async (flags: ServeFlags) => {
      const { runServer } = await import("../serve/run-server.ts");
      await untilInterrupted(shell, (signal) => runServer(shell, flags, signal), "closing");
    });
  addCollectOptions(command, "with --collect: ");
  addWorkOptions(command, "with --schedule: ");
  addConnectionOption(addEnvironmentOption(addProjectOptions(command)));
};

/** What PostgreSQL takes for a timeout, in milliseconds. */
const MOST_TIME = 2_147_483_647;

function wholeNumber(least: number, most: number) {
  return (text: string): number => {
    if (/^\d{1,7}$/.test(text) && Number(text) >= least && Number(text) <= most) return Number(text);
    throw new InvalidArgumentError(`a whole number from ${least} to ${most}`);
  };
}

function time(text: string): number {
  const duration = /[a-z]$/.test(text) ? milliseconds(text) : undefined;
  if (duration !== undefined && duration >= 1 && duration <= MOST_TIME) return Math.round(duration);
  throw new InvalidArgumentError("a time such as 500ms, 10s or 30m");
}
