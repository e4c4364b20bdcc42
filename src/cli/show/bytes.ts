const UNITS = ["B", "kB", "MB", "GB", "TB"];

/** "8 kB", "1.4 GB": 1,024 of one are one of the next, as PostgreSQL counts. */
export function bytes(count: number): string {
  const power = Math.min(count < 1 ? 0 : Math.floor(Math.log2(count) / 10), UNITS.length - 1);
  const amount = count / 1024 ** power;
  return `${power === 0 || amount >= 10 ? Math.round(amount) : amount.toFixed(1).replace(".0", "")} ${UNITS[power]}`;
}
