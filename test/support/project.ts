import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { onTestFinished } from "vitest";

export type ProjectFiles = Readonly<Record<string, string>>;

const settings = JSON.stringify({ warehouse: "postgres", defaultSchema: "marts", assertionSchema: "assertions" });

export interface TestProject {
  readonly dir: string;
  /** Writes more files, or writes files anew. */
  write(files: ProjectFiles): void;
  remove(path: string): void;
}

/** A Dataform project in a folder of its own, gone when the test ends. Names without a folder are models. */
export function testProject(files: ProjectFiles): TestProject {
  const dir = mkdtempSync(join(tmpdir(), "project-"));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  const project: TestProject = {
    dir,
    write: (more) => {
      for (const [path, text] of Object.entries(more)) {
        const full = join(dir, modelPath(path));
        mkdirSync(dirname(full), { recursive: true });
        writeFileSync(full, text);
      }
    },
    remove: (path) => rmSync(join(dir, modelPath(path))),
  };
  project.write({ "dataform.json": settings, ...files });
  return project;
}

function modelPath(path: string): string {
  return path.includes("/") || !path.endsWith(".sqlx") ? path : `definitions/${path}`;
}
