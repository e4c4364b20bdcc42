// Knows which call in a file of the project made an action whose text stands in no file: what packaged functions write.
"use strict";

/**
 * From now on, remembers where actions are made by JavaScript.
 * @returns gives the offset of that call in the file of an action of the compiled graph, where it is known
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
  return ({ target, fileName }) => {
    byTarget ??= new Map(calls.map(([builder, error]) => [keyOf(builder.getTarget()), error]));
    const error = target && byTarget.get(keyOf(target));
    return error && tracer.callIn(error.stack, fileName);
  };
}

function keyOf({ schema, name }) {
  return JSON.stringify([schema, name]);
}

module.exports = { keyOf, recordCalls };
