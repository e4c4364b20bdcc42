// Where in a file of the project a place of the code that core made of it stands.
"use strict";
const { readLayout } = require("./layout.cjs");
const { cookedStretches } = require("./templates.cjs");

/** A part of a template as stretches of the file. */
function sourceStretches(file, part) {
  const stretches = [];
  for (const [length, at] of cookedStretches(file.code, part)) {
    for (let done = 0; done < length; ) {
      const map = mapAt(file, at + done);
      if (!map) return undefined;
      const size = Math.min(length - done, map.code + map.length - at - done);
      const offset = map.source + at + done - map.code;
      const last = stretches.at(-1);
      if (last && last[1] + last[0] === offset) last[0] += size;
      else stretches.push([size, offset]);
      done += size;
    }
  }
  return stretches;
}

function sourceOffset(file, at) {
  const map = mapAt(file, at);
  return map && map.source + at - map.code;
}

/** The stretch of compiled code that an offset is in. */
function mapAt(file, at) {
  file.maps ??= mapsOf(file);
  let low = 0;
  let high = file.maps.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (file.maps[middle].code + file.maps[middle].length <= at) low = middle + 1;
    else high = middle;
  }
  const map = file.maps[low];
  return map && map.code <= at ? map : undefined;
}

/** Stretches of compiled code that stand in the file as they are, in order. */
function mapsOf({ kind, code, source, parts }) {
  if (kind === "js") return [{ code: 0, source: 0, length: code.length }];
  const maps = [];
  if (parts) {
    for (const part of parts) align(maps, code, part.code, source, part.ranges);
    return maps;
  }
  if (kind === "sql") {
    align(maps, code, code.indexOf("`") + 1, source, [[0, source.length]]);
    return maps;
  }
  const layout = readLayout(source);
  let at = 0;
  const place = (ranges) => {
    const end = align(maps, code, at, source, ranges);
    if (end !== undefined) at = end;
    return end !== undefined;
  };
  const find = (text) => {
    const found = code.indexOf(text, at);
    if (found >= 0) at = found + text.length;
    return found >= 0;
  };
  const script = layout.js.map(([start, end]) => source.slice(start, end)).join("");
  const statements = (name, list, before, between) => {
    if (!list || !find(name)) return;
    // The blocks stand before every list of statements, again and again.
    const scriptAt = code.indexOf(`${script}${before}`, at);
    if (scriptAt < 0) return;
    at = scriptAt;
    place(layout.js);
    if (!find(before)) return;
    for (const ranges of list) {
      if (!place(ranges) || !code.startsWith(between, at)) return;
      at += between.length;
    }
  };
  if (layout.config && find("...")) place([layout.config]);
  statements("sqlContextable: (ctx) => {", layout.sql, "\n    return [`", "`,`");
  statements("incrementalWhereContextable: (ctx) => {", layout.where, "\n    return `", "`");
  statements("preOperationsContextable: (ctx) => {", layout.pre, "\n    return [`", "`,`");
  statements("postOperationsContextable: (ctx) => {", layout.post, "\n    return [`", "`,`");
  for (const input of layout.inputs) statements("contextable: (ctx) => {", input, "\n              return `", "`");
  return maps;
}

/**
 * Maps ranges of the file onto the code from `at` on. Core doubles backslashes in SQL and puts one before what begins
 * something in JavaScript; in placeholders everything stands as it is.
 */
function align(maps, code, at, source, ranges) {
  const found = [];
  for (const [start, end] of ranges) {
    for (let offset = start; offset < end; ) {
      const emitted = backslashes(code, at, code.length);
      const written = emitted && backslashes(source, offset, end);
      if (emitted > written) {
        for (let n = 0; n < written; n++) found.push({ code: at + 2 * n, source: offset + n, length: 1 });
        at += emitted;
        offset += written;
      }
      // As far as both are the same: to the next backslash, or over those that stand in both.
      const from = at + (emitted > written ? 0 : emitted);
      const next = code.indexOf("\\", from);
      const length = Math.min((next < 0 ? code.length : next) - at, end - offset);
      if (!source.startsWith(code.slice(at, at + length), offset)) return undefined;
      if (length) found.push({ code: at, source: offset, length });
      at += length;
      offset += length;
      if (!length && !emitted) return undefined;
    }
  }
  maps.push(...found);
  return at;
}

function backslashes(text, start, end) {
  let at = start;
  while (at < end && text[at] === "\\") at++;
  return at - start;
}

/** Line and column in the file of a place in the code that ran. */
function placeOf(file, line, column) {
  let lineStart = 0;
  for (let n = 1; n < line; n++) {
    const next = file.code.indexOf("\n", lineStart);
    if (next < 0) return undefined;
    lineStart = next + 1;
  }
  let at = lineStart + column - 1;
  for (const { at: place, length } of file.inserted) {
    if (place < lineStart || place >= at) continue;
    at = Math.max(place, at - length);
  }
  const offset = file.kind ? (sourceOffset(file, at) ?? inTemplate(file, at)) : undefined;
  if (offset === undefined) return undefined;
  const before = file.source.slice(0, offset);
  return { line: before.split("\n").length, column: offset - before.lastIndexOf("\n") };
}

/** Of a placeholder that begins with a name which is not there, V8 knows the template it is in. */
function inTemplate(file, at) {
  return file.code[at] === "`" ? sourceOffset(file, at + 1) : undefined;
}

module.exports = { placeOf, sourceOffset, sourceStretches };
