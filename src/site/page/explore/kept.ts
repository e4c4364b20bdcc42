import type { Explored } from "../../../model/explore.ts";
import { digitsOf, type Shape } from "./shape.ts";

/** A dashboard of one panel, as its file has it; or why there is none. */
export type Kept = { readonly yaml: string } | { readonly why: string };

/** What of a panel is not sorted along x. */
const SORTED = ["bar", "scatter", "table"];

/** An answer as `dashboards/<name>.yaml`: it shows the same figures in the same order, from then on of each release. Pure. */
export function keptAs(title: string, { columns, kept }: Pick<Explored, "columns" | "kept">, shape: Shape): Kept {
  if ("why" in kept) return kept;
  if (!shape.y.length) return { why: "a panel of a dashboard ends in figures: have a number as its last column" };
  const { chart, series } = shape;
  const asItComes = SORTED.includes(chart) && !shape.order.length;
  const { select, column: place } = asItComes ? kept.placed : { select: kept.select, column: "" };
  const [sort] = shape.order;
  const order = asItComes
    ? place
    : SORTED.includes(chart) && sort
      ? `${sort.column} ${sort.descending ? "desc" : "asc"}`
      : undefined;
  const isScatter = chart === "scatter";
  const x = isScatter ? shape.y.slice(0, 1) : shape.x;
  const y = isScatter ? shape.y.slice(1) : shape.y;
  const figure = (name: string) => {
    const { decimals } = digitsOf(name, columns);
    return decimals === undefined ? scalar(name) : `{ column: ${scalar(name)}, decimals: ${decimals} }`;
  };
  const lines = [
    "# yaml-language-server: $schema=../schemas/dashboard.json",
    `title: ${scalar(title)}`,
    "panels:",
    `  - title: ${scalar(title)}`,
    `    chart: ${chart}`,
    "    width: 4",
    `    select: ${block(select, "      ")}`,
    ...(x.length ? [`    x: ${listed(x.map(isScatter ? figure : scalar))}`] : []),
    ...(series === undefined ? [] : [`    series: ${scalar(series)}`]),
    `    y: ${listed(y.map(figure))}`,
    ...(order === undefined ? [] : [`    order: ${scalar(order)}`]),
  ];
  return { yaml: `${lines.join("\n")}\n` };
}

/** The name of the file: what commands and addresses call the dashboard. */
export function fileOf(title: string): string {
  const name = title
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .replaceAll(/^-+|-+$/g, "")
    .slice(0, 60);
  return `${name || "explored"}.yaml`;
}

const listed = (all: readonly string[]): string => (all.length === 1 ? all[0]! : `[${all.join(", ")}]`);

/** Words that YAML reads as something else. */
const NOT_PLAIN = /^(?:true|false|yes|no|on|off|null|y|n)$/i;

/** JSON is YAML. */
function scalar(text: string): string {
  return /^[a-z_][a-z0-9_]*(?: [a-z0-9_]+)*$/i.test(text) && !NOT_PLAIN.test(text) ? text : JSON.stringify(text);
}

/** A text of lines as they are, where YAML has them so. */
function block(text: string, indent: string): string {
  const isPlain = /^[^\s]/.test(text) && /^[\t\n\x20-\x7e\u00a0-\ud7ff\ue000-\ufefe\uff00-\uffef]*$/.test(text);
  if (!isPlain || /[\u2028\u2029]/.test(text)) return JSON.stringify(text);
  return `|-\n${text
    .trimEnd()
    .split("\n")
    .map((line) => (line ? indent + line : line))
    .join("\n")}`;
}
