import { showScheduler } from "../environment/schedulers.ts";
import { isHeld, letGo, tryLock } from "../postgres/advisory-lock.ts";
import type { Client } from "../postgres/client.ts";
import { sql } from "../sql/sql.ts";
import type { Foreseen } from "./decide.ts";
import type { Deciding } from "./deciding.ts";
import { declarationOf, registerLines } from "./register-lines.ts";

interface StandingOptions {
  readonly environment: string;
  /** Milliseconds for which nobody stands by a declaration that is given up then; half of that is between two looks. */
  readonly lease: number;
  readonly say: (line: string) => void;
}

/**
 * Of several schedulers with different declarations the one that was recorded last is decided by, as long as a scheduler that has it
 * lives: those who have the same one share a lock. When it is left, who is there records its own again.
 */
export class Standing {
  readonly #options: StandingOptions;
  #own = "";
  #lookedAt = Number.NEGATIVE_INFINITY;
  /** Since when nobody has what is recorded, by a clock that nobody sets. */
  #leftSince: number | undefined;
  #isOther = false;

  constructor(options: StandingOptions) {
    this.#options = options;
  }

  /** Records the lines as the last declaration, and stands by it. */
  async register(client: Client, deciding: Deciding, foreseen: ReadonlyMap<string, Foreseen>): Promise<void> {
    const before = this.#own;
    this.#own = await registerLines(client, deciding, foreseen);
    this.#leftSince = undefined;
    this.#isOther = false;
    if (before !== this.#own) await this.hold(client);
    if (before && before !== this.#own) await letGo(client, this.#lockOf(before));
  }

  /** On each connection anew. */
  async hold(client: Client): Promise<void> {
    await showScheduler(client, this.#options.environment);
    await tryLock(client, this.#lockOf(this.#own), "shared");
  }

  /** Whether another declaration is recorded, and all who had it are gone. */
  async isLeft(client: Client): Promise<boolean> {
    const { environment, lease, say } = this.#options;
    if (performance.now() - this.#lookedAt < lease / 2) return false;
    this.#lookedAt = performance.now();
    const { rows } = await client.query<{ declared: string }>(sql`select ${declarationOf} as declared`, [environment]);
    const { declared } = rows[0]!;
    const isOther = declared !== this.#own;
    if (!isOther || (await isHeld(client, this.#lockOf(declared)))) {
      if (isOther && !this.#isOther)
        say("another scheduler was started later with another schedules.yaml: what is due is by that one");
      this.#isOther = isOther;
      this.#leftSince = undefined;
      return false;
    }
    this.#leftSince ??= performance.now();
    return performance.now() - this.#leftSince >= lease;
  }

  #lockOf(declared: string): string {
    return `dataform:declaration:${this.#options.environment} ${declared}`;
  }
}
