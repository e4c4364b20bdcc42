import type { PanelColumn, PanelData } from "../../src/model/dashboard.ts";

const column = (name: string, type: string, kind: PanelColumn["format"]["kind"] = "text"): PanelColumn => ({
  name,
  label: name,
  type,
  format: { kind },
});

/** A panel of spend per day over rows of day, campaign, currency, spend and conversions; with what is said otherwise. */
export function panelOf(more: Partial<PanelData>): PanelData {
  return {
    title: "Spend per day",
    chart: "line",
    width: 4,
    filters: ["day", "campaign"],
    x: [0],
    measures: [
      {
        label: "Spend",
        format: { kind: "currency", currency: 2, decimals: 2 },
        of: { column: 3, aggregate: "sum" },
      },
    ],
    grouped: true,
    order: [],
    columns: [
      column("day", "date"),
      column("campaign", "text"),
      column("currency", "text"),
      column("spend", "numeric", "number"),
      column("conversions", "bigint", "number"),
    ],
    rows: [],
    cut: false,
    ...more,
  };
}
