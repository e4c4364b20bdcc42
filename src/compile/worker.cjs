// Runs in a child process with an empty environment: a project is arbitrary JavaScript.
// Loads @dataform/core, lets it compile the project, and sends the graph back.
// Plain CommonJS, so that it also runs from source and can stand in for the `require` that core expects.
"use strict";
const { readdirSync, readFileSync } = require("node:fs");
const Module = require("node:module");
const path = require("node:path");
const { inspect } = require("node:util");
const vm = require("node:vm");
const { methodsOf, mistakesIn } = require("./config-shape.cjs");
const { readLayout } = require("./layout.cjs");
const { recordThrown } = require("./thrown.cjs");
const { Tracer } = require("./tracer.cjs");

// Marks every name that core resolves, so that the planner can put private names there.
const MARK = "\uE000";

// Warehouse settings that BigQuery's Dataform does not know: taken out before its strict check.
const OUR_KEY = "postgres";
const BIGQUERY_ONLY = ["notebook", "dataPreparation", "propertyGraph"];

// What an assertion of a model's config asks for, and a column in it that must not be NULL.
const ASKED = "\uE005";
const NON_NULL = "\uE004";

const COMPILED = Symbol("compiled");

// The packaged functions. From source, too, they are the built ones.
const LIBRARY = path.join(
  __dirname,
  path.basename(path.dirname(__dirname)) === "src" ? "../../dist" : "..",
  "cjs/library",
);

// Files that core's compiler makes JavaScript of.
const TRANSLATED = [".sqlx", ".yaml", ".yml", ".sql", ".ipynb", ".md"];

// Gives core the settings but those that it refuses; returns them as they are written.
function readSettings(projectDir, compiler, withheld) {
  const json = path.join(projectDir, "dataform.json");
  if (isFile(json)) {
    const written = JSON.parse(readFileSync(json, "utf8"));
    global.dataformJson = without(withheld, written);
    return written;
  }
  const yaml = path.join(projectDir, "workflow_settings.yaml");
  const holder = {};
  new Function("exports", compiler(readFileSync(yaml, "utf8"), "workflow_settings.yaml"))(holder);
  global.workflowSettingsYaml = holder.asJson ? { asJson: without(withheld, holder.asJson) } : holder;
  return holder.asJson;
}

function without(keys, settings) {
  return Object.fromEntries(Object.entries(settings).filter(([key]) => !keys.includes(key)));
}

// Anything can be thrown. What is no Error does not know where it was, either: `placeThrown` finds that out.
function patchErrors(session, placeThrown) {
  const lastThrown = placeThrown ? recordThrown((stack) => tracer.frames(stack).length > 0) : () => undefined;
  const compileError = session.compileError;
  session.compileError = function (error, ...rest) {
    const { value, stack } = lastThrown() ?? {};
    compileError.call(this, withMessage(error), ...rest);
    const told = this.graphErrors.compilationErrors.at(-1);
    // Core tells its own refusals as texts, too.
    if (!told.stack && stack && (typeof error !== "string" || error === value)) told.stack = stack;
  };
}

function withMessage(thrown) {
  const { message, stack } = Object(thrown);
  if (typeof thrown === "string" || (typeof message === "string" && message !== "")) return thrown;
  const said = thrown instanceof Error ? thrown.name : inspect(thrown, { breakLength: Infinity }).slice(0, 200);
  return { message: `${said} was thrown`, stack: typeof stack === "string" ? stack : undefined };
}

// Core would leave it out without a word.
function refuseProto(vars) {
  if (vars && Object.hasOwn(vars, "__proto__")) throw new Error("vars: no variable can be called __proto__");
}

function packagedFile(name) {
  const names = readdirSync(LIBRARY).flatMap((file) => /^([\w-]+)\.js$/.exec(file)?.[1] ?? []);
  if (names.includes(name)) return path.join(LIBRARY, `${name}.js`);
  throw new Error(`dataform-postgres has no includes/${name}; it has ${names.join(", ")}`);
}

