const UNITS = [
  ["d", 86_400],
  ["h", 3_600],
  ["m", 60],
  ["s", 1],
] as const;

/** "3d 4h", "25m", "0s": the largest unit of a number of seconds and the one below it, as far as it has any. */
export function lasting(seconds: number): string {
  const whole = Math.floor(Math.abs(seconds));
  const at = UNITS.findIndex(([, size]) => whole >= size);
  if (at < 0) return "0s";
  const [unit, size] = UNITS[at]!;
  const below = UNITS[at + 1];
  const rest = below ? Math.floor((whole % size) / below[1]) : 0;
  return `${seconds < 0 ? "-" : ""}${Math.floor(whole / size)}${unit}${rest ? ` ${rest}${below![0]}` : ""}`;
}
