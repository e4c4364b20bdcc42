import type { UserErrorDetails } from "../model/errors.ts";
import { annotate } from "./github.ts";
import { paint } from "./paint.ts";
import type { Shell } from "./shell.ts";

/** Says each warning, and shows it in GitHub Actions. */
export function warn(shell: Shell, texts: readonly string[]): void {
  for (const text of texts) shell.say(`${paint(shell, "yellow", "warning")} ${text}`);
  annotateWarnings(shell, texts);
}

/** Of warnings that are said elsewhere. */
export function annotateWarnings(shell: Shell, texts: readonly string[]): void {
  annotate(shell, texts.map(placed), "warning");
}

/** What warns of something that an author wrote begins with its place. */
function placed(text: string): Pick<UserErrorDetails, "message" | "location"> {
  const [, file, line, column, message] = /^([^\s:]+\.\w+)(?::(\d+))?(?::(\d+))?: (.+)$/s.exec(text) ?? [];
  if (file === undefined) return { message: text };
  const number = (digits: string | undefined) => (digits === undefined ? undefined : Number(digits));
  return { message: message!, location: { file, line: number(line), column: number(column) } };
}
