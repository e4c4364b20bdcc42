import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { until } from "../../../src/wait/until.ts";
import type { OnEnd } from "../project.ts";

const MANAGER = "/usr/lib/systemd/systemd";
/**
 * A manager of a user's units asks for /run/systemd/system, which only systemd itself makes: in a /run of its own it is there, and
 * nobody else takes this machine for one that systemd runs.
 */
const START = `mount -t tmpfs tmpfs /run && mkdir -p /run/systemd/system
exec ${MANAGER} --user --log-level=warning --log-target=console`;

/** Why there can be no user session of systemd here; undefined where there can. */
export const noSystemd: string | undefined = !existsSync(MANAGER)
  ? "systemd is not installed"
  : process.getuid?.() === 0
    ? undefined
    : "only root makes a user session that nobody logged in to";

export interface UserSession {
  /** `systemctl --user`. @throws with what it says where it fails */
  systemctl(...words: string[]): string;
}

/** A user session of systemd as after a login, for a home of its own. */
export async function startUserSession(home: string, onEnd: OnEnd): Promise<UserSession> {
  const runtime = join(home, ".run");
  mkdirSync(runtime, { recursive: true, mode: 0o700 });
  const env = { HOME: home, XDG_RUNTIME_DIR: runtime, PATH: process.env.PATH };
  const manager = spawn("unshare", ["--mount", "--propagation", "private", "sh", "-c", START], {
    env,
    stdio: ["ignore", "ignore", "pipe"],
  });
  let said = "";
  manager.stderr.on("data", (bytes) => {
    said += bytes;
  });
  const ended = new Promise((resolve) => manager.once("close", resolve));
  const systemctl = (...words: string[]) =>
    execFileSync("systemctl", ["--user", "--no-pager", ...words], {
      env,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
    });
  onEnd(async () => {
    // Units are stopped, as at a logout.
    if (manager.exitCode === null) manager.kill("SIGTERM");
    await ended;
  });
  const isThere = await until({
    look: async () => {
      if (manager.exitCode !== null) throw new Error(`the session ended: ${said}`);
      return existsSync(join(runtime, "systemd/private")) ? true : undefined;
    },
    every: 50,
    deadline: 30_000,
    describe: () => "for the session",
  });
  if (!isThere) throw new Error(`no session of systemd: ${said}`);
  return { systemctl };
}
