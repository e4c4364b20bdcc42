import { paint } from "./paint.ts";
import type { Shell } from "./shell.ts";
import type { Style } from "./show/section.ts";

const colours = { title: "bold", "+": "green", "~": "yellow", "-": "red", "!": "yellow" } as const;

/** How sections look on stdout. */
export function sectionStyle(shell: Shell): Style {
  return (what, text) => paint(shell, colours[what], text, "stdout");
}
