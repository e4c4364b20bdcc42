import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { FOLDER, PICTURES } from "../site/pictures.ts";
import { readPage, root } from "./markdown.ts";

/** Kinds of pages that docs/site.md tells of, each with the pictures that stand below its name. */
function kinds(): ReadonlyMap<string, readonly string[]> {
  const pages = readPage("docs/site.md").split("## The pages")[1]!.split("\n## ")[0]!;
  const sections = pages.split(/^(?=\*\*[A-Z])/m).filter((text) => text.startsWith("**"));
  return new Map(
    sections.map((text) => [
      /^\*\*([^*]+?)\.?\*\*/.exec(text)![1]!,
      [...text.matchAll(/!\[[^\]]+\]\(pictures\/([^)]+)\)/g)].map(([, file]) => file!),
    ]),
  );
}

test("every kind of page that docs/site.md names has its pictures beside its text, and each of them is there", () => {
  expect(Object.fromEntries(kinds())).toEqual(
    Object.fromEntries(
      PICTURES.map(({ section }) => [
        section,
        PICTURES.flatMap((one) => (one.section === section ? [`${one.name}.png`] : [])),
      ]),
    ),
  );
  expect(readdirSync(FOLDER).sort()).toEqual(PICTURES.map(({ name }) => `${name}.png`).sort());
});

test("the page has no kind that docs/site.md leaves out", () => {
  const rooms = [...readFileSync(join(root, "src/site/page/app.tsx"), "utf8").matchAll(/^ {4}case "(\w*)":$/gm)];
  const shown = PICTURES.map(({ address }) => address.replace("#/", "").split(/[/?]/)[0]);
  // The list of a product's relations leads to the page of each.
  expect(new Set(shown)).toEqual(new Set(rooms.map(([, room]) => room).filter((room) => room !== "catalogue")));
});

test("pictures are of PNG, and small enough to come along", () => {
  const files = PICTURES.map(({ name }) => join(FOLDER, `${name}.png`));
  expect(files.filter((file) => !existsSync(file))).toEqual([]);
  for (const file of files) expect(readFileSync(file).subarray(1, 4).toString()).toBe("PNG");
  expect(files.reduce((sum, file) => sum + statSync(file).size, 0)).toBeLessThan(700_000);
});
