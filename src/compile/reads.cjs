// Which files the project reads beside its models: by require(), by Node's own functions, or through actions.yaml.
"use strict";
const fs = require("node:fs");
const path = require("node:path");
const { fileURLToPath } = require("node:url");

const RECORDED = ["readFileSync", "openSync"];
// Models are read whether anybody names them or not.
const IS_MODEL = /\.(?:sqlx|js)$/;

/** Keeps what is read from now on; gives a function that tells it as paths in a folder. */
function recordReads() {
  const names = new Set();
  for (const method of RECORDED) {
    const original = fs[method];
    fs[method] = function (name, ...rest) {
      if (typeof name === "string" && !IS_MODEL.test(name)) names.add(path.resolve(name));
      else if (name instanceof URL && name.protocol === "file:") names.add(fileURLToPath(name));
      return original.call(this, name, ...rest);
    };
  }
  return (folder) => {
    const roots = [folder, fs.realpathSync(folder)].map((root) => path.resolve(root) + path.sep);
    const inside = [...names].flatMap((name) => {
      const root = roots.find((one) => name.startsWith(one));
      return root ? name.slice(root.length).split(path.sep).join("/") : [];
    });
    return [...new Set(inside)].filter((name) => name.startsWith("definitions/"));
  };
}

module.exports = { recordReads };
