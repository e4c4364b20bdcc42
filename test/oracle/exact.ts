// Numbers and moments without rounding: what the oracles reckon with.

/** A fraction of whole numbers in lowest terms, its denominator above 0. */
export interface Exact {
  readonly over: bigint;
  readonly under: bigint;
}

export const ZERO: Exact = { over: 0n, under: 1n };

function exact(over: bigint, under = 1n): Exact {
  const sign = under < 0n ? -1n : 1n;
  const common = sign * divisor(over < 0n ? -over : over, under * sign);
  return { over: over / common, under: under / common };
}

function divisor(a: bigint, b: bigint): bigint {
  return b === 0n ? a || 1n : divisor(b, a % b);
}

/** A number as PostgreSQL writes it: `-12.50`, `1e3`. */
export function number(text: string): Exact {
  const parts = /^([+-]?)(\d*)\.?(\d*)(?:e([+-]?\d+))?$/i.exec(text);
  if (!parts || !/\d/.test(text)) throw new Error(`expected a number, found ${JSON.stringify(text)}`);
  const [, sign, whole = "", digits = "", power = "0"] = parts;
  const size = BigInt(`${sign}${whole}${digits}`);
  const scale = Number(power) - digits.length;
  return scale < 0 ? exact(size, 10n ** BigInt(-scale)) : exact(size * 10n ** BigInt(scale));
}

export const plus = (a: Exact, b: Exact): Exact => exact(a.over * b.under + b.over * a.under, a.under * b.under);
export const minus = (a: Exact, b: Exact): Exact => plus(a, { over: -b.over, under: b.under });
export const times = (a: Exact, b: Exact): Exact => exact(a.over * b.over, a.under * b.under);
/** NULL where there is nothing to divide by. */
export const ratio = (a: Exact | null, b: Exact | null): Exact | null =>
  !a || !b || b.over === 0n ? null : exact(a.over * b.under, a.under * b.over);
export const order = (a: Exact, b: Exact): number => Number(signOf(a.over * b.under - b.over * a.under));
export const sum = (all: readonly Exact[]): Exact => all.reduce(plus, ZERO);
/** The sum of what is known, NULL where nothing is. */
export const known = (all: readonly (Exact | null)[]): Exact | null => {
  const told = all.filter((one) => one !== null);
  return told.length ? sum(told) : null;
};
export const count = (size: number): Exact => exact(BigInt(size));
const signOf = (value: bigint) => (value > 0n ? 1n : value < 0n ? -1n : 0n);

/** Rounded to so many digits after the point, halves away from zero. */
export function rounded({ over, under }: Exact, digits: number): Exact {
  const scale = 10n ** BigInt(digits);
  return exact((2n * scale * over + signOf(over) * under) / (2n * under), scale);
}

/** PostgreSQL gives a quotient at least so many digits that count. */
const DIGITS = 16;

/** Whether a number as PostgreSQL writes it is this one: exactly, or rounded where no decimal is the number itself. */
export function isWrittenAs({ over, under }: Exact, text: string): boolean {
  if (!/^-?\d+(\.\d+)?$/.test(text)) return false;
  const written = number(text);
  if (written.over === over && written.under === under) return true;
  const digits = text.split(".")[1]?.length ?? 0;
  if (isDecimal(under) || text.replace(/^-?0?\.?0*/, "").replace(".", "").length < DIGITS) return false;
  const scaled = over * 10n ** BigInt(digits) * 2n;
  const rounded = (scaled + signOf(over) * under) / (2n * under);
  return order(written, exact(rounded, 10n ** BigInt(digits))) === 0;
}

/** Whether some decimal of few digits is the number: no quotient is rounded that has not 16 digits. */
function isDecimal(under: bigint): boolean {
  let rest = under;
  let digits = 0;
  for (const prime of [2n, 5n]) for (; rest % prime === 0n; rest /= prime) digits++;
  return rest === 1n && digits < DIGITS;
}

/** The largest whole number that is not above it. */
export const floorOf = ({ over, under }: Exact): bigint => floor(over, under);

/** Microseconds since 1970, UTC. */
export type Moment = bigint;

/** A moment as PostgreSQL writes it in a session of UTC: `2026-01-02 00:00:00.5+00`, or without a zone for a timestamp. */
export function moment(text: string): Moment {
  const parts = /^(\d{4}-\d\d-\d\d)(?:[ T](\d\d:\d\d:\d\d)(?:\.(\d{1,6}))?)?(?:\+00|Z)?$/.exec(text);
  if (!parts) throw new Error(`expected a moment of UTC, found ${JSON.stringify(text)}`);
  const [, day, time = "00:00:00", digits = ""] = parts;
  return BigInt(Date.parse(`${day}T${time}Z`)) * 1000n + BigInt(digits.padEnd(6, "0"));
}

export function written(at: Moment, zone = "+00"): string {
  const [day, time] = new Date(Number(floor(at, 1000n))).toISOString().slice(0, 19).split("T");
  const rest = String(at - floor(at, 1_000_000n) * 1_000_000n)
    .padStart(6, "0")
    .replace(/0+$/, "");
  return `${day} ${time}${rest && `.${rest}`}${zone}`;
}

function floor(value: bigint, by: bigint): bigint {
  return (value - (((value % by) + by) % by)) / by;
}

const DAY: Moment = 86_400_000_000n;

/** The number of a day since 1970, of `2026-01-02`. */
export const dayNumber = (day: string): number => Date.parse(`${day}T00:00:00Z`) / 86_400_000;

/** The day of a number. */
export const dayNamed = (number: number): string => new Date(number * 86_400_000).toISOString().slice(0, 10);

const clocks = new Map<string, Intl.DateTimeFormat | null>();

/** The clock of a time zone, or null where there is none of that name. */
function clockOf(zone: string): Intl.DateTimeFormat | null {
  if (!clocks.has(zone)) {
    try {
      const options = { timeZone: zone, year: "numeric", month: "2-digit", day: "2-digit" } as const;
      clocks.set(zone, new Intl.DateTimeFormat("en-CA", options));
    } catch {
      clocks.set(zone, null);
    }
  }
  return clocks.get(zone)!;
}

export const isZone = (zone: string): boolean => clockOf(zone) !== null;

/** The day that clocks of the zone show at a moment. */
function dayAt(at: Moment, zone: string): string {
  return clockOf(zone)!.format(Number(floor(at, 1000n)));
}

/** What clocks of a zone show at a moment of whole seconds: `2026-01-02 03:04:05`. */
export function clockAt(at: Moment, zone: string): string {
  const options = { timeZone: zone, hourCycle: "h23", dateStyle: "short", timeStyle: "medium" } as const;
  return new Intl.DateTimeFormat("sv-SE", options).format(Number(floor(at, 1000n)));
}

/** The day that a moment closes: midnight closes the day before it. */
export const dayClosedBy = (at: Moment, zone: string): string => dayAt(at - 1n, zone);

/** The last moment of a day by the clocks of a zone. */
export function lastMomentOf(day: string, zone: string): Moment {
  let [inside, beyond] = [moment(day) - DAY, moment(day) + 3n * DAY];
  // The first moment of the days after: clocks never show a day before one that they have shown.
  while (beyond - inside > 1n) {
    const middle = (inside + beyond) / 2n;
    if (dayAt(middle, zone) > day) beyond = middle;
    else inside = middle;
  }
  return inside;
}
