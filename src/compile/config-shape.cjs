// What the config of each type may say. Core leaves out without a word what it does not expect: a key of a wrong kind, of
// another warehouse, of another type.
"use strict";

// A kind finds what is wrong with a value: `{ path, expected, found }`, or `{ path, unknown, known }` for a key.
const kind = (expected, matches) => (value, path) => (matches(value) ? [] : [{ path, expected, found: shown(value) }]);

// A value as a person wrote it, as far as it has a text.
function shown(value) {
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value === "function") return "a function";
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return "an object that JSON cannot say";
  }
}

const isText = kind("a text", (value) => typeof value === "string");
const isName = kind("a text that is not empty", (value) => typeof value === "string" && value !== "");
/** PostgreSQL has no other: descriptions are comments there, names are recorded. */
const isStorable = kind(
  "a text without NUL and without half a surrogate pair",
  (value) => typeof value !== "string" || !/[\0\p{Surrogate}]/u.test(value),
);
const text = (value, path) => [...isText(value, path), ...isStorable(value, path)];
const name = (value, path) => [...isName(value, path), ...isStorable(value, path)];
const flag = kind("true or false", (value) => typeof value === "boolean");
const schemaChange = kind("IGNORE, FAIL, EXTEND or SYNCHRONIZE", (value) =>
  /^(?:ignore|fail|extend|synchronize)$/i.test(typeof value === "string" ? value : ""),
);
const isList = kind("a list: […]", Array.isArray);
const isObject = kind("an object: {…}", isPlain);

function isPlain(value) {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}

// What comes through JSON as what it is. A number that JavaScript rounded is shown by its line, which has the digits.
const exact = (value, path) => {
  if (Array.isArray(value)) return value.flatMap((one, index) => exact(one, [...path, index]));
  if (isPlain(value)) return Object.entries(value).flatMap(([key, one]) => exact(one, [...path, key]));
  if (
    typeof value === "number" &&
    (!Number.isFinite(value) || (Number.isInteger(value) && !Number.isSafeInteger(value)))
  )
    return [{ path, expected: "a number that JavaScript does not round: of at most 15 digits; or a text in quotes" }];
  const isJson = value === null || ["string", "number", "boolean", "undefined"].includes(typeof value);
  return isJson
    ? []
    : [{ path, expected: "a text, a number, true or false, a list or an object", found: shown(value) }];
};
/** What it says is looked at with the graph (postgres-block.ts). */
const block = (value, path) => (isPlain(value) ? exact(value, path) : isObject(value, path));

const listOf = (element) => (value, path) =>
  Array.isArray(value) ? value.flatMap((one, index) => element(one, [...path, index])) : isList(value, path);

/** An object whose keys an author chooses. */
const mapOf = (element) => (value, path) =>
  isPlain(value) ? Object.entries(value).flatMap(([key, one]) => element(one, [...path, key])) : isObject(value, path);

/** Every target of a project that says `defaultProject` or `defaultDatabase` has it, also in what core says of its own. */
let databaseOf = () => undefined;
const inDatabaseOf = (session) => {
  databaseOf = () => session.projectConfig?.defaultDatabase;
};
const isOwnDatabase = (value) => value === "" || value === null || value === databaseOf();

/** What is undefined is not said. */
const objectOf = (keys) => (value, path) => {
  if (!isPlain(value)) return isObject(value, path);
  return Object.entries(value).flatMap(([key, one]) => {
    if (one === undefined || (key === "database" && isOwnDatabase(one))) return [];
    if (Object.hasOwn(keys, key)) return keys[key](one, [...path, key]);
    const onlyBigQuery = BIGQUERY.has(key);
    return [
      { path: [...path, key], unknown: key, known: Object.keys(keys), ...(onlyBigQuery ? { onlyBigQuery } : {}) },
    ];
  });
};

const either = (isFirst, first, second) => (value, path) => (isFirst(value) ? first : second)(value, path);

/** They say how BigQuery stores, bills, labels or finds something. */
const BIGQUERY = new Set(
  "bigquery database project metadata reservation iceberg labels additionalOptions partitionBy clusterBy partitionExpirationDays requirePartitionFilter updatePartitionFilter incrementalStrategy incrementalPredicates preserveGovernanceControls bigqueryPolicyTags".split(
    " ",
  ),
);

const texts = listOf(text);
const names = listOf(name);
const oneOrMore = either(Array.isArray, names, name);
/** As core takes it in a config, and everywhere else. */
const target = objectOf({ dataset: name, name, includeDependentAssertions: flag });
const resolvable = objectOf({ schema: name, name, includeDependentAssertions: flag });
/** Dataform 2 calls it the schema in configs, too. */
const anyTarget = either((value) => Object.hasOwn(value, "schema"), resolvable, target);
/** Columns in a column, as those of JSON may have: they stand in the graph, and PostgreSQL has no comment for them. */
const inner = (value, path) => columns(value, path);
const described = either(
  isPlain,
  objectOf({ description: text, displayName: text, tags: oneOrMore, columns: inner }),
  text,
);

