/** Milliseconds between two times that the same is said. */
const AGAIN_AFTER = 60_000;
/** Lines that are remembered. */
const MOST = 100;

/** Says what goes wrong, and not the same again and again. */
export class Teller {
  readonly #log: (line: string) => void;
  /** What it is of: each line begins with it. */
  readonly #subject: string;
  readonly #saidAt = new Map<string, number>();

  constructor(subject: string, log: (line: string) => void) {
    this.#subject = subject;
    this.#log = log;
  }

  say(what: string): void {
    const now = performance.now();
    const saidAt = this.#saidAt.get(what);
    if (saidAt !== undefined && now - saidAt < AGAIN_AFTER) return;
    if (this.#saidAt.size > MOST) this.#saidAt.clear();
    this.#saidAt.set(what, now);
    this.#log(`${this.#subject}: ${what}`);
  }
}
