import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { expect, test } from "vitest";
import { alerts } from "../../src/metrics/rules.ts";
import { cli } from "../support/cli.ts";
import { anchorsOf, blocksOf, readPage, root } from "./markdown.ts";

const PAGE = "docs/operate.md";

/** Every command of ours that the page names, wherever it stands: in units, in a container, within sentences. */
function commands(): readonly string[] {
  const written = [
    ...readPage(PAGE).matchAll(/`(?:npx )?dataform ([a-z][^`]*)`/g),
    ...readPage(PAGE).matchAll(/^(?:ExecStart|ExecStopPost)=\S+\/dataform (.+)$/gm),
    ...readPage(PAGE).matchAll(/^CMD \["(.+)"\]$/gm),
  ].map(([, words = ""]) => words.replaceAll('", "', " "));
  const shell = blocksOf(PAGE)
    .filter(({ language }) => language === "sh")
    .flatMap(({ text }) => [...text.matchAll(/^npx dataform (.*)$/gm)].map(([, words = ""]) => words));
  return [...new Set([...written, ...shell])];
}

test("every command of operate.md is one, with flags that it has", async () => {
  const all = commands();
  expect(all.length).toBeGreaterThan(20);
  const wrong: string[] = [];
  for (const words of all) {
    const plain = words
      .replaceAll(/"[^"]*"|'[^']*'/g, "x")
      .replace(/ (?:#|>).*$/, "")
      .split(" ");
    const names = plain
      .slice(0, plain.findIndex((word, at) => at > 0 && !/^[a-z-]+$/.test(word)) >>> 0)
      .filter((word) => !word.startsWith("-"));
    const { stdout } = await cli(".", [...names.slice(0, 2), "--help"]);
    const { stdout: first } = await cli(".", [names[0]!, "--help"]);
    const help = stdout || first;
    if (!help.startsWith("Usage: dataform ")) wrong.push(`no command: ${words}`);
    for (const flag of plain.filter((word) => word.startsWith("--")).map((word) => word.replace(/=.*/, "")))
      if (!new RegExp(`${flag}\\b`).test(help)) wrong.push(`no flag ${flag}: ${words}`);
  }
  // Flags that stand by themselves, as docs/cli.md has them.
  const flags = [...readPage(PAGE).matchAll(/`(--[a-z-]+)(?: [a-z]+)?`/g)].map(([, flag]) => flag!);
  const known = readPage("docs/cli.md");
  expect(flags.filter((flag) => flag !== "--format" && !known.includes(`\`${flag}`))).toEqual([]);
  expect(wrong).toEqual([]);
});

test("each alert has its paragraph in the runbook, and each paragraph its alert", () => {
  const named = new Set(alerts({ job: "dataform", noRunFor: 1, runLimit: 1 }).map(({ alert }) => alert.toLowerCase()));
  const paragraphs = [...anchorsOf(PAGE)].filter((anchor) => /^dataform[a-z]+$/.test(anchor));
  expect(paragraphs.sort()).toEqual([...named].sort());
});

const ANALYZE = "/usr/bin/systemd-analyze";

test.skipIf(!existsSync(ANALYZE))("systemd takes the units", ({ onTestFinished }) => {
  const dir = mkdtempSync(join(tmpdir(), "units-"));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  mkdirSync(join(dir, "shop/node_modules/.bin"), { recursive: true });
  symlinkSync(join(root, "bin/dataform.js"), join(dir, "shop/node_modules/.bin/dataform"));
  const units = blocksOf(PAGE).filter(({ language }) => language === "ini");
  const paths = units.map(({ text }) => {
    const name = basename(/^# (\S+)/.exec(text)![1]!);
    writeFileSync(join(dir, name), text);
    return join(dir, name);
  });
  expect(paths.length).toBeGreaterThan(2);
  const said = execFileSync(ANALYZE, ["verify", "--user", "--man=no", "--recursive-errors=no", ...paths], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
    env: { XDG_RUNTIME_DIR: dir, HOME: dir },
  });
  expect(said).toBe("");
});
