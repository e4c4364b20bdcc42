import type { Headers } from "undici";

/** Seconds to wait, from a number or a date; undefined for neither. */
export function readRetryAfter(header: string | null, now = Date.now()): number | undefined {
  if (header === null) return undefined;
  if (/^\s*\d+(\.\d+)?\s*$/.test(header)) return Number(header);
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(0, (date - now) / 1000);
}

/** Seconds until the server wants the next request: by Retry-After, or by a rate limit of which nothing is left. */
export function secondsAsked(headers: Headers): number | undefined {
  // The server's times are by the server's clock.
  const date = Date.parse(headers.get("date") ?? "");
  const now = Number.isNaN(date) ? Date.now() : date;
  const retryAfter = readRetryAfter(headers.get("retry-after"), now);
  if (retryAfter !== undefined) return retryAfter;
  const prefix = ["x-ratelimit", "x-rate-limit", "ratelimit"].find((one) => headers.has(`${one}-remaining`));
  if (prefix === undefined || !(Number(headers.get(`${prefix}-remaining`)) <= 0)) return undefined;
  return readReset(headers.get(`${prefix}-reset`), now);
}

/** Seconds from now, or a time: seconds or milliseconds since 1970, or a date. */
function readReset(header: string | null, now: number): number | undefined {
  const value = readRetryAfter(header, now);
  if (value === undefined || !/^[\s\d.]+$/.test(header!) || value < 1e9) return value;
  return Math.max(0, (value < 1e12 ? value * 1000 : value) - now) / 1000;
}
