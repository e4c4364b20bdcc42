import type { UserErrorDetails } from "../model/errors.ts";
import { annotate } from "./github.ts";
import type { Shell } from "./shell.ts";

/** What a command failed of, told to what runs this program: a schedule records it, GitHub Actions shows it beside the file. */
export function tellFailures(shell: Shell, failures: readonly UserErrorDetails[]): void {
  shell.failed?.(failures);
  annotate(shell, failures);
}
