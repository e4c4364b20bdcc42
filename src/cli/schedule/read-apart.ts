import { once } from "node:events";
import { UserError, UserErrors } from "../../model/errors.ts";
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
    const followed = new Set(
      lines.flatMap(({ trigger }) => (trigger.kind === "clock" ? [] : [`${trigger.source}.${trigger.stream}`])),
    );
    return { kind: "lines", lines, streams: new Map([...known.streams].filter(([name]) => followed.has(name))) };
  } catch (error) {
    const errors: readonly unknown[] = error instanceof UserErrors ? error.errors : [error];
    if (!errors.every((one) => one instanceof UserError)) throw error;
    return { kind: "mistakes", errors: errors.map((one) => ({ ...one, message: one.message, cause: undefined })) };
  }
}
