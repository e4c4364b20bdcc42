import type { PanelData } from "../model/dashboard.ts";
import type { Figures } from "./figures.ts";
import { type ChartLine, linesOf } from "./lines.ts";
import { shown } from "./shown.ts";
import { compareNumbers } from "./sums.ts";

/** So many lines are told one by one. */
const TOLD = 6;

/** A chart in words, for people who do not see it. */
export function described(panel: PanelData, figures: Figures): string {
  if (panel.chart === "scatter") {
    const across = panel.across?.label ?? "";
    return `${panel.title}. Dots: ${panel.measures[0]!.label} by ${across}, ${figures.rows.length} of them.`;
  }
  const { categories, lines } = linesOf(panel, figures);
  const [first, last] = [categories[0], categories.at(-1)];
  const span = categories.length > 1 ? `${categories.length} places from ${first} to ${last}` : (first ?? "nothing");
  const told = lines.slice(0, TOLD).map((line) => sentence(line, categories));
  const more = lines.length > TOLD ? [`And ${lines.length - TOLD} more.`] : [];
  return [`${panel.title}. ${NAMES[panel.chart]} over ${span}.`, ...told, ...more].join(" ");
}

const NAMES: Readonly<Record<PanelData["chart"], string>> = {
  line: "Lines",
  area: "Areas",
  bar: "Bars",
  heat: "A heat map",
  scatter: "Dots",
  number: "A number",
  table: "A table",
};

function sentence({ name, measure, at, points }: ChartLine, categories: readonly string[]): string {
  const found = points.flatMap((row, place) => {
    const text = row?.values[at] ?? null;
    return row && text !== null
      ? [{ text, told: shown(text, measure.format, row.cells), where: categories[place]! }]
      : [];
  });
  if (!found.length) return `${name}: no figures.`;
  const sorted = [...found].sort((one, other) => compareNumbers(one.text, other.text));
  const [least, most] = [sorted[0]!, sorted.at(-1)!];
  if (found.length === 1) return `${name}: ${least.told} at ${least.where}.`;
  return `${name}: from ${least.told} at ${least.where} to ${most.told} at ${most.where}.`;
}
