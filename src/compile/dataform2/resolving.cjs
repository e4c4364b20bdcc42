// What `resolve()` gives: the query of an inline model, and the name of a relation that the project does not know.
"use strict";

const { keyOf } = require("../calls.cjs");
const { isPlain } = require("./forms.cjs");

/** @returns takes back what core has said of names outside of the project, when all is compiled */
function patchResolve(session, inlines) {
  const outside = [];
  const resolve = session.resolve.bind(session);
  session.resolve = (named, ...rest) => {
    const wanted = targetOf(named, rest);
    const [found, ...more] = wanted ? session.indexedActions.find(wanted) : [];
    if (found && !more.length) return inlines.queryOf(found) ?? resolve(named, ...rest);
    const { compilationErrors } = session.graphErrors;
    const before = compilationErrors.length;
    const text = resolve(named, ...rest);
    // Only where the schema is said: a bare name is one of the project, or misspelt.
    if (found || !wanted?.schema || compilationErrors.length === before) return text;
    outside.push({ error: compilationErrors.at(-1), key: keyOf(wanted) });
    return `"${quoted(wanted.schema)}"."${quoted(wanted.name)}"`;
  };
  return () => takeBack(session, outside);
}

// What ref() asks for is a dependency, too: that nothing makes it stays a mistake.
function takeBack(session, outside) {
  if (!outside.length) return;
  const { compilationErrors } = session.graphErrors;
  const missing = new Set(
    compilationErrors.flatMap(({ message, fileName }) => {
      const [, named] =
        /^Missing dependency detected: .* depends on "(\{.*\})" which does not exist/s.exec(message) ?? [];
      return named === undefined ? [] : [`${fileName} ${keyOf(JSON.parse(named))}`];
    }),
  );
  const allowed = new Set(
    outside.filter(({ error, key }) => !missing.has(`${error.fileName} ${key}`)).map(({ error }) => error),
  );
  const kept = compilationErrors.filter((error) => !allowed.has(error));
  compilationErrors.splice(0, compilationErrors.length, ...kept);
}

function targetOf(named, rest) {
  if (isPlain(named)) {
    const { schema = named.dataset, name } = named;
    return typeof name === "string" ? { ...(schema ? { schema } : {}), name } : undefined;
  }
  const [name, schema] = (Array.isArray(named) ? [...named] : [named, ...rest]).reverse();
  if (typeof name !== "string") return undefined;
  return typeof schema === "string" ? { schema, name } : { name };
}

function quoted(name) {
  return name.replaceAll('"', '""');
}

module.exports = { patchResolve };
