/** The colours of a chart, on the page's own background. */
export interface ChartTheme {
  readonly name: "light" | "dark";
  readonly text: string;
  /** Of names of axes, and what is less than the figures. */
  readonly muted: string;
  /** Of lines behind the figures. */
  readonly line: string;
  readonly surface: string;
  /** Of what could not be read. */
  readonly wrong: string;
  /** Of series, in their order: eight, and eight of the same hues that are lighter or darker than these. */
  readonly series: readonly string[];
  /** Of a heat map, from the lowest figure to the highest. */
  readonly heat: readonly string[];
}

/** Text has a contrast of 4.5 : 1 or more on the surface, series 3 : 1; neighbours differ for people who see no red or green, too. */
export const LIGHT: ChartTheme = {
  name: "light",
  text: "#1f2328",
  muted: "#59636e",
  line: "#e4e7eb",
  surface: "#ffffff",
  wrong: "#b3261e",
  series: [
    ...["#2f6fde", "#c2571a", "#0e8a6d", "#a0409c", "#8a6d00", "#0f7fa8", "#c03d5c", "#5f6b7a"],
    ...["#173f8c", "#7a3206", "#06513f", "#5f1f5c", "#524000", "#064b66", "#7c1a33", "#2f3740"],
  ],
  heat: ["#eef4ff", "#9dbff5", "#2f6fde", "#173a7a"],
};

export const DARK: ChartTheme = {
  name: "dark",
  text: "#e6edf3",
  muted: "#9aa5b1",
  line: "#30363d",
  surface: "#0d1117",
  wrong: "#ff8a80",
  series: [
    ...["#6ea0ff", "#f0883e", "#3fc3a0", "#d28be0", "#d3b13b", "#5cc2e8", "#ff7b95", "#a4b0be"],
    ...["#c4d8ff", "#ffd0ab", "#aef0dd", "#f1d3f7", "#f4e3a6", "#c3ebfa", "#ffc9d3", "#e3e9ef"],
  ],
  heat: ["#13233f", "#24498a", "#6ea0ff", "#dbe8ff"],
};
