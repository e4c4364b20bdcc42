import { connectionLost, IN_THE_WAY, postgresError, SQLSTATE } from "../postgres/sqlstate.ts";

/** Somebody was in the way, for a moment: the next time gets it. */
const LOCKED: ReadonlySet<string> = new Set([...IN_THE_WAY, SQLSTATE.queryCanceled]);

/** What could not be done, and why. */
export class Kept {
  readonly #lines: string[] = [];

  add(what: string, why: string): void {
    this.#lines.push(`${what}: ${why}`);
  }

  /**
   * A statement of ours that the server refused. Returns whether only a lock was in its way.
   * @throws what is no refusal of the server
   */
  because(what: string, error: unknown): boolean {
    const failure = postgresError(error);
    if (!failure || connectionLost(error)) throw error;
    if (LOCKED.has(failure.code)) return true;
    this.add(what, (failure.detail ?? failure.message).replace(/\s*\n\s*/g, "; "));
    return false;
  }

  lines(): string[] {
    const more = this.#lines.length - MOST;
    return more > 1 ? [...this.#lines.slice(0, MOST), `and ${more} more like these`] : this.#lines;
  }
}

/** One cause can have hundreds of objects. */
const MOST = 20;
