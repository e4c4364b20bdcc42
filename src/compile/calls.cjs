// Knows which call in a file of the project made an action whose text stands in no file: what packaged functions write; and which
// package made it.
"use strict";

const path = require("node:path");

/** The files of this program, wherever it is installed. */
const OURS = path.resolve(__dirname, "../..") + path.sep;
const CORE = `${path.sep}@dataform${path.sep}core${path.sep}`;

/**
 * From now on, remembers where actions are made by JavaScript.
 * @returns what gives the offset of that call in the file of an action of the compiled graph, where it is known, and what gives the
 *   package of node_modules that called
 */
function recordCalls(session, tracer) {
  const calls = [];
  for (const method of ["publish", "operate", "assert"]) {
    const original = session[method];
    session[method] = function (...given) {
      const builder = original.apply(this, given);
      // Its stack is written only when it is asked for.
      calls.push([builder, new Error()]);
      return builder;
    };
  }
  let byTarget;
  const callOf = (target) => {
    byTarget ??= new Map(calls.map(([builder, error]) => [keyOf(builder.getTarget()), error]));
    return target && byTarget.get(keyOf(target));
  };
  return {
    offsetOf: ({ target, fileName }) => {
      const error = callOf(target);
      return error && tracer.callIn(error.stack, fileName);
    },
    packageOf: ({ target }) => {
      const error = callOf(target);
      return error && packageIn(error.stack);
    },
  };
}

/** The package of node_modules whose code called; undefined where the project's own did. */
function packageIn(stack) {
  const caller = stack.split("\n").find((line) => /[\\/]/.test(line) && !line.includes(OURS) && !line.includes(CORE));
  return /.*[\\/]node_modules[\\/]((?:@[^\\/]+[\\/])?[^\\/]+)[\\/]/.exec(caller ?? "")?.[1].replace("\\", "/");
}

function keyOf({ schema, name }) {
  return JSON.stringify([schema, name]);
}

module.exports = { keyOf, recordCalls };
