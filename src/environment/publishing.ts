/** What came of a release that was to be published. */
type Outcome = "published" | "waiting" | "failed";

/** How long the publishing of one release took, and what it waited for. In seconds. */
export interface Publishing {
  readonly release: number;
  readonly outcome: Outcome;
  /** After the run began; absent where nothing was built. */
  readonly start?: number;
  readonly seconds: number;
  /** For transactions that were older than the builds. */
  readonly horizonSeconds: number;
  /** For locks of others, between the first time that they were in the way and the last. */
  readonly lockSeconds: number;
  /** How often the public views were tried. */
  readonly attempts: number;
}

/** Measures the publishing of one release, which may take several goes: what it waited for in each adds up. */
export class PublishWatch {
  #horizon = 0;
  #locks = 0;
  #attempts = 0;
  readonly #begun = performance.now();
  readonly #release: number;
  readonly #start: number | undefined;

  constructor(release: number, start?: number) {
    this.#release = release;
    this.#start = start;
  }

  /** The wait for older snapshots. */
  async horizon<T>(wait: () => Promise<T>): Promise<T> {
    const begun = performance.now();
    try {
      return await wait();
    } finally {
      this.#horizon += performance.now() - begun;
    }
  }

  attempted(): void {
    this.#attempts++;
  }

  /** @param milliseconds since an attempt was refused, until the next one began or there was none */
  waited(milliseconds: number): void {
    this.#locks += milliseconds;
  }

  end(outcome: Outcome): Publishing {
    return {
      release: this.#release,
      outcome,
      ...(this.#start === undefined ? {} : { start: this.#start }),
      seconds: (performance.now() - this.#begun) / 1000,
      horizonSeconds: this.#horizon / 1000,
      lockSeconds: this.#locks / 1000,
      attempts: this.#attempts,
    };
  }
}
