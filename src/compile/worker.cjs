// Runs in a child process with an empty environment: a project is arbitrary JavaScript.
// Loads @dataform/core, lets it compile the project, and sends the graph back.
// Plain CommonJS, so that it also runs from source and can stand in for the `require` that core expects.
"use strict";
// Before anything else takes the functions that read files.
const { Inputs, isFile } = require("./inputs.cjs");
const inputs = new Inputs();
const { readFileSync } = require("node:fs");
const path = require("node:path");
const { inspect } = require("node:util");
const vm = require("node:vm");
const { recordCalls } = require("./calls.cjs");
const { NON_NULL, patchConfig } = require("./config.cjs");
const { builderOf, patchBuilders } = require("./dataform2/builders.cjs");
const { Inlines } = require("./dataform2/inline.cjs");
const { patchResolve } = require("./dataform2/resolving.cjs");
const { loadCore } = require("./loading.cjs");
const { encodeRequest } = require("./request.cjs");
const { ASKED } = require("./rules.cjs");
const { recordThrown } = require("./thrown.cjs");
const { Tracer } = require("./tracer.cjs");
const { leaveOutNameless, markInputs, testIncrementals } = require("./unit-tests.cjs");

// Marks every name that core resolves, so that the planner can put private names there.
const MARK = "\uE000";

const COMPILED = Symbol("compiled");

// Gives core the settings but those that it refuses, its variables as texts; returns them as they are written.
function readSettings(projectDir, compiler, { withheld, vars }) {
  const given = (written) => withVars(vars, without(withheld, written));
  const json = path.join(projectDir, "dataform.json");
  if (isFile(json)) {
    const written = JSON.parse(readFileSync(json, "utf8"));
    global.dataformJson = given(written);
    return written;
  }
  const yaml = path.join(projectDir, "workflow_settings.yaml");
  const holder = {};
  new Function("exports", compiler(readFileSync(yaml, "utf8"), "workflow_settings.yaml"))(holder);
  global.workflowSettingsYaml = holder.asJson ? { asJson: given(holder.asJson) } : holder;
  return holder.asJson;
}

function without(keys, settings) {
  return Object.fromEntries(Object.entries(settings).filter(([key]) => !keys.includes(key)));
}

// What the project file has from the environment.
function withVars(vars, settings) {
  return Object.keys(vars).length ? { ...settings, vars: { ...settings.vars, ...vars } } : settings;
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
    if (error instanceof Error) refusals.set(told, textsOf(error));
  };
}

// What the library's refusals say besides: core keeps the message alone.
const refusals = new WeakMap();

function textsOf({ expected, found, hint }) {
  return Object.fromEntries(Object.entries({ expected, found, hint }).filter(([, text]) => typeof text === "string"));
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
  process.send({ ...answer, inputs: inputs.end(Object.keys(require.cache).filter(path.isAbsolute)) }, () =>
    process.disconnect(),
  );
});

function compile({ corePath, projectDir, files, overrides, withheld, vars, rawTables, seeds, placeThrown }) {
  process.chdir(projectDir);
  const core = loadCore({ corePath, projectDir, files }, tracer);
  const { session } = core;
  patchErrors(session, placeThrown);
  const settings = new Map();
  const inlines = new Inlines();
  patchDialect(session);
  patchConfig(session, settings, inlines);
  const hearQueries = patchBuilders(session);
  const takeBackOutside = patchResolve(session, inlines);
  const calls = recordCalls(session, tracer);

  let graph;
  let tested;
  const compileSession = session.compile.bind(session);
  session.compile = () => {
    core.loadFilesOf2(inputs.opened(projectDir));
    hearQueries();
    publishSeeds(session, seeds);
    declareRaw(session, rawTables);
    leaveOutNameless(session);
    const unread = markInputs(session);
    tested = testIncrementals(session);
    graph = inlines.takenOutOf(compileSession());
    takeBackOutside();
    // Where something else is wrong, nobody knows what would have been read; and what is read may depend on variables.
    const named = new Set(session.actions.map((action) => action.getTarget().name));
    if (!session.graphErrors.compilationErrors.length)
      for (const { file, name } of unread.values())
        if (!named.has(name)) session.compileError(new Error(`No meaning: input ${name}`), file);
    // Core would go on to encode an answer that nobody reads.
    throw COMPILED;
  };
  const written = readSettings(projectDir, core.compiler, { withheld, vars });
  refuseProto(global.dataformJson?.vars ?? global.workflowSettingsYaml?.asJson?.vars);
  try {
    core.main(encodeRequest(projectDir, files, withDefaultSchema(overrides, written)));
  } catch (error) {
    if (error !== COMPILED) throw error;
  }
  const errors = graph.graphErrors?.compilationErrors ?? [];
  const frames = errors.map(({ stack }) => tracer.frames(stack ?? ""));
  const byProject = errors.map(({ stack }) => tracer.isFrom(stack ?? ""));
  // Messages of core's protobuf library turn to plain JSON by themselves on their way out.
  return {
    graph,
    frames,
    byProject,
    refusals: errors.map((error) => refusals.get(error) ?? {}),
    traces: tracesOf(graph, calls.offsetOf),
    packages: packagesOf(graph, calls.packageOf),
    tested: (graph.tests ?? []).map((test) => tested.get(test) ?? null),
    noTexts: tracer.noTexts(),
    read: inputs.opened(projectDir),
    written,
    settings: [...settings.values()].map(describe),
  };
}

