/** What is kept, and how many bytes it takes. */
interface Kept<T> {
  readonly value: T;
  bytes: number;
  /** As `performance.now()` has it; absent: as long as there is room. */
  readonly until?: number;
}

/**
 * Values by their keys, of so many bytes at most: what was asked for longest ago goes first. Of those who ask for the same at
 * once, one makes it.
 */
export class Cache<T> {
  readonly #most: number;
  readonly #kept = new Map<string, Kept<T>>();
  readonly #making = new Map<string, Promise<T>>();
  #bytes = 0;

  constructor(most: number) {
    this.#most = most;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get(key: string): T | undefined {
    const found = this.#kept.get(key);
    if (!found) return undefined;
    if (found.until !== undefined && found.until < performance.now()) {
      this.delete(key);
      return undefined;
    }
    this.#kept.delete(key);
    this.#kept.set(key, found);
    return found.value;
  }

  /** @param milliseconds until it is too old; absent: never */
  set(key: string, value: T, bytes: number, milliseconds?: number): void {
    this.delete(key);
    // One value is no reason to forget all others.
    if (bytes > this.#most / 4) return;
    const until = milliseconds === undefined ? {} : { until: performance.now() + milliseconds };
    this.#kept.set(key, { value, bytes, ...until });
    this.#bytes += bytes;
    this.#makeRoom();
  }

  /** What is kept under the key has got larger. */
  grown(key: string, bytes: number): void {
    const found = this.#kept.get(key);
    if (!found) return;
    found.bytes += bytes;
    this.#bytes += bytes;
    this.#makeRoom();
  }

  delete(key: string): void {
    const found = this.#kept.get(key);
    if (!found) return;
    this.#kept.delete(key);
    this.#bytes -= found.bytes;
  }

  clear(): void {
    this.#kept.clear();
    this.#bytes = 0;
  }

  /** What is being made for somebody else, or else what `make` makes. */
  once(key: string, make: () => Promise<T>): Promise<T> {
    const there = this.#making.get(key);
    if (there) return there;
    const made = make().finally(() => this.#making.delete(key));
    this.#making.set(key, made);
    return made;
  }

  #makeRoom(): void {
    for (const key of this.#kept.keys()) {
      if (this.#bytes <= this.#most) return;
      this.delete(key);
    }
  }
}