// Where the compiled texts and the errors come from.
const tracer = new Tracer(globalThis);
Error.stackTraceLimit = 50;

// What the project's code prints is for people: whoever asked for the compilation tells it.
process.stdout.write = (chunk) => {
  process.send({ printed: String(chunk) });
  return true;
};

process.once("message", (request) => {
  let answer;
  try {
    answer = compile(request);
  } catch (error) {
    const stack = error?.stack ?? "";
    answer = { failure: { message: error?.message ?? String(error), stack, frames: tracer.frames(stack) } };
  }
  process.send(answer, () => process.disconnect());
});

function compile({ corePath, projectDir, files, overrides, withheld, rawTables, placeThrown }) {
  process.chdir(projectDir);
  const core = loadCore(corePath, projectDir, files);
  const { session } = core;
  patchErrors(session, placeThrown);
  const settings = new Map();
  patchDialect(session);
  patchConfig(session, settings);

  let graph;
  const compileSession = session.compile.bind(session);
  session.compile = () => {
    declareRaw(session, rawTables);
    leaveOutNameless(session);
    const unread = markInputs(session);
    testIncrementals(session);
    graph = compileSession();
    // Where something else is wrong, nobody knows what would have been read; and what is read may depend on variables.
    const named = new Set(session.actions.map((action) => action.getTarget().name));
    if (!session.graphErrors.compilationErrors.length)
      for (const { file, name } of unread.values())
        if (!named.has(name)) session.compileError(new Error(`No meaning: input ${name}`), file);
    // Core would go on to encode an answer that nobody reads.
    throw COMPILED;
  };
  const written = readSettings(projectDir, core.compiler, withheld);
  refuseProto(global.dataformJson?.vars ?? global.workflowSettingsYaml?.asJson?.vars);
  try {
    core.main(encodeRequest(projectDir, files, overrides));
  } catch (error) {
    if (error !== COMPILED) throw error;
  }
  const errors = graph.graphErrors?.compilationErrors ?? [];
  const frames = errors.map(({ stack }) => tracer.frames(stack ?? ""));
  const byProject = errors.map(({ stack }) => tracer.isFrom(stack ?? ""));
  // Messages of core's protobuf library turn to plain JSON by themselves on their way out.
  return { graph, frames, byProject, traces: tracesOf(graph), written, settings: [...settings.values()].map(describe) };
}

// The tables that landing fills are there for `ref()` as if they were declared in definitions/. What is written by hand
// has its place; and a bare name means what it means without them, if it means anything.
function declareRaw(session, rawTables) {
  if (!rawTables.length) return;
  const key = ({ schema, name }) => JSON.stringify([schema || session.projectConfig.defaultSchema, name]);
  const taken = new Set(session.actions.map((action) => key(action.getTarget())));
  const declared = new Set();
  for (const { schema, name, file, description, columns } of rawTables) {
    if (taken.has(key({ schema, name }))) continue;
    // Core takes the file of a declaration from the stack.
    const filename = path.join(session.rootDir, file);
    const declare = vm.compileFunction("return session.declare(target)", ["session", "target"], { filename });
    const action = declare(session, { schema, name });
    action.proto.fileName = file;
    action.proto.actionDescriptor = {
      ...(description ? { description } : {}),
      columns: columns.map((column) => ({ path: [column.name], description: column.description })),
    };
    declared.add(action);
  }
  let actions;
  Object.defineProperty(session, "indexedActions", {
    configurable: true,
    get: () => actions,
    set: (value) => {
      const find = value.find.bind(value);
      value.find = (target) => {
        const found = find(target);
        const others = found.length > 1 ? found.filter((action) => !declared.has(action)) : found;
        return others.length ? others : found;
      };
      actions = value;
    },
  });
}

