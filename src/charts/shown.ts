import type { Format, PanelRow } from "../model/dashboard.ts";
import { plain, rounded, shifted } from "./sums.ts";

/** What stands for NULL. */
export const NOTHING = "–";

/**
 * A cell or a figure as a person reads it: "1,234.50 EUR", "12.3 %". Its digits are those of the text, rounded where the format says so.
 * @param row the cells among which the column of a currency is found
 */
export function shown(text: string | null, format: Format, row: PanelRow = []): string {
  if (text === null) return NOTHING;
  if (format.kind === "text") return text;
  if (format.kind === "boolean") return text === "t" ? "yes" : "no";
  const value = format.kind === "percent" ? shifted(text, 2) : plain(text);
  const figure = separated(format.decimals === undefined ? value : rounded(value, format.decimals));
  const behind = format.kind === "percent" ? "%" : (format.unit ?? currencyOf(format, row));
  return behind ? `${figure}\u00a0${behind}` : figure;
}

/** What a format adds to a figure, for the head of a column and the name of an axis: "EUR", "%". */
export function unitOf(format: Format): string | undefined {
  if (format.kind === "percent") return "%";
  return format.unit ?? (typeof format.currency === "string" ? format.currency : undefined);
}

function currencyOf({ currency }: Format, row: PanelRow): string | undefined {
  return typeof currency === "number" ? (row[currency] ?? undefined) : currency;
}

/** A comma for each thousand. */
export function separated(text: string): string {
  const [, sign, whole, rest] = /^(-?)(\d+)(.*)$/.exec(text) ?? [];
  if (whole === undefined) return text;
  return `${sign === "-" ? "\u2212" : ""}${whole.replace(/\B(?=(?:\d{3})+$)/g, ",")}${rest}`;
}
