import { chosenOf, figuresOf } from "../charts/figures.ts";
import { shownFigure } from "../charts/shown.ts";
import type { DashboardData } from "../model/dashboard.ts";
import type { SiteHeadline } from "../model/site.ts";

/** As many figures as a card has room for. */
const MOST = 3;

/**
 * What a dashboard's numbers say as it is at first, for the page before it: its data are a part of their own, which that page does not
 * load. Nothing where it shows no number that can be shown.
 */
export function headlineOf({ panels, filters }: DashboardData): SiteHeadline | undefined {
  const numbers = panels.filter(({ chart, cut, absent, problem }) => chart === "number" && !cut && !absent && !problem);
  const told = numbers.map((panel) => ({
    panel,
    figures: figuresOf(panel, filters).rows.flatMap((row) =>
      panel.measures.map((measure, at) => shownFigure(row.values[at] ?? null, measure.format, row.cells)),
    ),
  }));
  // One after another, each with all of its figures: a sum in one of two currencies would be taken for all.
  const kept: (typeof told)[number][] = [];
  for (const one of told) {
    const room = MOST - kept.reduce((sum, { figures }) => sum + figures.length, 0);
    if (one.figures.length && one.figures.length <= room) kept.push(one);
  }
  if (!kept.length) return undefined;
  const days = filters.find(
    ({ kind, column }) => kind === "dates" && kept.every(({ panel }) => panel.filters.includes(column)),
  );
  const chosen = days && chosenOf(days, {});
  return {
    numbers: kept.map(({ panel, figures }) => ({
      label: panel.title,
      figures: figures.map(({ figure, unit }) => ({ figure, ...(unit === undefined ? {} : { unit }) })),
    })),
    ...(chosen && "from" in chosen && chosen.from !== null && chosen.to !== null
      ? { from: chosen.from, to: chosen.to }
      : {}),
  };
}
