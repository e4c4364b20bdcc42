// Compiles one project after another in one process, each by src/compile/worker.cjs as that is loaded anew, with core's code
// already read. What a project may change of the process is put back before the next one; where it cannot be, the process ends,
// and whoever asks for the next compilation starts another.
"use strict";
const fs = require("node:fs");
const Module = require("node:module");
const vm = require("node:vm");

const [worker] = process.argv.slice(2);

// Core is 1.3 MB of one text: its function is made once, and called for each project.
const compileFunction = vm.compileFunction;
const made = new Map();
vm.compileFunction = (code, parameters, options) => {
  if (code.length < 500_000) return compileFunction(code, parameters, options);
  if (!made.has(code)) made.set(code, compileFunction(code, parameters, options));
  return made.get(code);
};

// What the tracer puts beside everything that is global goes again.
const define = Object.defineProperty;
Object.defineProperty = (object, key, descriptor) =>
  define(object, key, object === globalThis ? { ...descriptor, configurable: true } : descriptor);

const send = process.send.bind(process);
const cwd = process.cwd();
const kept = [globalThis, process, process.stdout, fs, Module, Module._extensions, Module._cache, vm, Error, console];
const before = kept.map((object) => [object, own(object)]);
const builtIn = [
  Object,
  Function,
  Array,
  String,
  Number,
  Boolean,
  Symbol,
  RegExp,
  Date,
  Map,
  Set,
  Promise,
  Error,
  Math,
  JSON,
]
  .flatMap((one) => [one, one.prototype ?? one])
  .filter((one) => one !== Error);
const unchanged = builtIn.map(own);

function own(object) {
  return new Map(Reflect.ownKeys(object).map((key) => [key, Object.getOwnPropertyDescriptor(object, key)]));
}

function isSame(one, other) {
  return one && other && Object.is(one.value, other.value) && one.get === other.get && one.set === other.set;
}

function putBack(object, properties) {
  for (const key of Reflect.ownKeys(object)) if (!properties.has(key)) delete object[key];
  for (const [key, was] of properties)
    if (!isSame(was, Object.getOwnPropertyDescriptor(object, key))) Object.defineProperty(object, key, was);
}

/** Whether nothing is left of the project. */
function isClean() {
  for (const [object, properties] of before) putBack(object, properties);
  for (const key of Object.keys(Module._pathCache)) delete Module._pathCache[key];
  process.chdir(cwd);
  const leftOver = process.getActiveResourcesInfo().filter((name) => !/^(Pipe|TTY|FSReq)/.test(name));
  const listeners = process.eventNames().reduce((sum, name) => sum + process.listenerCount(name), 0);
  return (
    !leftOver.length &&
    listeners === heard &&
    builtIn.every((object, n) => {
      const now = own(object);
      return now.size === unchanged[n].size && [...now].every(([key, one]) => isSame(one, unchanged[n].get(key)));
    })
  );
}

let heard;
process.on("message", (request) => {
  heard ??= process.eventNames().reduce((sum, name) => sum + process.listenerCount(name), 0);
  let answered;
  // The worker's own words: it hears one request, answers it, and lets go of its parent.
  process.send = (message, then) => {
    if ("printed" in message) return send({ message });
    answered = { message };
    then?.();
    return true;
  };
  process.disconnect = () => {};
  require(worker);
  const listener = process.rawListeners("message").at(-1);
  process.off("message", listener);
  (listener.listener ?? listener)(request);
  const isWarm = isClean();
  send({ ...answered, isWarm }, () => isWarm || process.exit());
});
process.on("disconnect", () => process.exit());
