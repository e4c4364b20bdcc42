/** Before what could not be read is read again, in milliseconds, and twice as long each time: what it names may come. */
const FIRST_AGAIN = 5_000;
const LAST_AGAIN = 600_000;

/** Whether files are to be read again by a process that goes on. They are told by a text that says how they stand. */
export class Rereading {
  /** As they were read, and as they were seen last. */
  #read: string;
  #seen: string;
  #again = FIRST_AGAIN;
  #failedAt: number | undefined;

  constructor(state: string) {
    this.#seen = this.#read = state;
  }

  /** Whether they are other ones, and two looks in a row found them the same; or it is time to try once more. */
  isDue(state: string): boolean {
    const isWritten = state === this.#seen;
    this.#seen = state;
    if (isWritten && state !== this.#read) return true;
    return this.#failedAt !== undefined && performance.now() - this.#failedAt >= this.#again;
  }

  isOther(state: string): boolean {
    return state !== this.#read;
  }

  async read<T>(work: () => Promise<T>): Promise<T> {
    this.#read = this.#seen;
    try {
      const found = await work();
      this.#failedAt = undefined;
      return found;
    } catch (error) {
      this.#again = this.#failedAt === undefined ? FIRST_AGAIN : Math.min(this.#again * 2, LAST_AGAIN);
      this.#failedAt = performance.now();
      throw error;
    }
  }
}
