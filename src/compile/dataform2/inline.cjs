// Models of `type: "inline"`, which Dataform 3 no longer has: core compiles them as views, whoever reads one gets its query in
// parentheses, and what it reads; then it is taken out of the graph.
"use strict";

const { keyOf } = require("../calls.cjs");

/** Actions that are read as their query. */
class Inlines {
  #builders = new Set();
  #reading = [];

  add(builder) {
    this.#builders.add(builder);
  }

  /** The query of an action that a reference finds, in parentheses; undefined where it is none of these. */
  queryOf(builder) {
    if (!this.#builders.has(builder)) return undefined;
    // Core tells circles when all is compiled.
    if (this.#reading.includes(builder)) return "(select)";
    this.#reading.push(builder);
    try {
      return `(${builder.compile().query}\n)`;
    } finally {
      this.#reading.pop();
    }
  }

  takenOutOf(graph) {
    if (!this.#builders.size) return graph;
    const { tables = [], targets = [] } = graph;
    // A suffix or a prefix is in targets, and in no canonical one.
    const keys = new Set([...this.#builders].map(({ proto }) => keyOf(proto.canonicalTarget)));
    const inlined = tables.filter(({ canonicalTarget }) => keys.has(keyOf(canonicalTarget)));
    const reads = new Map(inlined.map(({ target, dependencyTargets }) => [keyOf(target), dependencyTargets ?? []]));
    for (const list of [graph.tables, graph.assertions, graph.operations, graph.tests])
      for (const action of list ?? [])
        if (action.dependencyTargets) action.dependencyTargets = throughInlines(action.dependencyTargets, reads);
    graph.tables = tables.filter(({ target }) => !reads.has(keyOf(target)));
    graph.targets = targets.filter((target) => !reads.has(keyOf(target)));
    return graph;
  }
}

function throughInlines(targets, reads, seen = new Set()) {
  const found = new Map();
  for (const target of targets) {
    const key = keyOf(target);
    if (seen.has(key)) continue;
    const through = reads.has(key) ? throughInlines(reads.get(key), reads, new Set([...seen, key])) : [target];
    for (const one of through) found.set(keyOf(one), one);
  }
  return [...found.values()];
}

module.exports = { Inlines };
