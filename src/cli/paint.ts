import { styleText } from "node:util";
import type { Shell } from "./shell.ts";

/** Coloured text where that stream wants it. */
export function paint(
  shell: Shell,
  format: Parameters<typeof styleText>[0],
  text: string,
  stream: "stdout" | "stderr" = "stderr",
): string {
  const wanted = stream === "stderr" ? shell.color : shell.colorStdout;
  // Who wants colours is decided: a newer Node would ask stdout.
  return wanted ? styleText(format, text, { validateStream: false }) : text;
}
