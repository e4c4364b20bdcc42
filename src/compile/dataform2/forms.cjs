// What Dataform 2 took in several forms, and core 3 takes in one.
"use strict";

const isPlain = (value) => value !== null && typeof value === "object" && !Array.isArray(value);
const list = (value) => (Array.isArray(value) ? value : [value]);

// `{ schema, name }`, as everywhere else, is `{ dataset, name }` in a config; a database that is not said is none.
function dependency(value) {
  if (!isPlain(value)) return value;
  const { schema, database: _, ...rest } = value;
  return schema === undefined ? rest : { dataset: schema, ...rest };
}

/** A config as core takes it. What is wrong in it has been told. */
function inForm(config) {
  const { database: _, ...formed } = config;
  if (formed.tags !== undefined) formed.tags = list(formed.tags);
  if (formed.dependencies !== undefined) formed.dependencies = list(formed.dependencies).map(dependency);
  return formed;
}

/** What `columns: {…}` says, as the list that a method of a builder takes. */
function columnList(columns) {
  if (!isPlain(columns)) return columns;
  return Object.entries(columns).map(([name, said]) => {
    const { tags, ...rest } = isPlain(said) ? said : { description: said };
    return { path: [name], ...rest, ...(tags === undefined ? {} : { tags: list(tags) }) };
  });
}

/** What `assertions: {…}` says, as the method of a builder takes it. */
function assertionLists({ uniqueKey = [], uniqueKeys = [], nonNull = [], rowConditions = [] }) {
  return {
    uniqueKey: list(uniqueKey),
    uniqueKeys: uniqueKeys.map((key) => (Array.isArray(key) ? { uniqueKey: key } : key)),
    nonNull: list(nonNull),
    rowConditions,
  };
}

/** Two configs of one action: what the second says holds, and lists go on. */
function merged(first, second) {
  const both = { ...first, ...second };
  for (const key of ["tags", "dependencies"])
    if (first[key] !== undefined && second[key] !== undefined) both[key] = [...list(first[key]), ...list(second[key])];
  return both;
}

module.exports = { assertionLists, columnList, inForm, isPlain, merged };
