import type { WrittenPanel } from "../config/load-dashboards.ts";
import type { Place } from "../config/place.ts";
import { written as asWritten, mistake } from "./mistake.ts";

/** What each kind of chart takes. Rows of a line are along it: another order, or the first few of them, would be another line. */
const TAKES: Readonly<Record<WrittenPanel["chart"], readonly (keyof WrittenPanel)[]>> = {
  line: ["x", "series", "compare"],
  area: ["x", "series"],
  bar: ["x", "series", "order", "limit", "compare"],
  heat: ["x", "series"],
  scatter: ["x", "series", "order", "limit"],
  number: ["compare"],
  table: ["x", "order", "limit", "compare"],
};

/** Whether a panel says what its chart takes, and all that it needs. */
export function checkPanelKeys(written: WrittenPanel, at: Place): void {
  const { chart, from, select: query } = written;
  const optional = ["x", "series", "order", "limit", "compare"] as const;
  for (const key of optional) {
    if (written[key] === undefined || TAKES[chart].includes(key)) continue;
    const why = key === "order" || key === "limit" ? "its rows stand along x" : `a ${chart} has none`;
    throw mistake({
      message: `chart ${chart} takes no ${key}: ${why}`,
      ...at.key(key),
      expected: TAKES[chart].join(", "),
      found: `${key}: ${asWritten(written[key])}`,
      hint: `leave ${key} out`,
    });
  }
  const needs =
    chart === "heat" ? (["x", "series"] as const) : chart === "number" || chart === "table" ? [] : (["x"] as const);
  for (const key of needs)
    if (written[key] === undefined)
      throw mistake({
        message: `chart ${chart} needs ${key}`,
        ...at.key("chart"),
        expected: needs.join(" and "),
        found: Object.keys(written).join(", "),
        hint: `add ${key}:`,
      });
  if ((from === undefined) === (query === undefined))
    throw mistake({
      message: from === undefined ? "the panel says neither from nor select" : "a panel has from or select, not both",
      ...(from === undefined ? at.value() : at.key("select")),
      expected: "from: schema.name, or select: one select with ${ref(…)}",
      found: Object.keys(written).join(", "),
      hint: from === undefined ? "add from: with the relation that it shows" : "leave one of them out",
    });
  if (chart !== "table" && isSeveral(written.x))
    throw mistake({
      message: `chart ${chart} has one x`,
      ...at.key("x"),
      expected: "x: one column",
      found: asWritten(written.x),
      hint: "leave the others out, or write chart: table, which has several",
    });
  if ((chart === "heat" || chart === "scatter") && isSeveral(written.y))
    throw mistake({
      message: `chart ${chart} has one y`,
      ...at.key("y"),
      expected: "y: one figure",
      found: asWritten(written.y),
      hint: "make another panel of the others",
    });
}

function isSeveral(written: WrittenPanel["x" | "y"]): boolean {
  return Array.isArray(written) && written.length > 1;
}