// Core puts the input of a unit test in place of the reference, in parentheses: marked, it is found again and can
// stand under the name of what it stands for.
function markInputs(session) {
  const unread = new Map();
  // A list in newer versions of core, an object by name in older ones.
  for (const test of Object.values(session.tests)) {
    for (const [target, input] of test.contextableInputs ?? []) {
      // Their names are texts in newer versions, too.
      const name = namedBy(target);
      unread.set(input, { file: test.proto.fileName, name });
      test.contextableInputs.set(target, (ctx) => {
        unread.delete(input);
        const sql = typeof input === "function" ? input(ctx) : input;
        return `\uE001${name}\uE002${sql}\uE003`;
      });
    }
  }
  return unread;
}

// Core would fail over them in the middle of its own work.
function leaveOutNameless(session) {
  for (const [key, test] of Object.entries(session.tests)) {
    if (test.testTarget || test.datasetToTest) continue;
    session.compileError(new Error("A test needs a dataset."), test.proto.fileName);
    delete session.tests[key];
  }
  if (Array.isArray(session.tests)) session.tests = session.tests.filter(Boolean);
}

const INCREMENTAL = 2;

// Core has no unit tests of incremental models. It gets a view with the same query: that of a first run; or that of a run that
// adds rows, where the test gives the rows which are there, as an input by the model's own name.
function testIncrementals(session) {
  for (const test of Object.values(session.tests)) {
    const compileTest = test.compile.bind(test);
    test.compile = () => {
      const actions = session.indexedActions;
      const { find } = actions;
      const tested = (action) => (action.proto?.enumType === INCREMENTAL ? queryOf(action, test, session) : action);
      actions.find = (target) => find.call(actions, target).map(tested);
      try {
        return compileTest();
      } finally {
        actions.find = find;
      }
    };
  }
}

function queryOf(model, { contextableInputs }, session) {
  const { name } = model.getTarget();
  const [, rows] = [...contextableInputs].find(([target]) => namedBy(target) === name) ?? [];
  const { contextableQuery, contextableWhere } = model;
  const said = (value, context) => (typeof value === "function" ? value(context) : value);
  const query = (context) => {
    if (!rows) return said(contextableQuery, context);
    const self = () => `(${rows(context)})`;
    const adding = Object.create(context, { incremental: { value: () => true }, self: { value: self } });
    const where = contextableWhere && said(contextableWhere, adding);
    const added = said(contextableQuery, adding);
    return where?.trim() ? `select * from (\n${added}\n) as subquery where (\n${where}\n)` : added;
  };
  return Object.create(viewPrototype(session), { contextableQuery: { value: query }, proto: { value: {} } });
}

function namedBy(target) {
  return (typeof target === "string" ? JSON.parse(target) : target).name;
}

function viewPrototype(session) {
  const filename = path.join(session.rootDir, "definitions/view.js");
  const make = vm.compileFunction('return session.publish("view", { type: "view" })', ["session"], { filename });
  const view = make(session);
  session.actions.splice(session.actions.indexOf(view), 1);
  return Object.getPrototypeOf(view);
}

// Of every text in the graph that a person wrote, where its pieces come from.
function tracesOf(graph) {
  const traces = [];
  const seen = new Map();
  const add = ({ fileName }, text) => {
    if (!text) return;
    const known = seen.get(fileName) ?? new Set();
    if (known.has(text)) return;
    seen.set(fileName, known.add(text));
    const trace = tracer.trace(text, fileName);
    if (trace) traces.push(trace);
  };
  const written = (graph.assertions ?? []).filter(({ parentAction }) => !parentAction);
  for (const action of [...(graph.tables ?? []), ...written, ...(graph.operations ?? [])]) {
    const { query, incrementalQuery, where, queries, preOps, postOps, incrementalPreOps, incrementalPostOps } = action;
    const texts = [query, incrementalQuery, where, queries, preOps, postOps, incrementalPreOps, incrementalPostOps];
    for (const text of texts.flat()) add(action, text);
  }
  for (const test of graph.tests ?? []) {
    add(test, test.testQuery);
    add(test, test.expectedOutputQuery);
    for (const [, input] of (test.testQuery ?? "").matchAll(/\uE002([^\uE003]*)\uE003/g)) add(test, input);
  }
  return traces;
}

