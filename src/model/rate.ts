/** So many requests in so many seconds. */
export interface Rate {
  readonly requests: number;
  readonly seconds: number;
}

const UNITS: readonly (readonly [string, number])[] = [
  ["s", 1],
  ["m", 60],
  ["h", 3_600],
  ["d", 86_400],
];

/** Of `100/m`; undefined for what is none. */
export function rateOf(text: string): Rate | undefined {
  const [, requests, unit] = /^([1-9]\d{0,8})\/([smhd])$/.exec(text) ?? [];
  const [, seconds] = UNITS.find(([name]) => name === unit) ?? [];
  return requests === undefined || seconds === undefined ? undefined : { requests: Number(requests), seconds };
}

export function rateText({ requests, seconds }: Rate): string {
  return `${requests}/${UNITS.find(([, one]) => one === seconds)?.[0] ?? `${seconds}s`}`;
}