// Core knows no schema for where nobody names one, and would put a suffix behind nothing.
function withDefaultSchema(overrides, { defaultSchema, defaultDataset }) {
  return overrides?.defaultSchema || defaultSchema || defaultDataset
    ? overrides
    : { ...overrides, defaultSchema: "dataform" };
}

// A CSV in seeds/ is a table whose rows stand in its query.
function publishSeeds(session, seeds) {
  for (const { file, name, schema, description, columns, query } of seeds) {
    const filename = path.join(session.rootDir, file);
    const publish = vm.compileFunction("return session.publish(name, config)", ["session", "name", "config"], {
      filename,
    });
    const config = {
      type: "table",
      tags: ["seed"],
      columns,
      ...(schema ? { schema } : {}),
      ...(description ? { description } : {}),
    };
    const action = publish(session, name, config).query(query);
    action.proto.fileName = file;
  }
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
    const action = builderOf(declare(session, { schema, name }));
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

// Of every text in the graph that a person wrote, where its pieces come from.
function tracesOf(graph, offsetOf) {
  const traces = [];
  const seen = new Map();
  const add = (action, text) => {
    if (!text) return;
    const { fileName } = action;
    const known = seen.get(fileName) ?? new Map();
    seen.set(fileName, known);
    const trace = known.has(text) ? known.get(text) : tracer.trace(text, fileName);
    if (trace && !trace.called) {
      if (!known.has(text)) traces.push(trace);
      known.set(text, trace);
      return;
    }
    // What stands in no file is the call's that made it; the same text may be several calls'.
    const offset = offsetOf(action);
    const pieces = offset === undefined ? undefined : [[text.length, offset, 2]];
    if (trace && pieces) trace.elsewhere.push(pieces);
    if (!known.has(text)) known.set(text, pieces && { file: fileName, text, pieces, elsewhere: [], called: true });
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
  const ofCalls = [...seen.values()].flatMap((known) => [...known.values()].filter((trace) => trace?.called));
  return [...traces, ...ofCalls.map(({ called, ...trace }) => trace)];
}

// By schema and name, the package that made an action. Where none is loaded nobody's calls are looked at.
function packagesOf(graph, packageOf) {
  if (!Object.keys(require.cache).some((file) => /[\\/]node_modules[\\/](?!@dataform[\\/]core[\\/])/.test(file)))
    return [];
  return [...(graph.tables ?? []), ...(graph.assertions ?? []), ...(graph.operations ?? [])].flatMap((action) => {
    const { schema, name } = action.target ?? {};
    const made = name === undefined ? undefined : packageOf({ target: action.parentAction ?? action.target });
    return made === undefined ? [] : [{ schema, name, package: made }];
  });
}

// The answer carries what was in `postgres: {…}`, and the key that is asserted, by the name core gave the action.
function describe({ builder, value }) {
  const { schema, name } = builder.getTarget();
  return { schema, name, ...value };
}

function patchDialect(session) {
  const init = session.init.bind(session);
  // Of workflow_settings.yaml core says BigQuery, and packages write what is said.
  session.init = (rootDir, config, ...rest) => {
    if (config) config.warehouse = "postgres";
    return init(rootDir, config, ...rest);
  };
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

function quoted(name) {
  return name.replaceAll('"', '""');
}
