import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { testDatabase } from "../support/database.ts";
import type { Answer } from "./answer.ts";
import { differences } from "./differences.ts";
import { type Listed, listed, rowsOf } from "./listed.ts";
import { ourAnswer } from "./ours.ts";
import { answerFile, projects, VERSIONS } from "./projects.ts";

// What this program says of small projects, beside what Dataform's own command lines have said of them: `npm run compat` asks
// those again. What differs on purpose stands in docs/compatibility.md, with its reason.

const found = new Set<Listed>();

describe.each(projects.flatMap((project) => project.versions.map((version) => ({ ...project, project, version }))))(
  "$name, of Dataform $version",
  ({ project, version }) => {
    test("is what it is there, but for what is listed", async () => {
      const dataform = JSON.parse(readFileSync(answerFile(project, version), "utf8")) as Answer;
      const database = await testDatabase();
      try {
        const others = differences(dataform, await ourAnswer(project, version, database));
        const unlisted = others.filter((difference) => {
          const rows = rowsOf(project, version, difference);
          for (const row of rows) found.add(row);
          return !rows.length;
        });
        expect(unlisted).toEqual([]);
      } finally {
        await database.drop();
      }
    });
  },
);

test("there are thirty projects and more, each with the answers of its versions, and no others", () => {
  expect(projects.length).toBeGreaterThan(30);
  for (const { name, folder, versions } of projects) {
    const answers = readdirSync(folder).filter((file) => /^dataform-[\d.]+\.json$/.test(file));
    expect([name, ...answers]).toEqual([name, ...versions.map((version) => `dataform-${VERSIONS[version]}.json`)]);
    expect([name, readdirSync(join(folder, "definitions")).length > 0]).toEqual([name, true]);
  }
});

afterAll(() => {
  expect([...listed].filter((row) => !found.has(row))).toEqual([]);
});
