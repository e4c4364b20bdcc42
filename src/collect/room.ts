/** Memory that what comes may take until it is answered, by estimate: more is not taken. In bytes. */
export class Room {
  readonly #most: number;
  #taken = 0;

  constructor(most: number) {
    this.#most = most;
  }

  /** What there is, and what of it is taken. */
  get held(): { readonly bytes: number; readonly room: number } {
    return { bytes: this.#taken, room: this.#most };
  }

  get isFull(): boolean {
    return this.#taken >= this.#most;
  }

  /** What is there is taken as a whole: one body may be larger than what is left. */
  take(bytes: number): void {
    this.#taken += bytes;
  }

  give(bytes: number): void {
    this.#taken -= bytes;
  }
}
