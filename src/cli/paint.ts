import { styleText } from "node:util";
import type { Shell } from "./shell.ts";

/** Coloured text where the terminal wants it. */
export function paint(shell: Shell, format: Parameters<typeof styleText>[0], text: string): string {
  return shell.color ? styleText(format, text) : text;
}
