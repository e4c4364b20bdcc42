// What configs and calls say, before core sees it: ours is taken out, mistakes are told, and what is asserted is marked.
"use strict";

const { inDatabaseOf, methodsOf, mistakesIn, shown } = require("./config-shape.cjs");
const { assertionLists, columnList, inForm } = require("./dataform2/forms.cjs");
const { addRules, withoutRules } = require("./rules.cjs");

// Warehouse settings that BigQuery's Dataform does not know: taken out before its strict check.
const OUR_KEY = "postgres";
const BIGQUERY_ONLY = ["notebook", "dataPreparation", "propertyGraph"];

// A column of an assertion in a config that must not be NULL.
const NON_NULL = "\uE004";

// A model that is read as its query (dataform2/inline.cjs).
const INLINE = "inline";

// What the methods of a session make where no type is said.
const MADE_BY = { publish: "view", operate: "operations", assert: "assertion" };

function patchConfig(session, settings, inlines) {
  inDatabaseOf(session);
  const remember = (builder, postgres, { assertions }) => {
    const key = assertions?.uniqueKey ?? assertions?.uniqueKeys?.[0];
    if (postgres === undefined && key === undefined) return;
    settings.set(builder, { builder, value: { postgres, key: typeof key === "string" ? [key] : key } });
  };
  const sqlxAction = session.sqlxAction;
  session.sqlxAction = (action) => {
    const { [OUR_KEY]: _, ...sqlxConfig } = action.sqlxConfig;
    if (BIGQUERY_ONLY.includes(sqlxConfig.type)) {
      return session.compileError(new Error(`Actions of type "${sqlxConfig.type}" exist only on BigQuery.`));
    }
    refuseLeftOut(session, sqlxConfig, action);
    const { [OUR_KEY]: value, ...config } = withoutMistakes(session, sqlxConfig.type, action.sqlxConfig);
    if (config.type === "test" && config.dataset === undefined) {
      if (sqlxConfig.dataset === undefined) session.compileError(new Error("A test needs a dataset."));
      return;
    }
    const before = session.actions.length;
    const asked = withMarkedColumns(asView(config));
    sqlxAction.call(session, { ...action, sqlxConfig: asked });
    // Its config may have made assertions too, before or after it, as the version of core has it.
    const builder = session.actions.slice(before).find((one) => one.getTarget().name === config.name);
    if (!builder) return;
    remember(builder, value, config);
    addRules(session, builder, config.assertions);
    if (config.type === INLINE) inlines.add(builder);
  };
  for (const method of Object.keys(MADE_BY)) {
    const original = session[method];
    session[method] = (name, config, further) => {
      refuseUnless(typeof name === "string" && name, `the name in ${method}()`, `a text: ${method}("name", …)`, name);
      const by = method === "operate" ? "queries" : "query";
      const expected = `the SQL by a method: ${method}("name", {…}).${by}(…)`;
      refuseUnless(further === undefined, `the third argument of ${method}()`, expected, further);
      const later = (builder, type) => checkedLater(session, markedLater(session, builder), type);
      if (config === null || typeof config !== "object" || Array.isArray(config)) {
        const builder = later(original.call(session, name), MADE_BY[method]);
        return config === undefined ? builder : method === "operate" ? builder.queries(config) : builder.query(config);
      }
      const type = (method === "publish" ? config.type : undefined) ?? MADE_BY[method];
      // Core asks for the assertions of a model's config in this way, too, and says the file.
      const { filename, ...said } = method === "assert" ? config : { filename: undefined, ...config };
      const { [OUR_KEY]: value, ...rest } = withoutMistakes(session, type, said);
      const asked = withMarkedColumns(asView({ ...rest, type }));
      const builder = original.call(session, name, filename ? { ...asked, filename } : asked);
      remember(builder, value, rest);
      addRules(session, builder, rest.assertions);
      if (type === INLINE) inlines.add(builder);
      return later(builder, type);
    };
  }
  const { declare, test } = session;
  session.declare = (config) => {
    const isObject = config !== null && typeof config === "object" && !Array.isArray(config);
    refuseUnless(isObject, "declare()", 'an object: declare({ schema: "raw", name: "orders" })', config);
    return declare.call(session, withoutMistakes(session, "declaration", config));
  };
  session.test = (name) => {
    refuseUnless(typeof name === "string" && name, "the name in test()", 'a text: test("name")', name);
    return checkedLater(session, test.call(session, name), "test");
  };
}

