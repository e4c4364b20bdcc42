import { createHash } from "node:crypto";
import type { LoadCursor } from "../../model/load-report.ts";
import type { SourceRecord } from "../../sources/json/document.ts";
import type { Order } from "./order.ts";

/** How many records of one load are remembered to notice a page that is served twice. */
const WINDOW = 200_000;
/** Records that move nothing, remembered from load to load. */
const MAX_UNPLACED = 10_000;

/** What a cursor goes by, and where one load of it begins. */
export interface Followed {
  readonly field: string;
  readonly order: Order;
  readonly start: LoadCursor | null;
  /** Records from before it are not new; null where all may be. */
  readonly from: string | null;
  /** Whether a load gets each record once, as of a query: equal ones are several then, and else one that came twice. */
  readonly countsEqual: boolean;
  /** Whether a value is no place to go on from, though it has its place in the order. */
  readonly isNowhere?: (value: string) => boolean;
}

/** A record that is new, and of which nobody knows yet whether it lands. */
interface Admitted {
  readonly value: string | undefined;
  readonly hash: string;
}

/**
 * Follows the cursor of one load. The source is asked for records from a value on, that value included, for a
 * record may appear later with the same value; so it sends records again, which are known by their hash.
 * Only what landed moves the cursor: what was refused may have any value, and what comes after it would be lost.
 */
export class CursorTracker {
  readonly #by: Followed;
  /** How often each record that is known may come once more. */
  readonly #known = new Map<string, number>();
  readonly #recent = new Set<string>();
  /** By their number, in the order in which they are written. */
  readonly #admitted = new Map<number, Admitted>();
  #isNew = false;
  #value: string | null;
  #seen: string[];
  #unplaced: string[];
  #refused: Admitted[] = [];
  #hasCome = false;

  constructor(by: Followed) {
    this.#by = by;
    const { value = null, seen = [], unplaced = [] } = by.start ?? {};
    this.#value = value;
    this.#seen = [...seen];
    this.#unplaced = [...unplaced];
    for (const hash of [...seen, ...unplaced]) this.#known.set(hash, (this.#known.get(hash) ?? 0) + 1);
  }

  /**
   * Whether the record is new. Records from before the cursor are not: a source that reads `since` as a whole day, or not at
   * all, sends them every time.
   * @param rowNo by which `refuse` and `land` know it
   */
  admit(record: SourceRecord, text: string, rowNo: number): boolean {
    this.#hasCome = true;
    const { field, from, order } = this.#by;
    const value = cursorValue(record, field);
    if (from !== null && value !== undefined && order(value, from) < 0) return false;
    const hash = createHash("sha256").update(text).digest("base64url").slice(0, 22);
    if (this.#hasComeBefore(hash)) return false;
    this.#isNew = true;
    this.#admitted.set(rowNo, { value, hash });
    return true;
  }

  #hasComeBefore(hash: string): boolean {
    const times = this.#known.get(hash) ?? 0;
    if (this.#by.countsEqual) {
      if (times > 0) this.#known.set(hash, times - 1);
      return times > 0;
    }
    if (times > 0 || this.#recent.has(hash)) return true;
    this.#recent.add(hash);
    if (this.#recent.size > WINDOW) this.#recent.delete(this.#recent.values().next().value!);
    return false;
  }

  /** It does not land, and is known when it comes again. */
  refuse(rowNo: number): void {
    const admitted = this.#admitted.get(rowNo);
    if (!admitted) return;
    this.#admitted.delete(rowNo);
    this.#refused.push(admitted);
    if (this.#refused.length > 2 * MAX_UNPLACED) this.#refused = this.#refusedAhead();
  }

  /** All up to a number that were not refused have landed. */
  land(rowNo: number): void {
    for (const [no, { value, hash }] of this.#admitted) {
      if (no > rowNo) return;
      this.#admitted.delete(no);
      this.#place(value, hash);
    }
  }

  /** Whether records came, and none of them has a place, nor any of the loads before. */
  get isLost(): boolean {
    return this.#hasCome && this.#value === null;
  }

  /** Where the next load begins, after all has landed or was refused. */
  get cursor(): LoadCursor {
    if (!this.#isNew && this.#by.start) return this.#by.start;
    const unplaced = [...this.#unplaced, ...this.#refusedAhead().map(({ hash }) => hash)];
    return { value: this.#value, seen: this.#seen, unplaced: unplaced.slice(-MAX_UNPLACED) };
  }

  /** Of what was refused the newest that the source may send again. */
  #refusedAhead(): Admitted[] {
    const { order } = this.#by;
    const isBehind = ({ value }: Admitted) =>
      value !== undefined && this.#value !== null && order(value, this.#value) < 0;
    return this.#refused.filter((one) => !isBehind(one)).slice(-MAX_UNPLACED);
  }

  #place(value: string | undefined, hash: string): void {
    const { order, isNowhere } = this.#by;
    if (value === undefined || Number.isNaN(order(value, value)) || isNowhere?.(value)) {
      this.#unplaced.push(hash);
      if (this.#unplaced.length > 2 * MAX_UNPLACED) this.#unplaced = this.#unplaced.slice(-MAX_UNPLACED);
      return;
    }
    const difference = this.#value === null ? 1 : order(value, this.#value);
    if (difference > 0) {
      this.#value = value;
      this.#seen = [hash];
    } else if (difference === 0) this.#seen.push(hash);
  }
}

function cursorValue(record: SourceRecord, field: string): string | undefined {
  const { value } = record;
  if (value === null || typeof value !== "object" || !Object.hasOwn(value, field)) return undefined;
  const found = (value as Record<string, unknown>)[field];
  return typeof found === "string" ? found : typeof found === "number" ? record.fieldText(field) : undefined;
}
