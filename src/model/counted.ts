/** 1234 is "1,234". By hand: `Intl.NumberFormat` takes 10 ms to make, in every command. */
const grouped = (count: number) => String(count).replace(/\B(?=(?:\d{3})+$)/g, ",");

/**
 * A number and what it counts: "1 row", "1,234 rows", "2 histories".
 * @param things where more than one are not what the ending of `thing` says: "rows fail" beside "row fails"
 */
export function counted(count: number, thing: string, things = plural(thing)): string {
  return `${grouped(count)} ${count === 1 ? thing : things}`;
}

function plural(thing: string): string {
  if (/[^aeiou]y$/.test(thing)) return thing.replace(/y$/, "ies");
  return /(?:s|x|ch|sh)$/.test(thing) ? `${thing}es` : `${thing}s`;
}

/** "a, b, c and 12 more": names as many as one wants to read. */
export function named(names: readonly string[], most = 3): string {
  // "and 1 more" takes the place that the name itself would.
  if (names.length <= most + 1) return names.join(", ");
  return `${names.slice(0, most).join(", ")} and ${grouped(names.length - most)} more`;
}

/** A share of 1 as people write it: 0.07 is "7%", although 0.07 * 100 is 7.000000000000001. Only 1 is "100%". */
export function percent(share: number): string {
  const [digits, power = "0"] = String(share).split("e");
  return `${Number(`${digits}e${Number(power) + 2}`)}%`;
}
