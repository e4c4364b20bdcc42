import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { MADE_BY, prometheusFiles } from "../../metrics/rules.ts";
import { UserError } from "../../model/errors.ts";
import type { Shell } from "../shell.ts";

export interface PrometheusFlags {
  readonly out: string;
  readonly job: string;
  readonly address: string;
  /** Milliseconds. */
  readonly runEvery: number;
  readonly runLimit: number;
  readonly runbook: string;
  readonly json?: boolean;
}

/** Writes what Prometheus reads: what to scrape, and when to tell somebody. */
export async function writePrometheus(shell: Shell, flags: PrometheusFlags): Promise<void> {
  const { job, runbook, address } = flags;
  const out = resolve(shell.projectDir, flags.out);
  const files = prometheusFiles(
    { job, runbook, noRunFor: flags.runEvery / 1000, runLimit: flags.runLimit / 1000 },
    address,
  );
  for (const path of files.keys()) {
    const there = await readFile(join(out, path), "utf8").catch(() => undefined);
    if (there === undefined || there.startsWith(MADE_BY)) continue;
    throw new UserError({
      message: `${join(flags.out, path)} is somebody else's`,
      expected: "no such file, or one that `dataform bi prometheus` has written",
      found: there.split("\n")[0] ?? "",
      hint: "name another folder with --out",
    });
  }
  await mkdir(out, { recursive: true });
  for (const [path, content] of files) await writeFile(join(out, path), content);
  if (flags.json) shell.print(JSON.stringify({ version: 1, folder: out, files: [...files.keys()] }));
  else for (const path of files.keys()) shell.print(join(flags.out, path));
}
