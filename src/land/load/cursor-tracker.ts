import { createHash } from "node:crypto";
import type { LoadCursor } from "../../model/load-report.ts";
import type { SourceRecord } from "../../sources/json/document.ts";
import type { Order } from "./order.ts";

/** How many records of one load are remembered to notice a page that is served twice. */
const WINDOW = 200_000;
/** Rejected records without a place, remembered from load to load. */
const MAX_UNPLACED = 10_000;

/**
 * Follows the cursor of one load. The source is asked for records from a value on, that value included, for a
 * record may appear later with the same value; so it sends records again, which are known by their hash.
 */
export class CursorTracker {
  readonly #field: string;
  readonly #order: Order;
  readonly #start: LoadCursor | null;
  /** Records from before it are not new. */
  readonly #from: string | null;
  readonly #known: ReadonlySet<string>;
  readonly #recent = new Set<string>();
  #value: string | null;
  #seen: Set<string>;
  #unplaced: Set<string>;
  #hasCome = false;

  /** @param from where the source is read again from, before `start`: what it restates there lands anew */
  constructor(field: string, order: Order, start: LoadCursor | null, from = start?.value ?? null) {
    this.#from = from;
    this.#field = field;
    this.#order = order;
    this.#start = start;
    this.#value = start?.value ?? null;
    this.#seen = new Set(start?.seen);
    this.#unplaced = new Set(start?.unplaced);
    this.#known = new Set([...this.#seen, ...this.#unplaced]);
  }

  /**
   * Whether the record is new; if so it now counts as landed or rejected. Records from before the cursor are not new:
   * a source that reads `since` as a whole day, or not at all, sends them every time.
   */
  admit(record: SourceRecord, text: string): boolean {
    this.#hasCome = true;
    const value = cursorValue(record, this.#field);
    if (this.#from !== null && value !== undefined && this.#order(value, this.#from) < 0) return false;
    const hash = createHash("sha256").update(text).digest("base64url").slice(0, 22);
    if (this.#known.has(hash) || this.#recent.has(hash)) return false;
    this.#recent.add(hash);
    if (this.#recent.size > WINDOW) this.#recent.delete(this.#recent.values().next().value!);
    this.#place(value, hash);
    return true;
  }

  /** Whether records came, and none of them has a place, nor any of the loads before. */
  get isLost(): boolean {
    return this.#hasCome && this.#value === null;
  }

  /** Where the next load begins. */
  get cursor(): LoadCursor {
    if (this.#recent.size === 0 && this.#start) return this.#start;
    const unplaced = [...this.#unplaced].slice(-MAX_UNPLACED);
    return { value: this.#value, seen: [...this.#seen], unplaced };
  }

  #place(value: string | undefined, hash: string): void {
    if (value === undefined || Number.isNaN(this.#order(value, value))) {
      this.#unplaced.add(hash);
      return;
    }
    const difference = this.#value === null ? 1 : this.#order(value, this.#value);
    if (difference > 0) {
      this.#value = value;
      this.#seen = new Set([hash]);
    } else if (difference === 0) this.#seen.add(hash);
  }
}

function cursorValue(record: SourceRecord, field: string): string | undefined {
  const { value } = record;
  if (value === null || typeof value !== "object" || !Object.hasOwn(value, field)) return undefined;
  const found = (value as Record<string, unknown>)[field];
  return typeof found === "string" ? found : typeof found === "number" ? record.fieldText(field) : undefined;
}
