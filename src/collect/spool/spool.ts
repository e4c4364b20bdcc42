import { mkdirSync } from "node:fs";
import type { Kept } from "../arriving.ts";
import { lineOf } from "./lines.ts";
import { SpoolFolder } from "./spool-folder.ts";

/** Why nothing more is kept. */
export class NotKept extends Error {}

export interface SpoolLimits {
  readonly folder: string;
  /** Bytes on the disk. */
  readonly most: number;
}

/** What waits on the disk of a collector for its database: what other ones left in the same folder before, then its own. */
export class Spool {
  readonly #limits: SpoolLimits;
  /** That it writes to is the last. */
  readonly #folders: SpoolFolder[];
  #own: SpoolFolder | undefined;
  #appending = 0;

  private constructor(limits: SpoolLimits, folders: readonly SpoolFolder[]) {
    this.#limits = limits;
    this.#folders = [...folders];
  }

  /** @throws where nothing can be written there */
  static open(limits: SpoolLimits): Spool {
    mkdirSync(limits.folder, { recursive: true, mode: 0o700 });
    return new Spool(limits, SpoolFolder.takeLeft(limits.folder));
  }

  /** Bytes on the disk. */
  get bytes(): number {
    return this.#folders.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** Whether nothing waits, and nothing is being kept. */
  get isEmpty(): boolean {
    return this.#appending === 0 && this.#folders.length === 0;
  }

  /** That which is read first; undefined where nothing waits. */
  get first(): SpoolFolder | undefined {
    return this.#folders[0];
  }

  /**
   * Keeps events: they are on the disk once it has resolved.
   * @throws NotKept where there is no room; what the disk says
   */
  async append(events: readonly Kept[]): Promise<void> {
    const lines = Buffer.from(events.map(lineOf).join(""));
    if (this.bytes + lines.length > this.#limits.most)
      throw new NotKept(`the spool is full: ${this.#limits.folder} holds ${this.bytes} bytes (spool.maxMegabytes)`);
    this.#appending++;
    try {
      if (!this.#own) {
        this.#own = SpoolFolder.make(this.#limits.folder);
        this.#folders.push(this.#own);
      }
      await this.#own.append(lines);
    } finally {
      this.#appending--;
    }
  }

  /** All of the first has landed. Returns whether it is gone: not while more is being kept in it. */
  async remove(folder: SpoolFolder, place: number): Promise<boolean> {
    if (folder === this.#own && (this.#appending || folder.end > place)) return false;
    this.#folders.shift();
    if (folder === this.#own) this.#own = undefined;
    await folder.remove();
    return true;
  }

  /** Leaves what waits to whoever comes next. */
  async leave(): Promise<void> {
    for (const folder of this.#folders.splice(0)) await folder.leave();
    this.#own = undefined;
  }
}
