// Knows the values that were put into a template and are no text: what JavaScript prints of them is no SQL.
"use strict";
const { sourceOffset } = require("./code-to-file.cjs");

// Code that prints very much of it is not followed to its end.
const KEPT = 1000;

const PRINTED_OBJECT = /^\[object \w+\]$/;

/**
 * What a value is that prints as no text; undefined for those that do.
 * @param within lists that it stands in: JavaScript prints one that holds itself
 */
function kindOf(value, within = []) {
  switch (typeof value) {
    case "undefined":
      return "undefined";
    case "function":
      return "a function";
    case "number":
      if (!Number.isFinite(value)) return "a number that is none";
      // What it was written as, nobody can know any more.
      return Number.isInteger(value) && !Number.isSafeInteger(value) ? "a number that JavaScript rounds" : undefined;
    case "object":
      if (within.includes(value)) return undefined;
      if (Array.isArray(value))
        return value.some((one) => isNoText(one, [...within, value])) ? "a list with what is no text" : undefined;
      if (value instanceof Date) return "a date";
      return value !== null && PRINTED_OBJECT.test(`${value}`) ? "an object" : undefined;
  }
}

/** In a list null prints as nothing, too. */
function isNoText(value, within) {
  return value === null || kindOf(value, within) !== undefined;
}

class NoTexts {
  #kept = new Map();

  /** @param site the file and the template, of which the value stands in the placeholder `index` */
  note(kind, { file, template }, index, { text, at, length }) {
    const { parts } = template;
    const [from, to] = [parts[index][1], parts[index + 1][0]];
    const key = JSON.stringify([file.shownAs, from, text]);
    if (this.#kept.has(key) || this.#kept.size === KEPT) return;
    const offset = sourceOffset(file, from);
    this.#kept.set(key, { kind, text, at, length, file: file.shownAs, offset, written: file.code.slice(from, to) });
  }

  all() {
    return [...this.#kept.values()];
  }
}

module.exports = { kindOf, NoTexts };
