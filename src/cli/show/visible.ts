/**
 * What a terminal would do instead of showing it: control characters, and those that turn the direction of text. A tab and
 * a line feed stay.
 */
const CONTROLS = /(?![\t\n])[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu;

/** A sign for each control character; in JSON, which has none below U+0080 as they are, the text stays the same value. */
export function visible(text: string): string {
  return text.replaceAll("\r\n", "\n").replace(CONTROLS, (one) => {
    const code = one.charCodeAt(0);
    return code < 0x20 ? String.fromCharCode(0x2400 + code) : `\\u${code.toString(16).padStart(4, "0")}`;
  });
}
