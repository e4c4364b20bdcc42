// What stands at a path, as one short text: by it an answer that is kept is known to be as good as a new one.
"use strict";
const { createHash } = require("node:crypto");
const { readFileSync, readdirSync, statSync } = require("node:fs");

const digest = (content) => createHash("sha1").update(content).digest("base64url");

/** Of a file its content, of a folder its names, nothing where nothing is, or nobody may look. */
function stateOf(file) {
  try {
    const found = statSync(file, { throwIfNoEntry: false });
    if (!found) return "";
    if (found.isDirectory()) return digest(readdirSync(file).sort().join("\n"));
    return found.isFile() ? digest(readFileSync(file)) : "?";
  } catch {
    return "";
  }
}

module.exports = { digest, stateOf };
