const LF = 10;
const CR = 13;

/** What bytes mean in a CSV file; -1 where none does. */
interface Marks {
  readonly delimiter: number;
  readonly quote: number;
  readonly escape: number;
}

/** A record that is too long to be held: its beginning is kept, its bytes go by, and mean what they mean in a short one. */
export class LongRecord {
  readonly head: Buffer;
  /** Of its first byte. */
  readonly line: number;
  readonly offset: number;
  /** So far. */
  fields = 1;
  /** Line ends in its quotes, so far. */
  lineEnds = 0;
  readonly #marks: Marks;
  /** What the next byte stands in: a place where a quote opens, text where it is text, quoted text, or that behind an escape. */
  #inside: "start" | "text" | "quotes" | "escape" = "start";

  constructor(begin: { readonly head: Buffer; readonly line: number; readonly offset: number }, marks: Marks) {
    this.head = begin.head;
    this.line = begin.line;
    this.offset = begin.offset;
    this.#marks = marks;
  }

  /** Whether what comes next stands in quotes. */
  get isQuoted(): boolean {
    return this.#inside === "quotes" || this.#inside === "escape";
  }

  /** Lets bytes go by. Returns where its line end is, or where the bytes end or only the next one will tell. */
  pass(bytes: Buffer, from: number, final: boolean): number {
    let at = from;
    for (; at < bytes.length; at++) {
      const byte = bytes[at]!;
      if (byte === LF || byte === CR) {
        if (!this.isQuoted) break;
        // Counted with the LF behind it, which the next bytes tell.
        if (byte === CR && at + 1 === bytes.length && !final) break;
        if (byte === LF || bytes[at + 1] !== LF) this.lineEnds++;
        this.#inside = "quotes";
      } else this.#inside = this.isQuoted ? this.#behindQuoted(byte) : this.#behindText(byte);
    }
    return at;
  }

  #behindText(byte: number): "start" | "text" | "quotes" {
    if (byte === this.#marks.delimiter) {
      this.fields++;
      return "start";
    }
    return this.#inside === "start" && byte === this.#marks.quote ? "quotes" : "text";
  }

  /** Behind its end a quote opens quoted text again where a quote is its own escape. */
  #behindQuoted(byte: number): "start" | "text" | "quotes" | "escape" {
    const { quote, escape: escaping } = this.#marks;
    if (this.#inside === "escape") return "quotes";
    if (byte === quote) return escaping === quote ? "start" : "text";
    return byte === escaping ? "escape" : "quotes";
  }
}
