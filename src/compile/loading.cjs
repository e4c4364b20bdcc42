// Loads core, the files of a project as core makes JavaScript of them, and the packaged functions.
"use strict";

const { readdirSync, readFileSync, realpathSync } = require("node:fs");
const Module = require("node:module");
const path = require("node:path");
const vm = require("node:vm");
const { isFile } = require("./inputs.cjs");
const { withMarkedColumns, withoutMistakes } = require("./config.cjs");
const { compileSql, isFileOf2 } = require("./dataform2/sql-files.cjs");
const { readLayout } = require("./layout.cjs");

// The packaged functions. From source, too, they are the built ones.
const LIBRARY = path.join(
  __dirname,
  path.basename(path.dirname(__dirname)) === "src" ? "../../dist" : "..",
  "cjs/library",
);

// Files that core's compiler makes JavaScript of.
const TRANSLATED = [".sqlx", ".yaml", ".yml", ".sql", ".ipynb", ".md"];

const SETTINGS = ["dataform.json", "workflow_settings.yaml"];
const NOT_FOUND = { code: "MODULE_NOT_FOUND" };

// core's bundle calls its own `require` for project files by their path in the project.
function loadCore({ corePath, projectDir, files }, tracer) {
  const filename = require.resolve(corePath);
  const requireFromProject = Module.createRequire(path.join(projectDir, "project.cjs"));
  const holder = { exports: {} };
  const listed = new Set(files);
  const otherSettings = SETTINGS.filter((file) => !listed.has(file));
  const requireForCore = (id) => {
    if (id === "@dataform/core") return holder.exports;
    // Older versions ask for the file where newer ones look at what readSettings gave.
    if (id === "dataform.json" && global.dataformJson) return global.dataformJson;
    if (id === "workflow_settings.yaml" && global.workflowSettingsYaml) return global.workflowSettingsYaml;
    // It is told that this one is not read (dataform2/left-files.ts).
    if (otherSettings.includes(id)) throw Object.assign(new Error(`Cannot find module '${id}'`), NOT_FOUND);
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
  const { session } = holder.exports;
  const filesOf2 = new Set();
  const places = placesIn(projectDir, files);
  hookExtensions(holder.exports, projectDir, { places, tracer, isOf2: (file) => filesOf2.has(file) });
  serveBareRequires(projectDir, places, holder);
  return {
    ...holder.exports,
    /** Makes the actions of .sql files, which core leaves to Dataform 2, but for those that were read otherwise. */
    loadFilesOf2(read) {
      if (!listed.has("dataform.json")) return;
      for (const file of files.filter((one) => isFileOf2(one) && !read.includes(one))) {
        filesOf2.add(file);
        try {
          requireForCore(file);
        } catch (error) {
          session.compileError(error, file);
        }
      }
    },
  };
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

// `require("includes/x")` and `require("@dataform/core")` work from every project file, as in Dataform; so do other files by their
// path in the project, where no package is called so, and
// `require("dataform-postgres/includes/x")`, which means the functions of the package that compiles.
function serveBareRequires(projectDir, places, core) {
  const resolve = Module._resolveFilename;
  const isOwn = (parent) => typeof parent?.filename === "string" && places(parent.filename) !== undefined;
  Module._resolveFilename = function (id, parent, ...rest) {
    if (id === "@dataform/core" && isOwn(parent)) return CORE_ID;
    const packaged = /^dataform-postgres\/includes\/([\w-]+)$/.exec(id)?.[1];
    if (packaged) return resolve.call(this, packagedFile(packaged), parent, ...rest);
    if (/^(includes|definitions)\//.test(id)) return resolve.call(this, path.join(projectDir, id), parent, ...rest);
    try {
      return resolve.call(this, id, parent, ...rest);
    } catch (error) {
      const isBare = error?.code === NOT_FOUND.code && !/^\.{0,2}\//.test(id);
      if (!isBare || !isOwn(parent)) throw error;
      try {
        return resolve.call(this, path.join(projectDir, id), parent, ...rest);
      } catch {
        throw error;
      }
    }
  };
  const CORE_ID = "dataform-postgres:core";
  require.cache[CORE_ID] = Object.assign(new Module(CORE_ID), { loaded: true, exports: core.exports });
}

function hasTwoConfigs(filename, source) {
  if (!filename.endsWith(".sqlx") || source.split("config {").length < 3) return false;
  return readLayout(source).configAgain !== undefined;
}

/** Where a file stands in the project, which Node calls by what a link leads to; undefined for one that is none of it, or a package's. */
function placesIn(projectDir, files) {
  const within = (folder, filename) => {
    const relative = path.relative(folder, filename).split(path.sep).join("/");
    return relative.startsWith("..") || path.isAbsolute(relative) ? undefined : relative;
  };
  let real;
  const linked = (filename) => {
    real ??= {
      folder: realpathSync.native(projectDir),
      files: new Map(files.map((file) => [realpathSync.native(path.join(projectDir, file)), file])),
    };
    return real.files.get(filename) ?? within(real.folder, filename);
  };
  const isPackages = (filename) => filename.split(/[\\/]/).includes("node_modules");
  return (filename) => {
    const place = within(projectDir, filename);
    if (place !== undefined) return isPackages(place) ? undefined : place;
    return filename.startsWith(LIBRARY + path.sep) || isPackages(filename) ? undefined : linked(filename);
  };
}

// SQLX and friends become JavaScript through core's compiler; project `.js` is CommonJS whatever package.json says.
function hookExtensions({ compiler, session }, projectDir, { places, tracer, isOf2 }) {
  const translate = (module, found) => {
    const relative = places(found) ?? path.relative(projectDir, found).split(path.sep).join("/");
    // As the project calls it: core finds by that which file an action is of.
    const filename = path.join(projectDir, relative);
    global.__dataform_current_file = filename;
    // A variable that nobody has set is undefined, whatever it is called.
    const { vars } = session.projectConfig ?? {};
    if (vars && Object.getPrototypeOf(vars)) Object.setPrototypeOf(vars, null);
    const source = readFileSync(filename, "utf8");
    if (hasTwoConfigs(filename, source)) session.compileError(new Error("No meaning: a second config"), relative);
    const compileFile = isOf2(relative) ? compileSql : compiler;
    module._compile(tracer.compile(compileFile, source, filename, relative), filename);
    const { actions } = module.exports.asJson ?? {};
    if (!Array.isArray(actions)) return;
    for (const action of actions)
      for (const [type, config] of Object.entries(action ?? {}))
        action[type] = withMarkedColumns(withoutMistakes(session, type, config ?? {}, relative));
  };
  for (const extension of TRANSLATED) Module._extensions[extension] = translate;
  const plain = Module._extensions[".js"];
  Module._extensions[".js"] = (module, filename) =>
    places(filename) === undefined ? plain(module, filename) : translate(module, filename);
}

function packagedFile(name) {
  const names = readdirSync(LIBRARY).flatMap((file) => /^([\w-]+)\.js$/.exec(file)?.[1] ?? []);
  if (names.includes(name)) return path.join(LIBRARY, `${name}.js`);
  throw new Error(`dataform-postgres has no includes/${name}; it has ${names.join(", ")}`);
}

module.exports = { loadCore };
