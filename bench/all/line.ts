import { ratios, type Spread, spread } from "../measure.ts";

/** One line of the table of `npm run bench:all`. */
export interface Line {
  readonly what: string;
  /** Seconds, one of each round. */
  readonly ours: readonly number[];
  /** Seconds of others. */
  readonly beside: Readonly<Record<string, readonly number[]>>;
  readonly wanted: string;
  /** What is wanted, as it was: seconds of ours or a ratio. */
  readonly figure: Spread;
  readonly unit: "s" | "×";
  readonly stands: boolean;
}

type Of = Pick<Line, "what" | "ours" | "beside">;

/** Ours takes so many seconds at most. */
export const atMost = (of: Of, seconds: number): Line => {
  const figure = spread(of.ours);
  return { ...of, wanted: `≤ ${seconds} s`, figure, unit: "s", stands: figure.median <= seconds };
};

/** Ours takes so many times of a limit at most. */
export const timesOf = (of: Of, limit: readonly number[], most: number): Line => {
  const figure = spread(ratios(of.ours, limit));
  return { ...of, wanted: `≤ ${most} × the limit`, figure, unit: "×", stands: figure.median <= most };
};

/** The other takes at least so many times of ours. */
export const fasterBy = (of: Of, other: readonly number[], least: number): Line => {
  const figure = spread(ratios(other, of.ours));
  return { ...of, wanted: `other / ours ≥ ${least}`, figure, unit: "×", stands: figure.median >= least };
};

/** Shown beside others, with no limit of its own. */
export const shown = (of: Of): Line => ({ ...of, wanted: "–", figure: spread(of.ours), unit: "s", stands: true });

const digits = (value: number): string => value.toFixed(value >= 10 ? 1 : 2);

export function spreadText({ min, median, max }: Spread): string {
  return min === max ? digits(median) : `${digits(median)} (${digits(min)} to ${digits(max)})`;
}

/** As Markdown. */
export function tableOf(lines: readonly Line[]): string {
  const rows = lines.map(({ what, ours, beside, wanted, figure, unit, stands }) => [
    what,
    spreadText(spread(ours)),
    Object.entries(beside)
      .map(([name, seconds]) => `${name} ${spreadText(spread(seconds))}`)
      .join(", ") || "–",
    wanted,
    wanted === "–" ? "–" : `${spreadText(figure)} ${unit}${stands ? "" : ", missed"}`,
  ]);
  return [
    "| what | ours, s | beside, s | wanted | stands |",
    "|---|---:|---|---|---|",
    ...rows.map((row) => `| ${row.join(" | ")} |`),
  ].join("\n");
}
