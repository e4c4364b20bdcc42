import { addCollectOptions } from "../collect/flags.ts";
import { untilInterrupted } from "../interrupt.ts";
import { addListenOptions } from "../listening.ts";
import { addConnectionOption } from "../options.ts";
import { addEnvironmentOption } from "../releasing.ts";
import type { CollectFlags } from "../serve/run-collector.ts";
import type { AddCommand } from "../shell.ts";

/** `dataform collect [source…]`: takes events over HTTP, and lands them as they come. */
export const addCollectCommand: AddCommand = (command, shell) => {
  command.argument("[source...]", "sources with collect: (default: all of them)");
  addCollectOptions(addListenOptions(command)).action(async (names: readonly string[], flags: CollectFlags) => {
    await untilInterrupted(
      shell,
      async (signal) => (await import("../serve/run-collector.ts")).runCollector(shell, names, flags, signal),
      "what waits is landed",
    );
  });
  addConnectionOption(addEnvironmentOption(command));
};
