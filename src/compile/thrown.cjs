// Knows where what is thrown was thrown, also what is no Error: the debugger stops at it. Code runs slower under it.
"use strict";
const { Session } = require("node:inspector");
const { fileURLToPath } = require("node:url");

/**
 * From now on, remembers where values that are no Errors are thrown.
 * @param counts whether a stack is one to remember: what is caught is thrown again by others
 * @returns gives the last such stack, once
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
    if (reason !== "exception" || data.subtype === "error") return;
    const calls = callFrames.map(
      ({ location: { scriptId, lineNumber, columnNumber } }) =>
        `    at ${files.get(scriptId)}:${lineNumber + 1}:${columnNumber + 1}`,
    );
    const stack = [data.description ?? String(data.value), ...calls].join("\n");
    if (counts(stack)) last = stack;
  });
  session.post("Debugger.enable");
  session.post("Debugger.setPauseOnExceptions", { state: "all" });
  return () => {
    const stack = last;
    last = undefined;
    return stack;
  };
}

module.exports = { recordThrown };
