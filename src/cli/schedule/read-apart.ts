import { once } from "node:events";
import { UserError, UserErrors } from "../../model/errors.ts";
import type { ScheduleLine } from "../../model/schedule.ts";
import { retentionOf } from "../../release/retention.ts";
import type { FollowedFiles } from "../../schedule/arrivals.ts";
import { foresee } from "../../schedule/decide.ts";
import type { Known } from "../../schedule/declare/names.ts";
import type { Shell } from "../shell.ts";
import type { Answer, Question } from "./declared-apart.ts";

/** Reads the lines for the process that started this one, and answers it. Returns the exit code. */
export async function answerLines(shell: Shell): Promise<number> {
  if (!process.send) throw new UserError({ message: "nobody asks for the lines of schedules.yaml" });
  const [asked] = (await once(process, "message")) as [Question];
  // Nobody is left to answer.
  process.once("disconnect", () => process.exit());
  shell.projectDir = asked.projectDir;
  const answer = await answerTo(shell, asked);
  await new Promise<void>((sent) => process.send!(answer, undefined, undefined, () => sent()));
  process.removeAllListeners("disconnect");
  process.disconnect();
  return 0;
}

async function answerTo(shell: Shell, { flags }: Question): Promise<Answer> {
  try {
    const { declaredLines } = await import("./declared.ts");
    const { lines, known } = await declaredLines(shell, flags);
    const { runs, runsAge } = retentionOf(known.graph.project.retention);
    const kept = { dues: runs, age: runsAge };
    return { kind: "lines", lines, files: filesOf(lines, known), foreseen: foresee(lines, new Date()), kept };
  } catch (error) {
    const errors: readonly unknown[] = error instanceof UserErrors ? error.errors : [error];
    if (!errors.every((one) => one instanceof UserError)) throw error;
    return { kind: "mistakes", errors: errors.map((one) => ({ ...one, message: one.message, cause: undefined })) };
  }
}

function filesOf(lines: readonly ScheduleLine[], { streams }: Known): ReadonlyMap<string, FollowedFiles> {
  return new Map(
    lines.flatMap(({ name, trigger }) => {
      const found = trigger.kind === "file" ? streams.get(`${trigger.source}.${trigger.stream}`) : undefined;
      if (found?.declaration.connector.kind !== "files" || found.stream.connector.kind !== "files") return [];
      return [[name, { connector: found.declaration.connector, glob: found.stream.connector.files }] as const];
    }),
  );
}
