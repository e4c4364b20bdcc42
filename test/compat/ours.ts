import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { withClient } from "../../src/postgres/client.ts";
import { cli } from "../support/cli.ts";
import type { TestDatabase } from "../support/database.ts";
import type { Answer, DataformGraph, Told } from "./answer.ts";
import { readState, send } from "./database.ts";
import { type ComparedProject, putProject, type Version } from "./projects.ts";

/** A failed assertion is told and keeps nothing from readers, as with Dataform. */
const AS_DATAFORM = ["--format", "dataform", "--assertions", "report"];

/** What this program says of a project, asked as Dataform is. */
export async function ourAnswer(
  project: ComparedProject,
  version: Version,
  { url, settings }: Pick<TestDatabase, "url" | "settings">,
): Promise<Answer> {
  const folder = mkdtempSync(join(tmpdir(), "compat-"));
  const ask = (args: readonly string[]) => cli(folder, args, { DATABASE_URL: url });
  try {
    putProject(project, version, folder);
    const graph = JSON.parse(
      (await ask(["compile", "--format", "dataform", ...project.compile])).stdout,
    ) as DataformGraph;
    if (version === 3) return { graph, steps: [] };
    const steps: Told[] = [];
    await withClient(settings, {}, async (client) => {
      await send(client, project.setup);
      for (const step of project.steps) {
        if ("sql" in step) await send(client, step.sql);
        else if ("test" in step) steps.push(testsOf(await ask(["test", "--format", "dataform", ...step.test])));
        else {
          const told = runOf(await ask(["run", ...step.run, ...AS_DATAFORM]));
          steps.push({ ...told, state: await readState(client, project.state) });
        }
      }
    });
    return { graph, steps };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

interface Printed {
  readonly exitCode: number;
  readonly stdout: string;
}

function runOf({ exitCode, stdout }: Printed): Told {
  const { actions = [] } = JSON.parse(stdout) as {
    actions?: readonly {
      readonly target: { readonly schema: string; readonly name: string };
      readonly status: string;
    }[];
  };
  const told = actions.map(({ target, status }) => [`${target.schema}.${target.name}`, status] as const);
  return { exitCode, actions: Object.fromEntries(told.sort()) };
}

function testsOf({ exitCode, stdout }: Printed): Told {
  const results = JSON.parse(stdout) as readonly { readonly name: string; readonly successful: boolean }[];
  const told = results.map(({ name, successful }) => [name, successful ? "passed" : "failed"] as const);
  return { exitCode, tests: Object.fromEntries(told.sort()) };
}
