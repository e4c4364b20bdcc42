import { expect, test } from "vitest";
import { cli, succeeds } from "./support/cli.ts";
import { ownDatabase } from "./support/database.ts";
import { answers, copyOfExample, exampleNames, followReadme } from "./support/example.ts";

test.each(exampleNames)("the commands of the README of examples/%s land, test, build and answer", async (name) => {
  const { url } = await ownDatabase();
  const dir = copyOfExample(name);
  const dataform = (args: readonly string[]) => succeeds(cli(dir, args, { DATABASE_URL: url }));
  expect(await followReadme(dir, dataform)).toEqual(answers[name]);
});
