import { keep, kept } from "./keep.ts";

/** "system" follows the reader's own setting. */
export type Theme = "system" | "light" | "dark";

export function chosenTheme(): Theme {
  const theme = kept("theme");
  return theme === "light" || theme === "dark" ? theme : "system";
}

export function chooseTheme(theme: Theme): void {
  keep("theme", theme);
  applyTheme(theme);
}

export function applyTheme(theme: Theme = chosenTheme()): void {
  if (theme === "system") document.documentElement.removeAttribute("data-theme");
  else document.documentElement.dataset.theme = theme;
}

/** What is shown now, whoever chose it: charts take their colours from it. */
export function isDark(): boolean {
  // Paper is white.
  if (matchMedia("print").matches) return false;
  const { theme } = document.documentElement.dataset;
  return theme ? theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}
