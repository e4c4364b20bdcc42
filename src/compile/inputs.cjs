// What the project's code finds besides its request: files, folders, and what is not there. By that, an answer that is kept is known
// to be what it would be again (kept-answers.ts). Code that asks for what may be otherwise next time, a clock or chance, gets it, and
// its answer is not kept.
"use strict";
const crypto = require("node:crypto");
const fs = require("node:fs");
const Module = require("node:module");
const path = require("node:path");
const { fileURLToPath } = require("node:url");
const { digest, stateOf } = require("./path-state.cjs");

const { existsSync, realpathSync, statSync } = fs;
const MODULES = "node_modules";
// Models are read whether anybody names them or not.
const IS_MODEL = /\.(?:sqlx|js)$/;
/** The clock's zone, which `new Date(2026, 0, 1)` takes. */
const ZONE = "/etc/localtime";

// Of Node what answers the same whenever it is asked: of files by their states, of the rest always.
const READING = ["readFileSync", "openSync", "readdirSync", "existsSync", "accessSync", "realpathSync"];
const STEADY_MODULES =
  /^(assert|assert\/strict|buffer|crypto|events|fs|module|path|path\/posix|path\/win32|punycode|querystring|string_decoder|url|util|util\/types|zlib)$/;
const STEADY_CRYPTO = /^(createHash|createHmac|hash|getHashes|pbkdf2Sync|scryptSync|timingSafeEqual|constants)$/;
// And what does not.
const UNSTEADY_GLOBALS = ["performance", "crypto", "fetch", "WebSocket", "navigator"];
const UNSTEADY_PROCESS =
  /^(hrtime|uptime|pid|ppid|.*[uU]sage|.*Memory|get[eu]{0,2}[ug]id|getgroups|umask|report|stdin|binding|getBuiltinModule|getActiveResourcesInfo)$/;

/** Listens from when it is made until `end`. */
class Inputs {
  /** Path → what it was when it was first looked at. */
  #states = new Map();
  #opened = new Set();
  #unsteady;
  /** Node's own functions call each other. */
  #isInside = false;
  #undo = [];

  constructor() {
    listenToFiles(this);
    listenToRequire(this);
    listenToDates(this);
    listenToTheRest(this);
  }

  /** What a file, a folder or nothing is that is looked at. @param state as it was read, where that is known */
  note(name, state) {
    const file = pathOf(name);
    if (file === undefined) return this.flag("a file by its descriptor");
    const known = this.#states.get(file);
    if (known === undefined) this.#states.set(file, state ?? this.inside(() => stateOf(file)));
    else if (state !== undefined && known !== state) this.flag(`${file}, which changed`);
  }

  noteOpened(name) {
    this.#opened.add(pathOf(name) ?? "");
  }

  /** Something that may be otherwise next time was asked for. */
  flag(what) {
    if (!this.#isInside) this.#unsteady ??= what;
  }

  get isInside() {
    return this.#isInside;
  }

  /** Does what is not the project's own doing. */
  inside(work) {
    const was = this.#isInside;
    this.#isInside = true;
    try {
      return work();
    } finally {
      this.#isInside = was;
    }
  }

  /** @param made gets what it was, and gives what it is while somebody listens */
  replace(object, key, made) {
    this.#define(object, key, { writable: true, value: made(object[key]) });
  }

  /** Whoever asks for it is heard. */
  watch(object, key) {
    if (!(key in object)) return;
    const was = object[key];
    const get = () => {
      this.flag(key);
      return was;
    };
    this.#define(object, key, { get });
  }

  #define(object, key, change) {
    const was = Object.getOwnPropertyDescriptor(object, key);
    if (!was?.configurable) return;
    this.#undo.push(() => Object.defineProperty(object, key, was));
    Object.defineProperty(object, key, { configurable: true, enumerable: was.enumerable, ...change });
  }

