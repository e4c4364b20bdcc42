/** How often a reason for a reject was given. */
export interface ReasonCount {
  readonly reason: string;
  readonly count: number;
}

/** What is told of many. */
export interface ToldReasons {
  /** The most frequent first. */
  readonly reasons: readonly ReasonCount[];
  /** Reasons that are left out. */
  readonly more: number;
  /** Rejects for these. */
  readonly moreRejects: number;
}

/** Reasons that are told, of all there are. */
const MOST_TOLD = 10;
/** Different reasons that are held. */
const MOST_HELD = 2_000;

/** Reasons that differ in a part only are one where more than `few` of them do. */
interface Level {
  readonly mask: (reason: string) => string;
  readonly few: number;
}

// Each level's mask leaves away what those before it do: a reason that was masked is masked alike.
const LEVELS: readonly Level[] = [
  { mask: (reason) => mapped(reason, (path, text) => [maskPath(path, /\d/), withoutValues(text)]), few: 10 },
  { mask: (reason) => mapped(reason, (path, text) => [maskPath(path, /./), withoutValues(text)]), few: 10 },
  { mask: (reason) => mapped(reason, (path, text) => [path && "…", withoutValues(text)]), few: 100 },
  { mask: (reason) => mapped(reason, (path) => [maskPath(path, /./), "…"]), few: 100 },
];

/**
 * Reasons by how often they were given. Those that differ by a value, an index or a key only are one, with … in its place: a load
 * of 20,000 ids that are none has one reason, and not 20,000.
 */
export class ReasonCounts {
  readonly #counts = new Map<string, number>();
  /** By level, what reasons were taken together as. */
  readonly #masked: readonly Set<string>[] = LEVELS.map(() => new Set());

  add(reason: string, count = 1): void {
    const key = this.#counts.has(reason) ? reason : this.#heldAs(reason);
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + count);
    if (this.#counts.size <= MOST_HELD) return;
    this.#takeTogether();
    if (this.#counts.size > MOST_HELD) this.#takeTogether(0);
  }

  addAll(others: ReasonCounts): void {
    for (const [reason, count] of others.#counts) this.add(reason, count);
  }

  told(most = MOST_TOLD): ToldReasons {
    this.#takeTogether();
    const all = [...this.#counts].map(([reason, count]) => ({ reason, count })).sort((a, b) => b.count - a.count);
    const rest = all.slice(most);
    return {
      reasons: all.slice(0, most),
      more: rest.length,
      moreRejects: rest.reduce((sum, { count }) => sum + count, 0),
    };
  }

  #heldAs(reason: string): string {
    for (const [index, { mask }] of LEVELS.entries()) {
      const masked = this.#masked[index]!.size ? mask(reason) : undefined;
      if (masked !== undefined && this.#masked[index]!.has(masked)) return masked;
    }
    return reason;
  }

  /** @param most takes the place of each level's `few`, as far as it has to */
  #takeTogether(most?: number): void {
    for (const [index, { mask, few }] of LEVELS.entries()) {
      if (most !== undefined && this.#counts.size <= MOST_HELD) return;
      const groups = new Map<string, string[]>();
      for (const reason of this.#counts.keys()) {
        const masked = mask(reason);
        const group = groups.get(masked);
        if (group) group.push(reason);
        else groups.set(masked, [reason]);
      }
      for (const [masked, reasons] of groups)
        if (reasons.length > (most ?? few)) this.#collapse(index, masked, reasons);
    }
  }

  #collapse(level: number, masked: string, reasons: readonly string[]): void {
    const sum = reasons.reduce((total, reason) => total + this.#counts.get(reason)!, 0);
    for (const reason of reasons) this.#counts.delete(reason);
    this.#counts.set(masked, sum);
    this.#masked[level]!.add(masked);
  }
}

/** "figures.clicks: must be integer; id: is missing", each reason by its path and what is said of it. */
function mapped(reason: string, change: (path: string, text: string) => readonly [string, string]): string {
  return pieces(reason)
    .map((one) => {
      const at = one.indexOf(": ");
      const [path, text] = change(one.slice(0, Math.max(at, 0)), at < 0 ? one : one.slice(at + 2));
      return path ? `${path}: ${text}` : text;
    })
    .join("; ");
}

/** What is parted by semicolons, none of them within quotes: a value may hold semicolons, and quotes, too. */
function pieces(reason: string): readonly string[] {
  const quotes = countQuotes(reason);
  const found: string[] = [];
  let before = 0;
  for (const part of reason.split("; ")) {
    const isWithin = found.length > 0 && (before % 2 || (quotes - before) % 2);
    found.push(isWithin ? `${found.pop()}; ${part}` : part);
    before += countQuotes(part);
  }
  return found;
}

function countQuotes(text: string): number {
  return text.match(/["«»“”„]/g)?.length ?? 0;
}

/** The field stays, and so do those below it whose names are not `like` this. */
function maskPath(path: string, like: RegExp): string {
  const [field, ...below] = path.split(".");
  return [field, ...below.map((name) => (like.test(name) ? "…" : name))].join(".");
}

/** What is from the first quote to the last one, since a value may hold quotes, and each word with a digit. */
function withoutValues(text: string): string {
  return text.replace(/(["«»“”„])[\s\S]*(["«»“”„])/, "$1…$2").replace(/[^\s"();:,…]*\d[^\s"();:,…]*/g, "…");
}
