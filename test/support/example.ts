import { execFile } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { onTestFinished } from "vitest";

const examples = resolve(import.meta.dirname, "../../examples");

export const exampleNames = readdirSync(examples).sort();

/** A copy, as a stranger makes it. Its files look as if they had been there for a while, so that no load waits for them. */
export function copyOfExample(name: string): string {
  const dir = mkdtempSync(join(tmpdir(), `dataform-example-${name}-`));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  cpSync(join(examples, name), dir, { recursive: true });
  for (const path of readdirSync(dir, { recursive: true, encoding: "utf8" })) utimesSync(join(dir, path), 1e9, 1e9);
  return dir;
}

/** Runs a command of the program; what it printed. @throws where it fails */
type Dataform = (args: readonly string[]) => Promise<{ readonly stdout: string }>;

/** The program of an installed package, in a process of its own. */
export const installed =
  (bin: string, cwd: string, env: NodeJS.ProcessEnv): Dataform =>
  (args) =>
    promisify(execFile)(process.execPath, [bin, ...args], { cwd, env });

/**
 * Runs what the example's README tells to type, `npx dataform …`.
 * @returns what its query prints: the columns' names, then the rows
 */
export async function followReadme(dir: string, dataform: Dataform): Promise<readonly string[][]> {
  const lines = readFileSync(join(dir, "README.md"), "utf8").match(/^npx dataform .*$/gm) ?? [];
  let answer: readonly string[] = [];
  for (const line of lines) {
    const args = [...line.matchAll(/"([^"]*)"|\S+/g)].map(([word, quoted]) => quoted ?? word).slice(2);
    const { stdout } = await dataform(args);
    if (args[0] === "query") answer = stdout.trimEnd().split("\n");
  }
  return answer.toSpliced(1, 1).map((line) => line.trim().split(/ {2,}/));
}

/** What the query of each README answers. */
export const answers: Readonly<Record<string, readonly string[][]>> = {
  smallest: [
    ["name", "earths"],
    ["Jupiter", "11.0"],
    ["Saturn", "9.1"],
    ["Uranus", "4.0"],
    ["Neptune", "3.9"],
  ],
  // without the row whose amount is "twelve"
  csv: [
    ["month", "orders", "revenue"],
    ["2026-10-01", "3", "127.25"],
    ["2026-11-01", "3", "55.35"],
  ],
  marketing: [
    ["campaign_name", "currency", "spend", "spend_per_conversion"],
    ["Spring sale", "EUR", "300.00", "15.00"],
    ["Newsletter", "EUR", "100.00", "20.00"],
    ["Brand", "USD", "525.25", "262.63"],
  ],
  "jaffle-shop": [
    ["first_name", "number_of_orders", "lifetime_value"],
    ["Mia", "7", "86.00"],
    ["Gina", "4", "80.50"],
    ["Iris", "3", "73.50"],
  ],
};