// The answer carries what was in `postgres: {…}`, and the key that is asserted, by the name core gave the action.
function describe({ builder, value }) {
  const { schema, name } = builder.getTarget();
  return { schema, name, ...value };
}

function patchDialect(session) {
  const compilationSql = session.compilationSql.bind(session);
  session.compilationSql = () => {
    const sql = compilationSql();
    sql.resolveTarget = (target) =>
      `"${MARK}${quoted(target.schema || session.projectConfig.defaultSchema)}"."${quoted(target.name)}"`;
    sql.sqlString = (text) =>
      `${text.includes("\\") ? "E" : ""}'${text.replaceAll("\\", "\\\\").replaceAll("'", "''")}'`;
    // Core pastes columns into its own queries: they are written where SQL is (config-assertions.ts).
    sql.indexAssertion = (from, unique) => ASKED + JSON.stringify({ from, unique });
    sql.rowConditionsAssertion = (from, texts) => {
      const conditions = texts.map((text) =>
        text.startsWith(NON_NULL) ? { nonNull: text.slice(1, -" IS NOT NULL".length) } : { condition: text },
      );
      return ASKED + JSON.stringify({ from, conditions });
    };
    return sql;
  };
}

// Core makes conditions of the columns that must not be NULL: marked, they are known again.
function withMarkedColumns(config) {
  const { nonNull } = config.assertions ?? {};
  const columns = typeof nonNull === "string" ? [nonNull] : nonNull;
  if (!Array.isArray(columns) || !columns.every((column) => typeof column === "string")) return config;
  // An older core hands a config on to the methods of its builders.
  const marked = columns.map((column) => (column.startsWith(NON_NULL) ? column : NON_NULL + column));
  return { ...config, assertions: { ...config.assertions, nonNull: marked } };
}

function quoted(name) {
  return name.replaceAll('"', '""');
}

// What the methods of a session make where no type is said.
const MADE_BY = { publish: "view", operate: "operations", assert: "assertion" };

