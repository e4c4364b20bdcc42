/** "system" follows the reader's own setting. */
export type Theme = "system" | "light" | "dark";

const KEY = "dataform-theme";

/** From disk some browsers keep nothing: then it is chosen anew each time. */
export function chosenTheme(): Theme {
  try {
    const theme = localStorage.getItem(KEY);
    return theme === "light" || theme === "dark" ? theme : "system";
  } catch {
    return "system";
  }
}

export function chooseTheme(theme: Theme): void {
  try {
    localStorage.setItem(KEY, theme);
  } catch {
    // As above.
  }
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
