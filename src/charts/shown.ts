import { minorDigits } from "../model/currencies.ts";
import type { Format, PanelRow } from "../model/dashboard.ts";
import { compareNumbers, plain, rounded, shifted } from "./sums.ts";

/** What stands for NULL. */
export const NOTHING = "–";

/** A figure, and what stands behind it. */
export interface ShownFigure {
  readonly figure: string;
  readonly unit?: string | undefined;
}

/**
 * A cell or a figure as a person reads it: "1,234.50 EUR", "12.3 %". Its digits are those of the text, rounded where the format says so,
 * or to the minor unit of a currency.
 * @param row the cells among which the column of a currency is found
 */
export function shown(text: string | null, format: Format, row: PanelRow = []): string {
  const { figure, unit } = shownFigure(text, format, row);
  return unit ? `${figure}\u00a0${unit}` : figure;
}

/** The same, its unit apart. */
export function shownFigure(text: string | null, format: Format, row: PanelRow = []): ShownFigure {
  if (text === null) return { figure: NOTHING };
  if (format.kind === "text") return { figure: text };
  if (format.kind === "boolean") return { figure: text === "t" ? "yes" : "no" };
  if (format.kind === "time") return { figure: moment(text) };
  const unit = format.kind === "percent" ? "%" : (format.unit ?? currencyOf(format, row));
  const value = format.kind === "percent" ? shifted(text, 2) : plain(text);
  const decimals = format.decimals ?? (format.kind === "currency" ? minorDigits(unit) : undefined);
  const round = format.kind === "percent" ? roundedShare : rounded;
  return { figure: separated(decimals === undefined ? value : round(value, decimals)), unit };
}

const ALL_OR_NONE = ["0", "100", "-100"];

/** 99.96 is not all, and 0.04 is not nothing: where rounding would say so, as many digits more as it takes. */
function roundedShare(hundredths: string, decimals: number): string {
  const told = rounded(hundredths, decimals);
  const isSame = (other: string) => compareNumbers(told, other) === 0;
  return ALL_OR_NONE.some(isSame) && !isSame(hundredths) ? roundedShare(hundredths, decimals + 1) : told;
}

const MOMENT = /^(\d+-\d\d-\d\d \d\d:\d\d:\d\d)(?:\.\d+)?(\+00)?( BC)?$/;

/** "2026-03-01 08:30:00 UTC": to the second, for CSV has the rest. */
function moment(text: string): string {
  const [, time, zone, era = ""] = MOMENT.exec(text) ?? [];
  return time === undefined ? text : `${time}${era}${zone ? " UTC" : ""}`;
}

/** Moments along an axis: without the seconds that none of them has, and with their zone named once. */
export function momentsAlong(texts: readonly string[]): { readonly texts: readonly string[]; readonly zone?: string } {
  const told = texts.map(moment);
  const zone = told.some((text) => text.endsWith(" UTC")) ? { zone: "UTC" } : {};
  const bare = told.map((text) => text.replace(/ UTC$/, ""));
  const isWhole = bare.every((text) => / \d\d:\d\d:00$/.test(text) || !/\d:\d/.test(text));
  return { texts: isWhole ? bare.map((text) => text.replace(/:00$/, "")) : bare, ...zone };
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
