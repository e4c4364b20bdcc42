import { spawn } from "node:child_process";
import { milliseconds } from "../../model/duration.ts";
import type { ChannelSettings, Message } from "../../model/notifying.ts";
import { after } from "../../wait/timers.ts";
import { NotTold, nameOf } from "./told.ts";

interface Surroundings {
  readonly projectDir: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** What a program finds of the surroundings of this one. */
const HANDED_ON = ["PATH", "HOME", "LANG"];

/** Starts a program that gets the message on its stdin. @throws NotTold */
export async function runCommand(
  { run, env: declared = {}, timeout }: NonNullable<ChannelSettings["command"]>,
  message: Message,
  { projectDir, env }: Surroundings,
): Promise<void> {
  const [program = "", ...args] = run;
  const own = Object.entries(declared).map(([name, value]) => [
    name,
    typeof value === "string" ? value : value.reveal(),
  ]);
  const start = () =>
    spawn(program, args, {
      cwd: projectDir,
      env: {
        ...Object.fromEntries(HANDED_ON.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]]))),
        ...Object.fromEntries(own),
      },
      stdio: ["pipe", "ignore", "ignore"],
      // A group of its own, so that what it started ends with it.
      detached: true,
    });
  let child: ReturnType<typeof start>;
  try {
    child = start();
  } catch (error) {
    throw new NotTold(`${program}: it cannot be started (${nameOf(error)})`);
  }
  const end = () => {
    try {
      process.kill(-child.pid!, "SIGKILL");
    } catch {
      // It has ended.
    }
  };
  let isLate = false;
  const stop = after(milliseconds(timeout)!, () => {
    isLate = true;
    end();
  });
  try {
    const ended = new Promise<string | undefined>((resolve) => {
      child.once("error", ({ message: why }) => resolve(why));
      child.once("exit", (code, signal) => resolve(code === 0 ? undefined : `it ended with ${code ?? signal}`));
    });
    // One that does not read is no reason to fail: its exit code counts.
    child.stdin!.on("error", () => {});
    child.stdin!.end(JSON.stringify(message));
    const why = await ended;
    if (why !== undefined) throw new NotTold(`${program}: ${isLate ? `it took longer than ${timeout}` : why}`);
  } finally {
    stop();
  }
}
