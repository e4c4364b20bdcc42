// What a stranger installs needs no scripts, and npm tells of `prepare` as of an install script: `npm pack` and
// `npm publish` take a package.json without what only a clone needs, and the whole one is put back afterwards.
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";

const WHOLE = "package.json.whole";
const OF_A_CLONE = ["scripts", "devDependencies", "overrides", "allowScripts"];

if (process.argv[2] === "restore") {
  renameSync(WHOLE, "package.json");
} else {
  if (existsSync(WHOLE)) throw new Error(`an npm pack before did not end: mv ${WHOLE} package.json`);
  const whole = readFileSync("package.json", "utf8");
  const packed = Object.entries(JSON.parse(whole)).filter(([key]) => !OF_A_CLONE.includes(key));
  writeFileSync(WHOLE, whole);
  writeFileSync("package.json", `${JSON.stringify(Object.fromEntries(packed), undefined, 2)}\n`);
}
