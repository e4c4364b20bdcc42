import type { WrittenPanel } from "../config/load-dashboards.ts";
import type { Place } from "../config/place.ts";
import type { DeclaredColumn, Measure } from "../model/dashboard.ts";
import { nearest } from "../model/nearest.ts";
import type { SortColumn } from "./dashboard-sql.ts";
import { mistake } from "./mistake.ts";

/** By columns the server sorts; by figures that are made of several rows whoever makes them. */
export function readPanelOrder(
  panel: WrittenPanel,
  at: Place,
  shown: {
    readonly measures: readonly Measure[];
    readonly grouped: boolean;
    readonly columns: readonly DeclaredColumn[];
  },
) {
  const { measures, grouped, columns: selected } = shown;
  const written = panel.order;
  const alongs = alongsOf(panel);
  const items = written === undefined ? [] : ([written].flat() as readonly string[]);
  const columns: SortColumn[] = [];
  const figures: { readonly measure: number; readonly descending: boolean }[] = [];
  for (const [index, item] of items.entries()) {
    const [, name = item, word] = /^(.*?)(?:\s+(asc|desc))?$/is.exec(item.trim()) ?? [];
    const descending = word?.toLowerCase() === "desc";
    const place = Array.isArray(written) ? at.in("order", index) : at.in("order");
    const isNamed = ({ label, of }: Measure) =>
      label === name || (!("over" in of) && selected[of.column]?.name === name);
    const measure = grouped ? measures.findIndex(isNamed) : -1;
    if (measure >= 0) figures.push({ measure, descending });
    else columns.push({ name, descending, path: place.path });
    const along = selected.map((column) => column.name);
    if (grouped && measure < 0 && !alongs.includes(name)) {
      const known = [...measures.map(({ label }) => label), ...alongs];
      const suggestion = nearest(name, [...known, ...along]);
      throw mistake({
        message: `nothing in the panel is called ${name}`,
        ...place.value(),
        expected: known.join(", "),
        found: item,
        hint: suggestion ? `did you mean ${suggestion}?` : "write one of them, with asc or desc behind it",
      });
    }
  }
  if (figures.length && columns.length)
    throw mistake({
      message: "rows that are made of several are sorted by figures or by columns, not by both",
      ...at.key("order"),
      expected: "order by figures, or by columns",
      found: items.join(", "),
      hint: "leave out those of one kind",
    });
  return { columns, measures: figures };
}

/** Columns that rows are made one by. */
export function alongsOf({ x, series }: WrittenPanel): readonly string[] {
  const nameOf = (one: string | { readonly column?: string | undefined }) =>
    typeof one === "string" ? one : one.column;
  const all = [x ?? [], series ?? []].flat() as readonly Parameters<typeof nameOf>[0][];
  return all.flatMap((one) => nameOf(one) ?? []);
}
