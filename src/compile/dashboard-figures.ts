import type { WrittenPanel } from "../config/load-dashboards.ts";
import type { Place } from "../config/place.ts";
import { type Format, labelOf, type Measure } from "../model/dashboard.ts";
import { written as asWritten, mistake } from "./mistake.ts";

/** What a YAML says of one figure, or of one column. */
export type WrittenMeasure = Exclude<WrittenPanel["y"], readonly unknown[]>;
type Shown = Pick<WrittenPanel, "format" | "decimals" | "currency" | "unit">;

/** Finds the place of a column in what the panel selects. */
export type PlaceOfColumn = (name: string, at: Place) => number;

/**
 * One figure, as it is written.
 * @throws UserError where it says too little, or what contradicts itself
 */
export function readMeasure(
  written: WrittenMeasure,
  at: Place,
  panel: WrittenPanel,
  above: Place,
  column: PlaceOfColumn,
): Measure {
  if (typeof written === "string") {
    const of = { column: column(written, at), ...(panel.aggregate ? { aggregate: panel.aggregate } : {}) };
    return { label: labelOf(written), format: readFormat({}, at, panel, above, column), of };
  }
  const { ratio, label } = written;
  if ((written.column === undefined) === (ratio === undefined))
    throw mistake({
      message: ratio ? "a figure is a column or a ratio, not both" : "the figure says neither column nor ratio",
      ...at.value(),
      expected: "{ column: … } or { ratio: { of: …, over: … } }",
      found: asWritten(written),
      hint: ratio ? "leave one of them out" : "add column:",
    });
  const format = () => readFormat(written, at, panel, above, column);
  if (ratio) {
    if (written.aggregate)
      throw mistake({
        message: "a ratio is one of sums: it has no aggregate",
        ...at.key("aggregate"),
        expected: "{ ratio: { of: …, over: … } }, with label, format, decimals, currency or unit",
        found: `aggregate: ${written.aggregate}`,
        hint: "leave aggregate out",
      });
    const of = column(ratio.of, at.in("ratio", "of"));
    const over = column(ratio.over, at.in("ratio", "over"));
    return {
      label: label ?? `${labelOf(ratio.of)} / ${labelOf(ratio.over).toLowerCase()}`,
      format: format(),
      of: { of, over },
    };
  }
  const aggregate = written.aggregate ?? panel.aggregate;
  const place = column(written.column!, at.in("column"));
  return {
    label: label ?? labelOf(written.column!),
    format: format(),
    of: { column: place, ...(aggregate ? { aggregate } : {}) },
  };
}

function readFormat(own: Shown, at: Place, panel: WrittenPanel, above: Place, column: PlaceOfColumn): Format {
  checkShown(own, at);
  const isOwn = own.format !== undefined || own.currency !== undefined;
  const [said, where] = isOwn ? [own, at] : [panel, above];
  const kind = said.format ?? (said.currency === undefined ? "number" : "currency");
  const decimals = own.decimals ?? (kind === "integer" ? 0 : panel.decimals);
  const digits = decimals === undefined ? {} : { decimals };
  if (kind === "currency") {
    const { currency } = said.currency === undefined ? panel : said;
    const from = said.currency === undefined ? above : where;
    if (currency === undefined)
      throw mistake({
        message: "the figure is an amount, and nothing says of which currency",
        ...where.key("format"),
        expected: "currency: EUR, or currency: { column: … }",
        found: `format: ${said.format}, without currency`,
        hint: "add currency: { column: … } where a column says it",
      });
    return { kind, ...digits, currency: currencyOf(currency, from.in("currency"), column) };
  }
  const unit = own.unit ?? (isOwn ? undefined : panel.unit);
  return { kind: kind === "percent" ? kind : "number", ...digits, ...(unit === undefined ? {} : { unit }) };
}

function currencyOf(written: NonNullable<Shown["currency"]>, at: Place, column: PlaceOfColumn): string | number {
  if (typeof written !== "string") return column(written.column, at.in("column"));
  if (/^[A-Z]{3}$/.test(written)) return written;
  throw mistake({
    message: `${written} is no code of a currency`,
    ...at.value(),
    expected: "three capital letters, or { column: … }",
    found: written,
    hint: `a column that has it is written { column: ${written} }`,
  });
}

/** What would mean nothing together. */
export function checkShown(shown: Shown, at: Place): void {
  const { format, decimals, currency, unit } = shown;
  const refuse = (key: "decimals" | "currency" | "unit", message: string) => {
    const others = (["format", "decimals", "currency", "unit"] as const).filter((one) => shown[one] !== undefined);
    throw mistake({
      message,
      ...at.key(key),
      expected: `${others.filter((one) => one !== key).join(" and ")} without ${key}`,
      found: others.map((one) => `${one}: ${asWritten(shown[one])}`).join(", "),
      hint: `leave ${key} out`,
    });
  };
  if (currency !== undefined && format !== undefined && format !== "currency")
    refuse("currency", `format ${format} has no currency`);
  if (unit !== undefined && (currency !== undefined || format === "percent" || format === "currency"))
    refuse("unit", `${format === "percent" ? "a percentage" : "an amount"} has a unit already`);
  if (decimals !== undefined && format === "integer")
    refuse("decimals", "format integer has no digits behind the point");
}
