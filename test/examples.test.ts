import { expect, test } from "vitest";
import { program } from "./support/built.ts";
import { ownDatabase } from "./support/database.ts";
import { answers, copyOfExample, exampleNames, followReadme } from "./support/example.ts";

test.each(exampleNames)("the commands of the README of examples/%s land, test, build and answer", async (name) => {
  const database = await ownDatabase();
  expect(await followReadme(copyOfExample(name), program, { DATABASE_URL: database.url })).toEqual(answers[name]);
});
