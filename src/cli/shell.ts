import type { Writable } from "node:stream";
import type { Command } from "commander";
import type { UserErrorDetails } from "../model/errors.ts";
import type { TargetSettings } from "../model/target-settings.ts";

/** The terminal and the surroundings of one command. stdout is for data, stderr for people. */
export interface Shell {
  /** The project folder (`--project-dir`, or the working directory). */
  projectDir: string;
  env: Readonly<Record<string, string | undefined>>;
  /** The target of `targets.yaml` that holds; what it says stands in `env`, too. */
  target?: TargetSettings | undefined;
  /** Whether stderr is a terminal that wants colour. */
  readonly color: boolean;
  /** The same of stdout. */
  readonly colorStdout?: boolean;
  /** Columns of the terminal that stdout and stderr are; undefined where they are none, and nothing need fit. */
  readonly width?: { readonly stdout?: number | undefined; readonly stderr?: number | undefined };
  /** A line of data on stdout. `exact`: as it is, where that is no terminal; otherwise without control characters. */
  print(line: string, exact?: "exact"): void;
  /** stdout itself, for data that is more than lines. */
  readonly output?: Writable;
  /** A line for a person on stderr. */
  say(line: string): void;
  /** A line that the next one takes the place of, "" to take it away; only where stderr is a terminal. */
  readonly progress?: (line: string) => void;
  /** A line for what runs this program (GitHub Actions), on stderr. */
  readonly tellRunner?: (line: string) => void;
  /** What the command failed of, causes first, for what records it: each message names the thing and says what is wrong with it. */
  readonly failed?: (failures: readonly UserErrorDetails[]) => void;
  /** Is called with each Ctrl-C and SIGTERM, by its name, and with what ends the process at once. Returns what ends that. */
  onInterrupt?(heard: (name: string, endNow: () => void) => void): () => void;
  /** Ends what goes on as Ctrl-C does, with its reason: `--execution-timeout`. */
  deadline?: AbortSignal;
  /** Set by a command that ends without an exception but not with 0. */
  exitCode: number;
}

/** Each file in `commands/` exports one of these: what its command takes and does. */
export type AddCommand = (command: Command, shell: Shell) => void;
