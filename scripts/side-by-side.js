// Commands at once, for a machine has more than one core and the first of them use one: the last shows its output as it
// comes, the others' stands behind it. What this gets besides goes to the last.
// `node scripts/side-by-side.js "npm run -s check" "vitest run" -- test/run`
import { spawn } from "node:child_process";

const words = process.argv.slice(2);
const end = words.includes("--") ? words.indexOf("--") : words.length;
const commands = words.slice(0, end);
const last = [commands.pop(), ...words.slice(end + 1).map((word) => JSON.stringify(word))].join(" ");

/** Its exit code, and what it printed where that is not shown. */
function run(command, shown) {
  const child = spawn(command, {
    shell: true,
    stdio: ["inherit", ...(shown ? ["inherit", "inherit"] : ["pipe", "pipe"])],
  });
  const printed = [];
  for (const stream of [child.stdout, child.stderr]) stream?.on("data", (chunk) => printed.push(chunk));
  return new Promise((resolve) => {
    child.once("close", (code) => resolve({ command, code: code ?? 1, printed: Buffer.concat(printed).toString() }));
  });
}

const ended = await Promise.all([...commands.map((command) => run(command, false)), run(last, true)]);
for (const { command, code, printed } of ended) {
  process.stdout.write(printed);
  if (code !== 0) console.error(`${command}: exit code ${code}`);
}
process.exitCode = ended.some(({ code }) => code !== 0) ? 1 : 0;
