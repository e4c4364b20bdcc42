import type { Position, Range } from "vscode-languageserver";

/** A text by lines, as editors count: from 0, in units of UTF-16. */
export class Text {
  readonly text: string;
  readonly #starts: number[] = [0];

  constructor(text: string) {
    this.text = text;
    for (const { index } of text.matchAll(/\r\n|\n|\r/g)) this.#starts.push(this.#afterBreak(index));
  }

  #afterBreak(index: number): number {
    return index + (this.text.startsWith("\r\n", index) ? 2 : 1);
  }

  offsetAt({ line, character }: Position): number {
    const start = this.#starts[line] ?? this.text.length;
    return Math.min(start + character, this.#starts[line + 1] ?? this.text.length);
  }

  positionAt(offset: number): Position {
    const line = this.#starts.findLastIndex((start) => start <= offset);
    return { line, character: offset - this.#starts[line]! };
  }

  range(start: number, end: number): Range {
    return { start: this.positionAt(start), end: this.positionAt(end) };
  }

  /** The word at a place that is counted from 1, as messages have it; the whole line where only that is known. */
  wordAt(line = 1, column?: number): Range {
    const start = this.offsetAt({ line: line - 1, character: (column ?? 1) - 1 });
    const rest = this.text.slice(start).split(/[\r\n]/, 1)[0]!;
    const length = column === undefined ? rest.length : /^(?:[\p{L}\p{N}_$]+|.?)/u.exec(rest)![0].length;
    return this.range(start, start + length);
  }
}
