// Knows where in the project's files each piece of compiled SQL comes from. Template literals get a tag that gives the
// same text as without it, and keeps, beside the text and not in it, how long each of its pieces is.
"use strict";
const { placeOf, sourceOffset, sourceStretches } = require("./code-to-file.cjs");
const { readLayout } = require("./layout.cjs");
const { kindOf, NoTexts } = require("./no-text.cjs");
const { findTemplates } = require("./templates.cjs");

// Texts are kept until the project is compiled: code that builds very much of them is not followed to its end.
const KEPT_CHARACTERS = 32 * 1024 * 1024;

/** A call in a stack: what is called and the file that calls it, line, column. */
const CALL = /^ *at (.+):(\d+):(\d+)\)?$/gm;

/** The name under which compiled code finds the tags of its templates. */
const TAGS = "__dataform_texts";

class Tracer {
  #files = new Map();
  #tags = [];
  #made = new Map();
  #trimmed;
  #room = KEPT_CHARACTERS;
  #noTexts = new NoTexts();

  constructor(scope) {
    Object.defineProperty(scope, TAGS, { value: this.#tags });
  }

  /**
   * Compiles a file, with a tag at each template.
   * @param shownAs its path in the project
   */
  compile(compiler, source, filename, shownAs) {
    const text = source.replaceAll("\r\n", "\n");
    const kind = /\.(sqlx|sql|js)$/.exec(filename)?.[1];
    const made = compiler(kind === "sqlx" ? withEscapedComments(text) : kind ? text : source, shownAs);
    // Files of Dataform 2 know where their parts stand.
    const { code, parts } = typeof made === "string" ? { code: made } : made;
    const file = { shownAs, kind, source: text, code, parts, inserted: [] };
    this.#files.set(filename, file);
    if (!kind || !code.includes("`")) return code;
    const templates = findTemplates(code) ?? [];
    let instrumented = "";
    let from = 0;
    for (const template of templates) {
      // JavaScript takes what it does not know as an escape from a tagged template, and from no other.
      if (template.parts.some(([start, end]) => hasUnknownEscape(code.slice(start, end)))) continue;
      const tag = `${TAGS}[${this.#tags.length}]`;
      this.#tags.push(this.#tagOf({ file, template }));
      instrumented += code.slice(from, template.start) + tag;
      file.inserted.push({ at: template.start, length: tag.length });
      from = template.start;
    }
    return instrumented + code.slice(from);
  }

  #tagOf(site) {
    return (strings, ...values) => {
      let text = strings[0];
      let noTexts = false;
      const lengths = values.map((value, index) => {
        const before = text.length;
        text += `${value}`;
        const { length } = text;
        text += strings[index + 1];
        if (typeof value !== "string" && kindOf(value)) noTexts = true;
        return length - before;
      });
      if (noTexts) this.#noteNoTexts(text, site, strings, values, lengths);
      if (!site.template.nested) this.#keep(text, site, strings, lengths);
      return text;
    };
  }

  #noteNoTexts(text, site, strings, values, lengths) {
    let at = strings[0].length;
    for (const [index, value] of values.entries()) {
      const kind = kindOf(value);
      if (kind) this.#noTexts.note(kind, site, index, { text, at, length: lengths[index] });
      at += lengths[index] + strings[index + 1].length;
    }
  }

  /** What was printed in templates and is no text. */
  noTexts() {
    return this.#noTexts.all();
  }

  #keep(text, site, strings, lengths) {
    const known = this.#made.get(text);
    if (known?.some((one) => one.site === site)) return;
    // What core asks for is always kept.
    if (site.file.kind === "js") this.#room -= text.length;
    if (this.#room < 0 && site.file.kind === "js") return;
    const one = { site, strings, lengths };
    if (known) known.push(one);
    else this.#made.set(text, [one]);
  }

  /** Where the pieces of a compiled text come from, or undefined where that is not known. */
  trace(text, shownAs) {
    const made = this.#made.get(text) ?? this.#withSpace(text);
    const own = made?.filter(({ site }) => site.file.shownAs === shownAs) ?? [];
    const one = own[0] ?? made?.[0];
    const all = own.length > 1 ? own : one ? [one] : [];
    const [pieces, ...others] = all.map((made) => this.#piecesIn(made, text));
    if (!pieces) return undefined;
    // Of a text that stands in several places nobody knows which of them made it.
    const elsewhere = others.length && others.every(Boolean) ? { elsewhere: others } : {};
    return { file: one.site.file.shownAs, text, pieces, ...elsewhere };
  }

  #piecesIn(made, text) {
    const pieces = piecesOf(made);
    return pieces && made.skipped ? cut(pieces, made.skipped, text.length) : pieces;
  }

