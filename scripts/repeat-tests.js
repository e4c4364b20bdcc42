// The tests so many times, all or those of some files, and at the end those that failed in any: a test that fails now and
// then is a defect. `npm run test:repeat -- 10 test/run/killed`
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";

const [times, ...args] = process.argv.slice(2);
if (!/^[1-9]\d*$/.test(times ?? "")) {
  console.error("expected how many times, then what vitest takes: npm run test:repeat -- 10 test/run/killed");
  process.exit(2);
}
const dir = mkdtempSync(join(tmpdir(), "repeated-"));
const failures = new Map();
for (let n = 1; n <= Number(times); n++) {
  console.log(`== ${n} of ${times}`);
  const report = join(dir, `${n}.json`);
  const { status } = spawnSync(process.execPath, ["node_modules/vitest/vitest.mjs", "run", ...args], {
    stdio: "inherit",
    env: { ...process.env, VITEST_JSON: report },
  });
  const { testResults = [] } = existsSync(report) ? JSON.parse(readFileSync(report, "utf8")) : {};
  const failed = testResults.flatMap(({ name, status: ended, assertionResults }) => {
    const place = relative(process.cwd(), name);
    const tests = assertionResults.filter((one) => one.status === "failed").map((one) => `${place}: ${one.fullName}`);
    return ended === "failed" && !tests.length ? [place] : tests;
  });
  // Vitest fails also for an error that belongs to no test.
  if (status !== 0 && !failed.length) failed.push("an error outside of all tests");
  for (const what of new Set(failed)) failures.set(what, [...(failures.get(what) ?? []), n]);
}
rmSync(dir, { recursive: true });
console.log(`== failed in ${times} times: ${failures.size || "nothing"}`);
for (const [what, rounds] of failures) console.log(`  ${rounds.length} of ${times} (${rounds.join(", ")})  ${what}`);
process.exit(failures.size ? 1 : 0);
