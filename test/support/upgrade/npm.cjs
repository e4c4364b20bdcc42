#!/usr/bin/env node
// npm as far as `db upgrade` asks it, without a registry: the packages are those of test/servers.
const { execFileSync } = require("node:child_process");
const { basename, dirname, join } = require("node:path");
const { existsSync, realpathSync } = require("node:fs");

const servers = join(__dirname, "../../servers/node_modules");
const [verb, what, , to] = process.argv.slice(2);
const offline = existsSync("offline") && "npm error network request failed, reason: getaddrinfo ENOTFOUND";
if (offline) {
  console.error(offline);
  process.exit(1);
} else if (verb === "view") {
  console.log(JSON.stringify(["16.14.0-beta.17", "17.9.0-beta.17", "17.10.0-beta.17", "18.4.0-beta.17"]));
} else {
  const [, name, version] = /^(@[^@]+)@(.+)$/.exec(what);
  const folder = realpathSync(join(servers, name.includes("postgres") ? `postgres-${version.split(".")[0]}` : name));
  const rename = `s,^${basename(folder)},package,`;
  execFileSync("tar", ["-cf", join(to, "package.tgz"), "--transform", rename, "-C", dirname(folder), basename(folder)]);
}
