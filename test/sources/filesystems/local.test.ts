import { chmodSync, mkdirSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { openFilesystem } from "../../../src/sources/filesystems/open.ts";
import { temporaryFolder } from "../../support/servers/child.ts";
import { contentOf, failure, filesConnector } from "../../support/servers/connector.ts";

function filled(files: Readonly<Record<string, string>>): string {
  const folder = temporaryFolder();
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  }
  return folder;
}

async function paths(folder: string, glob: string): Promise<readonly string[]> {
  const filesystem = await openFilesystem(filesConnector(folder));
  return (await filesystem.list(glob)).map(({ path }) => path);
}

test("files are listed by path, with size and time, and read as they are", async () => {
  const folder = filled({ "b.csv": "22", "a.csv": "1", "2026/11/c.csv": "333", "d.txt": "" });
  utimesSync(join(folder, "a.csv"), 0, Date.UTC(2026, 10, 21) / 1000);
  const filesystem = await openFilesystem(filesConnector(folder));
  const files = await filesystem.list("**/*.csv");
  expect(files.map(({ path, size }) => [path, size])).toEqual([
    ["2026/11/c.csv", 3],
    ["a.csv", 1],
    ["b.csv", 2],
  ]);
  expect(files[1]!.modifiedAt).toBe("2026-11-21T00:00:00.000Z");
  expect((await contentOf(files[0]!)).toString()).toBe("333");
  expect((await contentOf(files[0]!)).toString()).toBe("333");
  await filesystem.close();
});

test("the folder may be relative to the project, and names may hold anything", async () => {
  const folder = filled({ "in/ä b%20#?[1].csv": "x", "in/-rf": "y" });
  const filesystem = await openFilesystem(filesConnector("./in", { projectDir: folder }));
  const files = await filesystem.list("*");
  expect(files.map(({ path }) => path)).toEqual(["-rf", "ä b%20#?[1].csv"]);
  expect((await contentOf(files[1]!)).toString()).toBe("x");
  expect(basename(folder)).not.toBe("in");
});

test("a folder of the pattern that is missing, or is a file, has no files", async () => {
  const folder = filled({ "a.csv": "1" });
  expect(await paths(folder, "missing/*.csv")).toEqual([]);
  expect(await paths(folder, "a.csv/*.csv")).toEqual([]);
  expect(await paths(folder, "missing.csv")).toEqual([]);
});

test("a place that is missing, or is a file, is an error", async () => {
  const folder = filled({ "a.csv": "1" });
  expect((await failure(openFilesystem(filesConnector(join(folder, "nowhere"))))).hint).toContain("files.at");
  expect((await failure(openFilesystem(filesConnector(join(folder, "a.csv"))))).message).toContain("is not a folder");
});

test("a large file is read whole in pieces", async () => {
  const folder = filled({ "big.csv": "0123456789".repeat(500_000) });
  const [file] = await (await openFilesystem(filesConnector(folder))).list("big.csv");
  let pieces = 0;
  let bytes = 0;
  for await (const chunk of await file!.open()) {
    pieces++;
    bytes += chunk.length;
  }
  expect(bytes).toBe(5_000_000);
  expect(pieces).toBeGreaterThan(10);
});

describe("what does not belong to the folder", () => {
  test("hidden files and folders are left out", async () => {
    const folder = filled({ ".env": "SECRET", ".git/a.csv": "1", "a.csv": "1", "x/.b.csv": "1" });
    expect(await paths(folder, "**")).toEqual(["a.csv"]);
    expect((await failure(paths(folder, ".env"))).message).toContain("hidden");
  });

  test("links that lead out of it are not followed, links within it are", async () => {
    const outside = filled({ "passwd.csv": "root", "deep/x.csv": "1" });
    const folder = filled({ "2026/a.csv": "1" });
    symlinkSync(join(outside, "passwd.csv"), join(folder, "p.csv"));
    symlinkSync(outside, join(folder, "out"));
    symlinkSync("../..", join(folder, "2026", "up"));
    symlinkSync("2026", join(folder, "current"));
    symlinkSync("nowhere", join(folder, "dangling.csv"));
    symlinkSync(join(folder, "2026/a.csv"), join(folder, "latest.csv"));
    expect(await paths(folder, "**/*.csv")).toEqual(["2026/a.csv", "current/a.csv", "latest.csv"]);
    expect(await paths(folder, "out/*.csv")).toEqual([]);
    expect(await paths(folder, "out/deep/*.csv")).toEqual([]);
  });

  test("a file that is replaced by a link to elsewhere before it is read is refused", async () => {
    const outside = filled({ "passwd.csv": "root" });
    const folder = filled({ "a.csv": "1234" });
    const [file] = await (await openFilesystem(filesConnector(folder))).list("a.csv");
    rmSync(join(folder, "a.csv"));
    symlinkSync(join(outside, "passwd.csv"), join(folder, "a.csv"));
    expect((await failure(contentOf(file!))).message).toContain("leads out");
  });

  test("links in a circle end", async () => {
    const folder = filled({ "a/b/x.csv": "1" });
    symlinkSync("../..", join(folder, "a/b/round"));
    symlinkSync(".", join(folder, "self"));
    expect(await paths(folder, "**/*.csv")).toEqual(["a/b/x.csv"]);
  });

  test("patterns that lead out of it are refused", async () => {
    const folder = filled({ "a.csv": "1" });
    for (const glob of ["../*.csv", "x/../../*.csv", "/etc/*"]) await failure(paths(folder, glob));
  });
});

describe("fault 44: a file that changes while it is read", () => {
  test("is refused when it grew or shrank since it was listed", async () => {
    const folder = filled({ "a.csv": "1234", "b.csv": "1234", "c.csv": "1234" });
    const files = await (await openFilesystem(filesConnector(folder))).list("*.csv");
    writeFileSync(join(folder, "a.csv"), "12345");
    writeFileSync(join(folder, "b.csv"), "123");
    expect(await failure(contentOf(files[0]!))).toMatchObject({ expected: "4 bytes", found: "5 bytes or more" });
    expect(await failure(contentOf(files[1]!))).toMatchObject({ expected: "4 bytes", found: "3 bytes" });
    rmSync(join(folder, "c.csv"));
    expect(await failure(contentOf(files[2]!))).toMatchObject({ code: "ENOENT" });
  });
});

test.skipIf(process.getuid?.() === 0)("a file that may not be read is an error", async () => {
  const folder = filled({ "a.csv": "1" });
  chmodSync(join(folder, "a.csv"), 0);
  expect(statSync(join(folder, "a.csv")).size).toBe(1);
  const [file] = await (await openFilesystem(filesConnector(folder))).list("a.csv");
  expect(await failure(contentOf(file!))).toMatchObject({ code: "EACCES" });
});
