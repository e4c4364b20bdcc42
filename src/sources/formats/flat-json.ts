/** What stands at a field of a line. */
export const ABSENT = 0;
export const NULL = 1;
export const TEXT = 2;
/** Text with escapes, as it stands there. */
export const ESCAPED_TEXT = 3;
export const WHOLE_NUMBER = 4;
export const DECIMAL = 5;
export const TRUE = 6;
export const FALSE = 7;

/** Digits that a double is sure to hold. */
const SURE_DIGITS = 15;

const QUOTE = 34;
const COMMA = 44;
const MINUS = 45;
const POINT = 46;
const ZERO = 48;
const COLON = 58;
const BACKSLASH = 92;
const OPEN = 123;
const CLOSE = 125;

const isDigit = (byte: number | undefined) => byte! >= 48 && byte! <= 57;
const isBlank = (byte: number | undefined) => byte === 32 || byte === 9 || byte === 13;

/** The characters that may follow a backslash, \u aside. */
const ESCAPES = new Set(Buffer.from('"\\/bfnrt'));

/**
 * Finds the fields of a line of JSON without parsing it, where the line is one flat object that has no field but the
 * expected ones and none twice, no \u, and no number that needs care (an exponent, more than 15 digits, -0).
 */
export class FlatJson {
  /** By field: what stands there, and where. Text without its quotes. */
  readonly kinds: Uint8Array;
  readonly starts: Int32Array;
  readonly ends: Int32Array;
  /** Whether the last line has only ASCII. Otherwise it is still to be found whether it is UTF-8. */
  ascii = true;
  readonly #keys: readonly Buffer[];
  /** The fields in the order of the last line: the next one is likely to have the same. */
  readonly #order: number[] = [];
  #bytes: Buffer = Buffer.alloc(0);
  #at = 0;

  constructor(names: readonly string[]) {
    this.#keys = names.map((name) => Buffer.from(`${JSON.stringify(name)}`));
    this.kinds = new Uint8Array(names.length);
    this.starts = new Int32Array(names.length);
    this.ends = new Int32Array(names.length);
  }

  /** False where the line is another kind of line: a parser must say what it is. */
  scan(bytes: Buffer): boolean {
    this.#bytes = bytes;
    this.#at = 0;
    this.ascii = true;
    this.kinds.fill(ABSENT);
    this.#skipBlanks();
    if (bytes[this.#at] !== OPEN) return false;
    this.#at++;
    for (let place = 0; ; place++) {
      this.#skipBlanks();
      const field = this.#field(place);
      if (field === -1 || this.kinds[field] !== ABSENT) return false;
      this.#skipBlanks();
      if (bytes[this.#at++] !== COLON) return false;
      this.#skipBlanks();
      if (!this.#value(field)) return false;
      this.#skipBlanks();
      const next = bytes[this.#at++];
      if (next === CLOSE) break;
      if (next !== COMMA) return false;
    }
    this.#skipBlanks();
    return this.#at === bytes.length;
  }

  #skipBlanks(): void {
    while (isBlank(this.#bytes[this.#at])) this.#at++;
  }

  /** The field whose name stands here; -1 for any other. */
  #field(place: number): number {
    const likely = this.#order[place];
    if (likely !== undefined && this.#isKey(this.#keys[likely]!)) return likely;
    const field = this.#keys.findIndex((key) => this.#isKey(key));
    if (field !== -1) this.#order[place] = field;
    return field;
  }

  #isKey(key: Buffer): boolean {
    const { length } = key;
    for (let n = 0; n < length; n++) if (this.#bytes[this.#at + n] !== key[n]) return false;
    this.#at += length;
    return true;
  }

  #value(field: number): boolean {
    const byte = this.#bytes[this.#at];
    if (byte === QUOTE) return this.#text(field);
    if (byte === MINUS || isDigit(byte)) return this.#number(field);
    if (byte === 110) return this.#word(field, "null", NULL);
    if (byte === 116) return this.#word(field, "true", TRUE);
    return byte === 102 && this.#word(field, "false", FALSE);
  }

  #text(field: number): boolean {
    const bytes = this.#bytes;
    let kind = TEXT;
    let at = this.#at + 1;
    this.starts[field] = at;
    for (let byte = bytes[at]; byte !== QUOTE; byte = bytes[at]) {
      // Also the end of the line.
      if (!(byte! >= 32)) return false;
      if (byte! >= 128) this.ascii = false;
      if (byte === BACKSLASH) {
        kind = ESCAPED_TEXT;
        if (!ESCAPES.has(bytes[++at]!)) return false;
      }
      at++;
    }
    this.ends[field] = at;
    this.kinds[field] = kind;
    this.#at = at + 1;
    return true;
  }

  #number(field: number): boolean {
    const bytes = this.#bytes;
    let at = this.#at;
    this.starts[field] = at;
    if (bytes[at] === MINUS) at++;
    const first = at;
    while (isDigit(bytes[at])) at++;
    const whole = at - first;
    if (whole === 0 || (bytes[first] === ZERO && (whole > 1 || first > this.#at))) return false;
    let kind = WHOLE_NUMBER;
    if (bytes[at] === POINT) {
      kind = DECIMAL;
      const fraction = ++at;
      while (isDigit(bytes[at])) at++;
      if (at === fraction) return false;
    }
    // What follows is looked at by the caller: an exponent is no comma.
    if (at - first > SURE_DIGITS) return false;
    this.ends[field] = at;
    this.kinds[field] = kind;
    this.#at = at;
    return true;
  }

  #word(field: number, word: string, kind: number): boolean {
    for (let n = 0; n < word.length; n++) if (this.#bytes[this.#at + n] !== word.charCodeAt(n)) return false;
    this.starts[field] = this.#at;
    this.#at += word.length;
    this.ends[field] = this.#at;
    this.kinds[field] = kind;
    return true;
  }
}
