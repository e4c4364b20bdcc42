// Knows where what is thrown was thrown, also what does not say so: the debugger stops at it. Code runs slower under it.
"use strict";
const { Session } = require("node:inspector");
const { fileURLToPath } = require("node:url");

/**
 * From now on, remembers where values are thrown.
 * @param counts whether a stack is one to remember: what is caught is thrown again by others
 * @returns gives the last such stack, once, with the value where it is a text
 */
function recordThrown(counts) {
  const session = new Session();
  const files = new Map();
  let last;
  session.connect();
  session.on("Debugger.scriptParsed", ({ params: { scriptId, url } }) => {
    if (url) files.set(scriptId, url.startsWith("file:") ? fileURLToPath(url) : url);
  });
  session.on("Debugger.paused", ({ params: { reason, data, callFrames } }) => {
    if (reason !== "exception") return;
    const calls = callFrames.map(
      ({ location: { scriptId, lineNumber, columnNumber } }) =>
        `    at ${files.get(scriptId)}:${lineNumber + 1}:${columnNumber + 1}`,
    );
    const stack = [String(data.description ?? data.value).split("\n    at ", 1)[0], ...calls].join("\n");
    if (counts(stack)) last = { value: data.value, stack };
  });
  session.post("Debugger.enable");
  session.post("Debugger.setPauseOnExceptions", { state: "all" });
  return () => {
    const thrown = last;
    last = undefined;
    return thrown;
  };
}

module.exports = { recordThrown };