function patchConfig(session, settings) {
  const remember = (builder, postgres, { assertions }) => {
    const key = assertions?.uniqueKey ?? assertions?.uniqueKeys?.[0];
    if (postgres === undefined && key === undefined) return;
    settings.set(builder, { builder, value: { postgres, key: typeof key === "string" ? [key] : key } });
  };
  const sqlxAction = session.sqlxAction;
  session.sqlxAction = (action) => {
    const { [OUR_KEY]: value, ...sqlxConfig } = action.sqlxConfig;
    if (BIGQUERY_ONLY.includes(sqlxConfig.type)) {
      return session.compileError(new Error(`Actions of type "${sqlxConfig.type}" exist only on BigQuery.`));
    }
    refuseLeftOut(session, sqlxConfig, action);
    const config = withoutMistakes(session, sqlxConfig.type, action.sqlxConfig);
    delete config[OUR_KEY];
    if (config.type === "test" && config.dataset === undefined) {
      if (sqlxConfig.dataset === undefined) session.compileError(new Error("A test needs a dataset."));
      return;
    }
    const before = session.actions.length;
    sqlxAction.call(session, { ...action, sqlxConfig: withMarkedColumns(config) });
    // Its config may have made assertions too, before or after it, as the version of core has it.
    const builder = session.actions.slice(before).find((one) => one.getTarget().name === config.name);
    if (builder) remember(builder, value, config);
  };
  for (const method of Object.keys(MADE_BY)) {
    const original = session[method];
    session[method] = (name, config) => {
      refuseUnless(typeof name === "string" && name, `the name in ${method}()`, `a text: ${method}("name", …)`, name);
      const later = (builder, type) => markedLater(checkedLater(session, builder, type));
      if (config === null || typeof config !== "object" || Array.isArray(config)) {
        const builder = later(original.call(session, name), MADE_BY[method]);
        return config === undefined ? builder : method === "operate" ? builder.queries(config) : builder.query(config);
      }
      const type = (method === "publish" ? config.type : undefined) ?? MADE_BY[method];
      // Core asks for the assertions of a model's config in this way, too, and says the file.
      const { filename, ...said } = method === "assert" ? config : { filename: undefined, ...config };
      const { [OUR_KEY]: value, ...rest } = withoutMistakes(session, type, said);
      const builder = original.call(session, name, withMarkedColumns(filename ? { ...rest, filename } : rest));
      remember(builder, value, rest);
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

// What is given to a call: it stands in the line that calls.
function refuseUnless(isRight, what, expected, found) {
  if (!isRight) throw wrongCall(what, expected, found);
}

function wrongCall(what, expected, value, inCall = true) {
  const found = typeof value === "function" ? "a function" : (JSON.stringify(value) ?? String(value));
  return new Error(`Config: ${JSON.stringify({ path: [what], expected, found, inCall })}`);
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
  if (!mistakes.length) return { ...config };
  report(session, mistakes, file);
  const wrong = new Set(mistakes.map(({ path }) => path[0]));
  return Object.fromEntries(Object.entries(config).filter(([key]) => !wrong.has(key)));
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
function markedLater(builder) {
  const assertions = builder.assertions?.bind(builder);
  if (assertions) builder.assertions = (given) => assertions(withMarkedColumns({ assertions: given }).assertions);
  return builder;
}

// core's bundle calls its own `require` for project files by their path in the project.
function loadCore(corePath, projectDir, files) {
  const filename = require.resolve(corePath);
  const requireFromProject = Module.createRequire(path.join(projectDir, "project.cjs"));
  const holder = { exports: {} };
  const listed = new Set(files);
  const requireForCore = (id) => {
    if (id === "@dataform/core") return holder.exports;
    // Older versions ask for the file where newer ones look at what readSettings gave.
    if (id === "dataform.json" && global.dataformJson) return global.dataformJson;
    if (id === "workflow_settings.yaml" && global.workflowSettingsYaml) return global.workflowSettingsYaml;
    const file = path.join(projectDir, id);
    if (listed.has(id)) return loadedAsListed(file) ?? requireFromProject(file);
    return isFile(file) ? requireFromProject(file) : require(id);
  };
  const load = vm.compileFunction(
    readFileSync(filename, "utf8"),
    ["exports", "require", "module", "__filename", "__dirname"],
    { filename },
  );
  load(holder.exports, requireForCore, holder, filename, path.dirname(filename));
  hookExtensions(holder.exports, projectDir);
  serveBareRequires(projectDir, holder);
  return holder.exports;
}

// Without Node's search for what a name may mean, which is a tenth of a compilation.
function loadedAsListed(file) {
  const translate = Module._extensions[path.extname(file)];
  if (require.cache[file] || !TRANSLATED.includes(path.extname(file))) return undefined;
  const module = new Module(file);
  module.filename = file;
  module.paths = searchedFrom(path.dirname(file));
  require.cache[file] = module;
  try {
    translate(module, file);
    module.loaded = true;
  } finally {
    if (!module.loaded) delete require.cache[file];
  }
  return module.exports;
}

const searched = new Map();

function searchedFrom(folder) {
  if (!searched.has(folder)) searched.set(folder, Module._nodeModulePaths(folder));
  return searched.get(folder);
}

function isFile(file) {
  try {
    return require("node:fs").statSync(file).isFile();
  } catch {
    return false;
  }
}

// `require("includes/x")` and `require("@dataform/core")` work from every project file, as in Dataform; so does
// `require("dataform-postgres/includes/x")`, which means the functions of the package that compiles.
function serveBareRequires(projectDir, core) {
  const resolve = Module._resolveFilename;
  Module._resolveFilename = function (id, parent, ...rest) {
    if (id === "@dataform/core" && parent?.filename?.startsWith(projectDir)) return CORE_ID;
    const packaged = /^dataform-postgres\/includes\/([\w-]+)$/.exec(id)?.[1];
    if (packaged) return resolve.call(this, packagedFile(packaged), parent, ...rest);
    if (/^(includes|definitions)\//.test(id)) return resolve.call(this, path.join(projectDir, id), parent, ...rest);
    return resolve.call(this, id, parent, ...rest);
  };
  const CORE_ID = "dataform-postgres:core";
  require.cache[CORE_ID] = Object.assign(new Module(CORE_ID), { loaded: true, exports: core.exports });
}

function hasTwoConfigs(filename, source) {
  if (!filename.endsWith(".sqlx") || source.split("config {").length < 3) return false;
  return readLayout(source).configAgain !== undefined;
}

// SQLX and friends become JavaScript through core's compiler; project `.js` is CommonJS whatever package.json says.
function hookExtensions({ compiler, session }, projectDir) {
  const own = [path.join(projectDir, "definitions") + path.sep, path.join(projectDir, "includes") + path.sep];
  const translate = (module, filename) => {
    const relative = path.relative(projectDir, filename).split(path.sep).join("/");
    global.__dataform_current_file = filename;
    // A variable that nobody has set is undefined, whatever it is called.
    const { vars } = session.projectConfig ?? {};
    if (vars && Object.getPrototypeOf(vars)) Object.setPrototypeOf(vars, null);
    const source = readFileSync(filename, "utf8");
    if (hasTwoConfigs(filename, source)) session.compileError(new Error("No meaning: a second config"), relative);
    module._compile(tracer.compile(compiler, source, filename, relative), filename);
    const { actions } = module.exports.asJson ?? {};
    if (!Array.isArray(actions)) return;
    for (const action of actions)
      for (const [type, config] of Object.entries(action ?? {}))
        action[type] = withMarkedColumns(withoutMistakes(session, type, config ?? {}, relative));
  };
  for (const extension of TRANSLATED) Module._extensions[extension] = translate;
  const plain = Module._extensions[".js"];
  Module._extensions[".js"] = (module, filename) =>
    own.some((folder) => filename.startsWith(folder)) ? translate(module, filename) : plain(module, filename);
}

// ---- The CoreExecutionRequest message, encoded by hand: four nested messages do not need a protobuf library.

function encodeRequest(projectDir, files, overrides) {
  const config = [text(1, projectDir), ...files.map((file) => text(8, file))];
  const project = encodeProjectConfig(overrides ?? {});
  if (project.length) config.push(message(3, project));
  return Buffer.concat([message(1, message(1, Buffer.concat(config)))]).toString("base64");
}

function encodeProjectConfig({
  defaultSchema,
  assertionSchema,
  schemaSuffix,
  tablePrefix,
  disableAssertions,
  vars = {},
}) {
  const parts = [];
  if (defaultSchema) parts.push(text(2, defaultSchema));
  if (assertionSchema) parts.push(text(5, assertionSchema));
  if (schemaSuffix) parts.push(text(7, schemaSuffix));
  if (tablePrefix) parts.push(text(11, tablePrefix));
  if (disableAssertions) parts.push(Buffer.concat([varint((20 << 3) | 0), varint(1)]));
  for (const [key, value] of Object.entries(vars))
    parts.push(message(14, Buffer.concat([text(1, key), text(2, value)])));
  return Buffer.concat(parts);
}

function text(field, value) {
  return message(field, Buffer.from(value, "utf8"));
}

function message(field, bytes) {
  return Buffer.concat([varint((field << 3) | 2), varint(bytes.length), bytes]);
}

function varint(value) {
  const bytes = [];
  for (; value > 127; value >>>= 7) bytes.push((value & 127) | 128);
  bytes.push(value);
  return Buffer.from(bytes);
}
