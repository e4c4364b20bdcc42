/** A stream of numbers in [0, 1): the same for the same seed and key, on every machine. */
export type Random = () => number;

/** One independent stream per key, so that adding an entity does not change the others. */
export function randomFor(seed: number, key: string): Random {
  let state = hash(`${seed}/${key}`);
  // mulberry32: 32 bits of state are plenty for demonstration figures.
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/** A number between the two bounds. */
export function between(random: Random, low: number, high: number): number {
  return low + (high - low) * random();
}

/** A whole number with the given mean: the fraction is rounded up as often as it is large. */
export function around(random: Random, mean: number): number {
  const noisy = mean * between(random, 0.75, 1.25);
  return Math.floor(noisy) + (random() < noisy % 1 ? 1 : 0);
}

/** FNV-1a, 32 bits. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  return value >>> 0;
}
