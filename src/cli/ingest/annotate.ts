import { readSource } from "../../compile/source.ts";
import type { UserErrorDetails } from "../../model/errors.ts";
import type { LoadReport, StreamLoad } from "../../model/load-report.ts";
import { tellFailures } from "../failures.ts";
import { annotate } from "../github.ts";
import type { Shell } from "../shell.ts";

/** What failed and what was rejected, beside the stream's place in its declaration where no other is known. */
export function annotateLoad(shell: Shell, { source, streams }: LoadReport, file: string): void {
  const text = readSource(shell.projectDir, file);
  const told = (load: StreamLoad, error: UserErrorDetails): UserErrorDetails => ({
    ...error,
    message: `${source}.${load.stream}: ${error.message}`,
    location: error.location ?? { file, line: lineOf(load.stream, text) },
  });
  const errors = streams.flatMap((load) => {
    const failed = (load.files ?? []).flatMap(({ error }) => (error ? [error] : []));
    return (failed.length || !load.error ? failed : [load.error]).map((error) => told(load, error));
  });
  const rejected = streams.flatMap((load) =>
    load.reasons.map(({ reason, count }) => told(load, { message: `rejected: ${count} × ${reason}` })),
  );
  tellFailures(shell, errors);
  annotate(shell, rejected, "warning");
}

/** The line where the stream is named; the first one where that is written in another way. */
function lineOf(stream: string, text: string): number {
  return text.split("\n").findIndex((line) => nameIn(line) === stream) + 1 || 1;
}

function nameIn(line: string): string | undefined {
  return /\bname:\s*["']?([\w-]+)/.exec(line)?.[1];
}
