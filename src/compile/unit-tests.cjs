// What core's unit tests lack: inputs that are known again, and incremental models.
"use strict";

const path = require("node:path");
const vm = require("node:vm");

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
// Returns the target of each test's model, by what the test is compiled to: core does not say it.
function testIncrementals(session) {
  const models = new Map();
  for (const test of Object.values(session.tests)) {
    const compileTest = test.compile.bind(test);
    test.compile = () => {
      const actions = session.indexedActions;
      const { find } = actions;
      const { compileError } = session;
      const tested = (action) => (action.proto?.enumType === INCREMENTAL ? queryOf(action, test, session) : action);
      let model;
      actions.find = (target) => {
        const found = find.call(actions, target);
        model ??= found[0];
        return found.map(tested);
      };
      // What core says without a file, it would say of the file it is in: the model's, whose query asks for its inputs.
      session.compileError = (error, file = test.proto.fileName, ...more) =>
        compileError.call(session, error, file, ...more);
      try {
        const compiled = compileTest();
        if (model) models.set(compiled, model.getTarget());
        return compiled;
      } finally {
        actions.find = find;
        session.compileError = compileError;
      }
    };
  }
  return models;
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

module.exports = { leaveOutNameless, markInputs, testIncrementals };
