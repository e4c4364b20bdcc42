import { readFileSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ConnectionSettings } from "../../src/model/connection-settings.ts";
import { withClient } from "../../src/postgres/client.ts";
import { script } from "../../src/sql/authored.ts";
import { answerFile, projects, VERSIONS, type Version } from "../compat/projects.ts";
import { Dataform, isInstalled } from "../compat/real.ts";
import { isWhole } from "../support/proof.ts";
import { tlsPostgres } from "../support/servers/tls-postgres.ts";

// Asks Dataform's own command lines: they say today what test/compat/projects/ has of them. `npm run compat`, where they are
// installed: `npm ci --prefix test/compat --ignore-scripts`. UPDATE_GOLDENS=1 writes down what they say.

const isAsked = isWhole && isInstalled;
const versions = Object.keys(VERSIONS).map((version) => Number(version) as Version);

describe.skipIf(!isAsked)("Dataform (needs test/compat)", () => {
  const lines = new Map<Version, Dataform>();
  let server: Awaited<ReturnType<typeof tlsPostgres>>;

  beforeAll(async () => {
    server = await tlsPostgres();
    for (const version of versions) lines.set(version, new Dataform(version));
  }, 120_000);
  afterAll(async () => {
    for (const line of lines.values()) line.remove();
    await server?.stop();
  });

  test.each(
    projects.flatMap((project) => project.versions.map((version) => ({ name: project.name, project, version }))),
  )("$version says of $name what it has said", async ({ project, version }) => {
    const answer = await lines.get(version)!.answer(project, await emptyDatabase(server.settings));
    const text = `${JSON.stringify(answer, null, 1)}\n`;
    const file = answerFile(project, version);
    if (process.env.UPDATE_GOLDENS === "1" && !process.env.CI) writeFileSync(file, text);
    expect(JSON.parse(text)).toEqual(JSON.parse(readFileSync(file, "utf8")));
  });
});

let databases = 0;

async function emptyDatabase(settings: ConnectionSettings): Promise<ConnectionSettings> {
  const database = `compat_${databases++}`;
  await withClient(settings, {}, (client) => client.query(script(`create database ${database}`)));
  return { ...settings, database };
}