const common = { type: () => [], name, schema: name, dataset: name };
const dependency = either(isPlain, anyTarget, name);
const ordered = {
  ...common,
  description: text,
  tags: oneOrMore,
  dependencies: either(Array.isArray, listOf(dependency), dependency),
  dependencyTargets: listOf(target),
  dependOnDependencyAssertions: flag,
  disabled: flag,
  hermetic: flag,
};
/** Of a column: what JSON can say, and JavaScript does not round. */
const accepted = (value, path) =>
  ["string", "number", "boolean"].includes(typeof value)
    ? exact(value, path)
    : [{ path, expected: "a text, a number, true or false", found: shown(value) }];
const acceptedList = (value, path) =>
  Array.isArray(value) && !value.length
    ? [{ path, expected: "a list that is not empty", found: "[]" }]
    : listOf(accepted)(value, path);
const anyReference = either(isPlain, (value, path) => anyTarget(value, path), name);
const relationship = either(
  (value) => isPlain(value) && Object.hasOwn(value, "to"),
  objectOf({ to: anyReference, column: name }),
  kind('a relation, or { to: "customers", column: "id" }', (value) => typeof value === "string" && value !== ""),
);
const rows = kind("a whole number from 0 on", (value) => Number.isSafeInteger(value) && value >= 0);
const rowCount = (value, path) => {
  const found = objectOf({ min: rows, max: rows })(value, path);
  if (found.length) return found;
  const { min, max } = value;
  const isRange = (min !== undefined || max !== undefined) && !(min > max);
  return isRange ? [] : [{ path, expected: "min, max or both, the smaller one as min", found: shown(value) }];
};
const assertions = objectOf({
  uniqueKey: oneOrMore,
  uniqueKeys: listOf(either(isPlain, objectOf({ uniqueKey: names }), names)),
  nonNull: oneOrMore,
  rowConditions: texts,
  acceptedValues: mapOf(acceptedList),
  relationships: mapOf(relationship),
  rowCount,
});
const columns = mapOf(described);
const onePath = kind(
  "a list of one name: only BigQuery has columns in columns",
  (value) => Array.isArray(value) && value.length === 1 && typeof value[0] === "string" && value[0] !== "",
);
const columnList = listOf(objectOf({ path: onePath, description: text }));
const model = {
  ...ordered,
  columns,
  assertions,
  preOperations: texts,
  postOperations: texts,
  postgres: block,
};

const shapes = {
  table: model,
  view: { ...model, materialized: flag },
  incremental: { ...model, uniqueKey: names, protected: flag, onSchemaChange: schemaChange },
  assertion: { ...ordered, postgres: block },
  operations: { ...ordered, columns, hasOutput: flag, postgres: block },
  declaration: { ...common, description: text, columns, tags: oneOrMore },
  inline: { ...common, tags: oneOrMore, dependencies: ordered.dependencies },
  test: { type: () => [], name, dataset: either(isPlain, resolvable, oneOrMore), tags: oneOrMore },
};

// Of actions.yaml: its names of the types, and how it writes columns.
const inActionsYaml = (shape) => ({
  ...shape,
  filename: name,
  ...(shape.columns ? { columns: columnList } : {}),
});
const yamlShapes = {
  table: inActionsYaml(shapes.table),
  view: inActionsYaml(shapes.view),
  incrementalTable: inActionsYaml(shapes.incremental),
  assertion: inActionsYaml(shapes.assertion),
  operation: inActionsYaml(shapes.operations),
  declaration: inActionsYaml(shapes.declaration),
};

/** What is wrong in a config; nothing of a type that is unknown. */
function mistakesIn(type, config, inYaml = false) {
  const known = inYaml ? yamlShapes : shapes;
  return Object.hasOwn(known, type) ? objectOf(known[type])(config, []) : [];
}

/** It stands in the line that calls. */
const inCall = (mistake) => ({ ...mistake, inCall: true });

/** The methods of a builder that say what a config could, and what is wrong with what they are given. */
function methodsOf(type) {
  const { type: _, name: __, ...keys } = shapes[type];
  if (keys.dependencies) keys.dependencies = listOf(either(isPlain, resolvable, name));
  if (keys.columns) keys.columns = either(isPlain, columns, columnList);
  const checks = Object.entries(keys).map(([key, check]) => ({
    key,
    // They take one of a list, too.
    mistakes: (value) => {
      const found = value === undefined ? [] : check(value, [key]);
      return found.length && !Array.isArray(value) && !check([value], [key]).length ? [] : found.map(inCall);
    },
  }));
  const meaningless = [...BIGQUERY].map((key) => ({
    key,
    mistakes: (value) => objectOf({})({ [key]: value }, []).map(inCall),
  }));
  return [...checks, ...meaningless];
}

module.exports = {
  inDatabaseOf,
  shown,
  mistakesIn,
  methodsOf,
  /**
   * What `type` of a config can be.
   * @public for TypeScript
   */
  TYPES: Object.keys(shapes),
};
