import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { onTestFinished } from "vitest";
import { compile } from "../../src/compile/compile.ts";
import type { CompiledGraph } from "../../src/model/graph.ts";

export type ProjectFiles = Readonly<Record<string, string>>;

const settings = JSON.stringify({
  project: "test",
  warehouse: "postgres",
  defaultSchema: "marts",
  assertionSchema: "assertions",
});

export interface TestProject {
  readonly dir: string;
  /** Writes more files, or writes files anew. */
  write(files: ProjectFiles): void;
  remove(path: string): void;
  /**
   * What the files written here compile to: of the same ones only once, for that takes longer than many a run. It sees
   * no files that came another way.
   */
  compile(): Promise<CompiledGraph>;
}

const graphs = new Map<string, CompiledGraph>();

/** Is told what to do at the end: of the test, or of what several tests share. */
export type OnEnd = (end: () => Promise<void> | void) => void;

/** A Dataform project in a folder of its own, gone when the test ends. Names without a folder are models. */
export function testProject(files: ProjectFiles, onEnd: OnEnd = onTestFinished): TestProject {
  const dir = mkdtempSync(join(tmpdir(), "project-"));
  onEnd(() => rmSync(dir, { recursive: true, force: true }));
  const written = new Map<string, string>();
  const project: TestProject = {
    dir,
    write: (more) => {
      for (const [path, text] of Object.entries(more)) {
        written.set(modelPath(path), text);
        const full = join(dir, modelPath(path));
        mkdirSync(dirname(full), { recursive: true });
        writeFileSync(full, text);
      }
    },
    remove: (path) => {
      written.delete(modelPath(path));
      rmSync(join(dir, modelPath(path)));
    },
    compile: async () => {
      const key = JSON.stringify([...written].sort());
      const known = graphs.get(key);
      if (known) return known;
      const graph = await compile(dir);
      graphs.set(key, graph);
      return graph;
    },
  };
  project.write({ "dataform.json": settings, ...files });
  return project;
}

function modelPath(path: string): string {
  return path.includes("/") || !path.endsWith(".sqlx") ? path : `definitions/${path}`;
}
