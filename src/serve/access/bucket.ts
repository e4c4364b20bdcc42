import type { Rate } from "../../model/rate.ts";

/**
 * Holds as many requests as a key may make in its time, and fills evenly: who was quiet may ask that often at once, and over any long
 * time nobody asks more than that often.
 */
export class Bucket {
  readonly #rate: Rate;
  #tokens: number;
  /** As `performance.now()` has it. */
  #at: number;

  constructor(rate: Rate, now: number) {
    this.#rate = rate;
    this.#tokens = rate.requests;
    this.#at = now;
  }

  /** Takes one request out. Returns 0, or, where none is left, the seconds until there is one. */
  take(now: number): number {
    const { requests, seconds } = this.#rate;
    const perMillisecond = requests / (seconds * 1000);
    this.#tokens = Math.min(requests, this.#tokens + Math.max(0, now - this.#at) * perMillisecond);
    this.#at = now;
    if (this.#tokens < 1) return Math.ceil((1 - this.#tokens) / perMillisecond / 1000);
    this.#tokens--;
    return 0;
  }
}
