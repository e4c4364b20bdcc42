import { existsSync, mkdirSync, mkdtempSync, readFileSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { findChromium } from "../../src/cli/chromium.ts";
import { cli, succeeds } from "../support/cli.ts";
import { table } from "../support/models.ts";
import { chromiumProgram } from "../support/servers/browser.ts";
import { sharedWarehouse, type Warehouse } from "../support/warehouse.ts";

const SPEND = `title: Spend
panels:
  - title: By campaign
    chart: bar
    from: marts.daily
    x: campaign
    y: spend
    aggregate: sum
`;

/** A dashboard of a project that is published, and one whose mart has lost its column since. */
const project = {
  "daily.sqlx": table("select 'a' as campaign, 1.10 as spend"),
  "other.sqlx": table("select 1 as id, 2 as gone"),
  "dashboards/spend.yaml": SPEND,
  "dashboards/gone.yaml": SPEND.replace("daily", "other")
    .replace("x: campaign", "x: id")
    .replace("y: spend", "y: gone"),
};

let house: Warehouse & { end(): Promise<void> };
beforeAll(async () => {
  house = await sharedWarehouse(project);
  await house.run();
  await house.sql("alter view marts.other rename column gone to went");
});
afterAll(() => house.end());

const render = (args: readonly string[], path = "") =>
  cli(house.project.dir, ["dashboard", "render", "--url", house.database.url, ...args], { PATH: path });
const made = (name: string) => readFileSync(join(house.project.dir, name));

test("dashboards are listed with what each reads, without a database", async () => {
  const { stdout } = await succeeds(cli(house.project.dir, ["dashboard", "ls"]));
  expect(stdout).toMatch(/spend\s+Spend\s+1\s+marts\.daily/);
  const json = await succeeds(cli(house.project.dir, ["dashboard", "ls", "--json"]));
  expect(JSON.parse(json.stdout)).toMatchObject([{ target: { name: "gone" } }, { target: { name: "spend" } }]);
});

test("svg needs no Chromium, and is dark where that is asked for; its name says its format", async () => {
  const { stderr } = await succeeds(render(["spend"]));
  expect(stderr).toContain("spend.svg: Spend, release 1");
  await succeeds(render(["spend", "--dark", "--out", "dark.SVG"]));
  const [light, dark] = [made("spend.svg").toString(), made("dark.SVG").toString()];
  for (const svg of [light, dark]) expect(svg).toContain("By campaign");
  const ground = (svg: string) => /fill="(#[0-9a-f]{6})"/i.exec(svg)![1]!;
  const light0 = Number.parseInt(ground(light).slice(1, 3), 16);
  expect(light0).toBeGreaterThan(200);
  expect(Number.parseInt(ground(dark).slice(1, 3), 16)).toBeLessThan(60);
});

test("what a panel cannot show is told with its line and ends with 1; the rest is in the picture", async () => {
  const { exitCode, stderr } = await render(["gone"]);
  expect(exitCode).toBe(1);
  expect(stderr).toContain("dashboards/gone.yaml:7:8: the panel has no column gone");
  expect(made("gone.svg").toString()).toContain("By campaign");
});

const folder = mkdtempSync(join(tmpdir(), "programs-"));
mkdirSync(join(folder, "chromium"));

test.each<[string, string[], string, ...string[]]>([
  [
    "no Chromium, for png",
    ["spend", "--to", "png"],
    "",
    "expected: one of chromium-headless-shell",
    "found:    no PATH",
    "--to svg",
  ],
  ["no Chromium, for pdf", ["spend", "--out", "a.pdf"], folder, "png and pdf are made by a Chromium", folder],
  ["a Chromium that is not there", ["spend", "--to", "png", "--chromium", "/no/where"], "", "/no/where", "ENOENT"],
  [
    "a program that is none",
    ["spend", "--to", "pdf", "--chromium", process.execPath],
    "",
    "made no picture",
    "bad option",
  ],
  ["a Chromium for nothing", ["spend", "--chromium", "/usr/bin/chromium"], "", "no Chromium is needed for svg"],
  ["two formats", ["spend", "--to", "png", "--out", "a.svg"], "", "say two formats", "write --to svg"],
  ["a format that is none", ["spend", "--to", "gif"], "", "svg, png, pdf"],
  ["a folder that is not there", ["spend", "--out", "no/a.svg"], "", "cannot be written", "make the folder"],
  ["a folder", ["spend", "--out", "definitions"], "", "cannot be written", "a folder"],
  ["a dashboard that is none", ["spent"], "", "the project has no dashboard spent", "expected: gone, spend"],
  ["a path", ["../spend"], "", "the project has no dashboard ../spend"],
])("%s is told, and nothing is written", async (_, args, path, ...said) => {
  const { exitCode, stderr } = await render(args, path);
  expect([exitCode === 1 || exitCode === 2, stderr]).toEqual([true, expect.stringContaining(said[0]!)]);
  for (const words of said) expect(stderr).toContain(words);
  expect(existsSync(join(house.project.dir, "a.svg"))).toBe(false);
});

describe.skipIf(!chromiumProgram)("with a Chromium", () => {
  /** Width and height of a PNG. */
  const sizeOf = (png: Buffer) => [png.readUInt32BE(16), png.readUInt32BE(20)];

  test("png has two pixels for one, light or dark, and pdf is one page of the picture's size with its texts", async () => {
    const path = dirname(chromiumProgram!);
    await succeeds(render(["spend"]));
    const [, width, height] = /<svg[^>]* width="(\d+)" height="(\d+)"/.exec(made("spend.svg").toString())!.map(Number);
    await succeeds(render(["spend", "--to", "png"], path));
    await succeeds(render(["spend", "--out", "dark.png", "--dark"], path));
    expect(sizeOf(made("spend.png"))).toEqual([2 * width!, 2 * height!]);
    expect(sizeOf(made("dark.png"))).toEqual([2 * width!, 2 * height!]);
    expect(made("dark.png").equals(made("spend.png"))).toBe(false);
    await succeeds(render(["spend", "--to", "pdf", "--chromium", chromiumProgram!]));
    const pdf = made("spend.pdf").toString("latin1");
    expect(pdf.startsWith("%PDF-")).toBe(true);
    expect(pdf.match(/\/Type\s*\/Page\b/g)).toHaveLength(1);
    // Points, of which 96 pixels are 72.
    const [right, top] = /\/MediaBox\s*\[\s*0 0 ([\d.]+) ([\d.]+)/.exec(pdf)!.slice(1).map(Number);
    expect(Math.abs(right! - width! * 0.75)).toBeLessThan(1);
    expect(Math.abs(top! - height! * 0.75)).toBeLessThan(1);
  });

  test("it is found by any of its names, and a folder of that name is none", () => {
    symlinkSync(chromiumProgram!, join(folder, "google-chrome"));
    expect(findChromium(`/no/where:${folder}`)).toBe(join(folder, "google-chrome"));
  });
});
