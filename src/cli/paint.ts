import { randomInt } from "node:crypto";
import { styleText } from "node:util";
import type { Shell } from "./shell.ts";
import { visible } from "./show/visible.ts";

/** What tells our colours from those that came with data: nobody else knows it. */
const OURS = Array.from({ length: 3 }, () => randomInt(1000, 10_000)).join(";");
const PAINTED = new RegExp(`\\x1b\\[${OURS};([\\d;]*)m`);

/** Coloured text where that stream wants it. */
export function paint(
  shell: Shell,
  format: Parameters<typeof styleText>[0],
  text: string,
  stream: "stdout" | "stderr" = "stderr",
): string {
  const wanted = stream === "stderr" ? shell.color : shell.colorStdout;
  if (!wanted) return text;
  // Who wants colours is decided: a newer Node would ask stdout.
  const [begin = "", end = ""] = styleText(format, "|", { validateStream: false }).split("|");
  const signed = (sequence: string) => sequence.replaceAll("\x1b[", `\x1b[${OURS};`);
  return `${signed(begin)}${text}${signed(end)}`;
}

/** A text as it may be written to a terminal or a log: our colours, and no other control sequence. */
export function printable(text: string): string {
  return text
    .split(PAINTED)
    .map((part, index) => (index % 2 ? `\x1b[${part}m` : visible(part)))
    .join("");
}