  /** What of a folder's definitions/ was read that is no JavaScript, by its path there. */
  opened(folder) {
    const roots = [folder, realpathSync(folder)].map((root) => path.resolve(root) + path.sep);
    const names = [...this.#opened].flatMap((name) => {
      const root = IS_MODEL.test(name) ? undefined : roots.find((one) => name.startsWith(one));
      return root ? name.slice(root.length).split(path.sep).join("/") : [];
    });
    return [...new Set(names)].filter((name) => name.startsWith("definitions/"));
  }

  /** What an answer is made of, once it is made, and what was asked for that is not the same again. @param loaded files of code */
  end(loaded) {
    for (const one of this.#undo.reverse()) one();
    const unsteady = this.#unsteady;
    for (const file of loaded) this.note(file);
    return { states: [...this.#states], ...(unsteady === undefined ? {} : { unsteady }) };
  }
}

function pathOf(name) {
  if (typeof name === "string") return path.resolve(name);
  if (name instanceof URL) return fileURLToPath(name);
  return Buffer.isBuffer(name) ? path.resolve(String(name)) : undefined;
}

function listenToFiles(inputs) {
  for (const key of Object.keys(fs))
    if (READING.includes(key)) inputs.replace(fs, key, (original) => reading(inputs, key, original));
    else if (typeof fs[key] === "function" && /^[a-z]/.test(key))
      inputs.replace(
        fs,
        key,
        (original) =>
          function (...args) {
            inputs.flag(`fs.${key}`);
            return inputs.inside(() => original.apply(this, args));
          },
      );
}

function reading(inputs, key, original) {
  const read = function (name, ...rest) {
    if (inputs.isInside) return original.call(this, name, ...rest);
    if (!isPlain(key, rest[0])) inputs.flag(`fs.${key}`);
    let state;
    try {
      const found = inputs.inside(() => original.call(this, name, ...rest));
      if (key === "readFileSync" || key === "openSync") inputs.noteOpened(name);
      // Of what it has read, not of what is there a moment later.
      if (key === "readFileSync") state = digest(found);
      return found;
    } finally {
      inputs.note(name, state);
    }
  };
  return Object.assign(read, original);
}

/** Whether it is asked for what its state says. */
function isPlain(key, option) {
  if (key === "openSync") return option === undefined || option === "r";
  return key !== "readdirSync" || !(option?.recursive || option?.withFileTypes);
}

function listenToRequire(inputs) {
  const isOurs = (file) => typeof file === "string" && file.startsWith(__dirname + path.sep);
  const load = (original) =>
    function (id, parent, ...rest) {
      const name = String(id).replace(/^node:/, "");
      if (isBuiltIn(name) && !STEADY_MODULES.test(name) && !isOurs(parent?.filename)) inputs.flag(name);
      return original.call(this, id, parent, ...rest);
    };
  const resolve = (original) =>
    function (id, parent, ...rest) {
      const from = parent?.filename;
      let found;
      try {
        found = original.call(this, id, parent, ...rest);
        return found;
      } finally {
        if (typeof from === "string" && !isOurs(from)) for (const file of lookedFor(id, from, found)) inputs.note(file);
      }
    };
  inputs.replace(Module, "_load", load);
  inputs.replace(Module, "_resolveFilename", resolve);
}

const isBuiltIn = (name) => Module.builtinModules.includes(name);

/** What a name may have meant that is looked for first and is not there, and what says what a folder means. */
function lookedFor(id, from, found) {
  if (isBuiltIn(id.replace(/^node:/, ""))) return [];
  const isPath = /^\.{0,2}\//.test(id);
  const packages = isPath ? [] : Module._nodeModulePaths(path.dirname(from));
  const bases = isPath
    ? [path.resolve(path.dirname(from), id)]
    : packages.flatMap((folder) => (existsSync(folder) ? path.join(folder, id) : []));
  const endings = Object.keys(Module._extensions);
  const looked = bases.flatMap((base) => [
    base,
    ...endings.map((ending) => base + ending),
    path.join(base, "package.json"),
    ...endings.map((ending) => path.join(base, `index${ending}`)),
  ]);
  const at = looked.indexOf(found);
  const before = at < 0 ? looked : looked.slice(0, at);
  const missing = [...packages, ...before].filter((file) => !existsSync(file));
  return [...missing, ...before.filter((file) => path.basename(file) === "package.json"), ...packageOf(found)];
}

/** The file that says what of a package is meant. */
function packageOf(file) {
  const parts = typeof file === "string" ? file.split(path.sep) : [];
  const at = parts.lastIndexOf(MODULES);
  if (at < 0) return [];
  const length = at + (parts[at + 1]?.startsWith("@") ? 3 : 2);
  return [path.join(parts.slice(0, length).join(path.sep), "package.json")];
}

function listenToDates(inputs) {
  const Original = Date;
  const listening = new Proxy(Original, {
    construct(target, args, asked) {
      if (args.length) inputs.note(ZONE);
      else inputs.flag("new Date()");
      return Reflect.construct(target, args, asked === listening ? target : asked);
    },
    apply(target, self, args) {
      inputs.flag("Date()");
      return Reflect.apply(target, self, args);
    },
    get(target, key) {
      if (key === "now") inputs.flag("Date.now");
      if (key === "parse") inputs.note(ZONE);
      return Reflect.get(target, key);
    },
  });
  inputs.replace(globalThis, "Date", () => listening);
  inputs.replace(Original.prototype, "constructor", () => listening);
}

function listenToTheRest(inputs) {
  inputs.watch(Math, "random");
  inputs.watch(Intl, "DateTimeFormat");
  inputs.watch(fs, "promises");
  for (const key of UNSTEADY_GLOBALS) inputs.watch(globalThis, key);
  for (const key of Object.keys(crypto)) if (!STEADY_CRYPTO.test(key)) inputs.watch(crypto, key);
  for (const key of Object.keys(process)) if (UNSTEADY_PROCESS.test(key)) inputs.watch(process, key);
}

/** Whether a file stands there. */
function isFile(file) {
  fs.existsSync(file);
  try {
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

module.exports = { Inputs, isFile };