// Core knows no such type: it is compiled as a view, and taken out again.
function asView(config) {
  return config.type === INLINE ? { ...config, type: "view" } : config;
}

// What is given to a call: it stands in the line that calls.
function refuseUnless(isRight, what, expected, found) {
  if (!isRight) throw wrongCall(what, expected, found);
}

function wrongCall(what, expected, value, inCall = true) {
  return new Error(`Config: ${JSON.stringify({ path: [what], expected, found: shown(value), inCall })}`);
}

// Methods of builders that are given SQL, and whether several statements of it.
const SQL_METHODS = { query: false, where: false, expect: false, preOps: true, postOps: true, queries: true };

// A text or a function that makes one: core would find out in the middle of its own work.
function checkedSql(session, builder) {
  const check = (key, several, method, before) => (value) => {
    const isSql = (one) =>
      typeof one === "string" || (several && Array.isArray(one) && one.every((text) => typeof text === "string"));
    const expected = several
      ? "a text, a list of texts, or a function that returns one"
      : "a text, or a function that returns one";
    if (value !== undefined && typeof value !== "function" && !isSql(value)) {
      session.compileError(wrongCall(`${key}()`, expected, value));
      return method.call(builder, ...before, "");
    }
    const made = (context) => {
      const sql = value(context);
      // What is empty is told with its place.
      if (sql !== undefined && !isSql(sql))
        throw wrongCall(`what the function in ${key}() returns`, expected, sql, false);
      return sql ?? (several ? [] : "");
    };
    return method.call(builder, ...before, typeof value === "function" ? made : value);
  };
  for (const [key, several] of Object.entries(SQL_METHODS))
    if (typeof builder[key] === "function") builder[key] = check(key, several, builder[key], []);
  const { input } = builder;
  if (typeof input === "function") builder.input = (name, value) => check("input", false, input, [name])(value);
}

// The config without the keys that are wrong, each of which is told.
function withoutMistakes(session, type, config, file) {
  const mistakes = mistakesIn(type, config, file !== undefined);
  if (!mistakes.length) return inForm(config);
  report(session, mistakes, file);
  const wrong = new Set(mistakes.map(({ path }) => path[0]));
  return inForm(Object.fromEntries(Object.entries(config).filter(([key]) => !wrong.has(key))));
}

function report(session, mistakes, file) {
  for (const mistake of mistakes) session.compileError(new Error(`Config: ${JSON.stringify(mistake)}`), file);
}

// What stands in a file and has no meaning for its type.
function refuseLeftOut(session, { type }, { sqlContextable }) {
  if (type !== "declaration") return;
  const [text] = sqlContextable(new Proxy({}, { get: () => () => "" }));
  if (text.replace(/--.*|\/\*[\s\S]*?\*\//g, "").trim()) session.compileError(new Error("No meaning: the text"));
}

// What a config could say, said by the methods of a builder.
function checkedLater(session, builder, type) {
  checkedSql(session, builder);
  for (const { key, mistakes } of methodsOf(type)) {
    const method = builder[key];
    if (typeof method !== "function") continue;
    builder[key] = (value, ...rest) => {
      const found = mistakes(value);
      report(session, found);
      // Not every method of core gives its builder back.
      return found.length ? builder : (method.call(builder, value, ...rest) ?? builder);
    };
  }
  return builder;
}

// What is asked for by `.assertions({…})` of a builder.
function markedLater(session, builder) {
  const { assertions, columns } = builder;
  if (assertions)
    builder.assertions = (given) => {
      const answer = assertions.call(builder, withMarkedColumns({ assertions: assertionLists(given) }).assertions);
      addRules(session, builder, given);
      return answer;
    };
  if (columns) builder.columns = (given) => columns.call(builder, columnList(given));
  return builder;
}

// Core makes conditions of the columns that must not be NULL: marked, they are known again.
function withMarkedColumns(given) {
  const config = given.assertions ? { ...given, assertions: withoutRules(given.assertions) } : given;
  const { nonNull } = config.assertions ?? {};
  const columns = typeof nonNull === "string" ? [nonNull] : nonNull;
  if (!Array.isArray(columns) || !columns.every((column) => typeof column === "string")) return config;
  // An older core hands a config on to the methods of its builders.
  const marked = columns.map((column) => (column.startsWith(NON_NULL) ? column : NON_NULL + column));
  return { ...config, assertions: { ...config.assertions, nonNull: marked } };
}

module.exports = { NON_NULL, patchConfig, withMarkedColumns, withoutMistakes, wrongCall };