  /** What was made and then freed of the white space around it. */
  #withSpace(text) {
    if (!this.#trimmed) {
      this.#trimmed = new Map();
      for (const [whole, made] of this.#made) {
        const trimmed = whole.trim();
        const skipped = whole.length - whole.trimStart().length;
        this.#trimmed.set(
          trimmed,
          made.map((one) => ({ ...one, skipped })),
        );
      }
    }
    return this.#trimmed.get(text);
  }

  /** The calls in files of the project that led to an error, innermost first. */
  frames(stack) {
    const frames = [];
    // A mistake of syntax: place, line, caret; at the end of a file there is nothing to point at.
    const [, where, at, space] = /^([^\n]+):(\d+)\n[^\n]*\n(?:([ \t]*)\^|\n)/.exec(stack) ?? [];
    const broken = this.#files.get(where);
    const mistake = broken && (space === undefined ? endOf(broken) : placeOf(broken, Number(at), space.length + 1));
    if (mistake) return [{ file: broken.shownAs, ...mistake }];
    for (const [, called, line, column] of stack.matchAll(CALL)) {
      const file = this.#fileOf(called);
      const place = file && placeOf(file, Number(line), Number(column));
      const inner = frames.at(-1);
      if (!place || (inner?.file === file.shownAs && inner.line === place.line)) continue;
      frames.push({ file: file.shownAs, ...place });
    }
    return frames;
  }

  /** The offset in a file of the innermost call in it that led there. */
  callIn(stack, shownAs) {
    const frame = this.frames(stack).find(({ file }) => file === shownAs);
    if (!frame) return undefined;
    const { source } = [...this.#files.values()].find((file) => file.shownAs === shownAs);
    const before = source.split("\n").slice(0, frame.line - 1);
    return before.reduce((sum, { length }) => sum + length + 1, frame.column - 1);
  }

  /** Whether an error comes from a line of the project, and not from what that called. */
  isFrom(stack) {
    const first = [...stack.matchAll(CALL)].find(([, called]) => !/\((?:<anonymous>|node:[^()]*)$|^node:/.test(called));
    return first !== undefined && this.#fileOf(first[1]) !== undefined;
  }

  /** The file of `f (/a (1)/b.js` or `/a (1)/b.js`: names of folders have parentheses, too. */
  #fileOf(called) {
    const begins = [...called.matchAll(/^(?:async )?|\(/g)].map(({ 0: text, index }) => index + text.length);
    const name = begins.map((begin) => called.slice(begin)).find((one) => this.#files.has(one));
    return this.#files.get(name);
  }
}

/** The last line with something on it. */
function endOf({ source }) {
  const lines = source.trimEnd().split("\n");
  return { line: lines.length, column: lines.at(-1).length + 1 };
}

/** Core hands on what looks like an escape in a comment as one, and a part of the comment becomes SQL. */
function withEscapedComments(source) {
  if (!source.includes("\\")) return source;
  let text = "";
  let from = 0;
  for (const [start, end] of readLayout(source).comments) {
    text += source.slice(from, start) + source.slice(start, end).replaceAll("\\", "\\\\");
    from = end;
  }
  return text + source.slice(from);
}

function hasUnknownEscape(raw) {
  const known = /\\(?:[^ux\d]|u[\da-fA-F]{4}|u\{[\da-fA-F]+\}|x[\da-fA-F]{2}|0(?!\d))/g;
  return raw.includes("\\") && raw.replace(known, "").includes("\\");
}

/** `[length, offset in the file, 1 for what a placeholder made]`; undefined where the file does not say just that. */
function piecesOf({ site, strings, lengths }) {
  site.known ??= placesOf(site, strings) ?? [];
  if (!site.known.length) return undefined;
  const pieces = [];
  for (const [index, { text, placeholder }] of site.known.entries()) {
    pieces.push(...text);
    if (lengths[index]) pieces.push([lengths[index], placeholder, 1]);
  }
  return pieces;
}

/** Of each part of a template: the stretches of its text, and where the placeholder after it begins. */
function placesOf({ file, template }, strings) {
  const places = [];
  for (const [index, part] of template.parts.entries()) {
    const stretches = sourceStretches(file, part);
    const placeholder = index < strings.length - 1 ? sourceOffset(file, part[1]) : 0;
    if (!stretches || placeholder === undefined || !saysThat(stretches, strings[index], file, part)) return undefined;
    places.push({ text: stretches.map(([length, offset]) => [length, offset, 0]), placeholder });
  }
  return places;
}

/** Whether the stretches are the text itself. Escapes are written otherwise. */
function saysThat(stretches, text, file, part) {
  const written = stretches.map(([length, offset]) => file.source.slice(offset, offset + length)).join("");
  return written === text || (written.length === text.length && file.code.slice(...part).includes("\\"));
}

function cut(pieces, skipped, length) {
  const kept = [];
  let start = -skipped;
  for (const [size, offset, made] of pieces) {
    const from = Math.max(start, 0);
    const to = Math.min(start + size, length);
    if (from < to) kept.push([to - from, made ? offset : offset + from - start, made]);
    start += size;
  }
  return kept;
}

module.exports = { Tracer };
