import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { userInfo } from "node:os";
import { join } from "node:path";
import { freePort } from "../../../src/postgres/embedded/port.ts";
import { findProgram, startChild, temporaryFolder } from "./child.ts";

const sshd = findProgram("sshd");

/** Where ssh2-sftp-client is installed, as the project that needs it. */
export const sftpProject = join(import.meta.dirname, "../../servers");

/** Whether this machine has OpenSSH's server (Debian: openssh-server) and test/servers is installed. */
export const hasSftp = sshd !== undefined && canResolve("ssh2-sftp-client");

export interface SftpServer {
  readonly port: number;
  /** Holds what the test puts there; sftp:// with its path. */
  readonly folder: string;
  readonly user: string;
  /** PEM. */
  readonly privateKey: string;
  /** "SHA256:…" */
  readonly hostKey: string;
}

/** OpenSSH's server for the user who runs the test, with keys of its own. */
export async function startSftp(): Promise<SftpServer> {
  const home = temporaryFolder();
  const folder = join(home, "files");
  mkdirSync(folder);
  chmodSync(home, 0o700);
  const hostKey = makeKey(join(home, "host_key"));
  makeKey(join(home, "user_key"));
  writeFileSync(join(home, "authorized_keys"), readFileSync(join(home, "user_key.pub")), { mode: 0o600 });
  const port = await freePort();
  const settings = {
    Port: port,
    ListenAddress: "127.0.0.1",
    HostKey: join(home, "host_key"),
    AuthorizedKeysFile: join(home, "authorized_keys"),
    PidFile: "none",
    PasswordAuthentication: "no",
    KbdInteractiveAuthentication: "no",
    PermitRootLogin: "yes",
    UsePAM: "no",
    StrictModes: "no",
    Subsystem: "sftp internal-sftp",
  };
  const config = join(home, "sshd_config");
  writeFileSync(
    config,
    Object.entries(settings)
      .map(([name, value]) => `${name} ${value}\n`)
      .join(""),
  );
  // A system's own service makes this folder, which sshd will not start without as root.
  if (process.getuid?.() === 0) mkdirSync("/run/sshd", { recursive: true });
  await startChild(sshd!, ["-D", "-e", "-f", config], port);
  const privateKey = readFileSync(join(home, "user_key"), "utf8");
  return { port, folder, user: userInfo().username, privateKey, hostKey };
}

function makeKey(path: string): string {
  spawnSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", path]);
  return /SHA256:\S+/.exec(spawnSync("ssh-keygen", ["-l", "-f", path]).stdout.toString())![0];
}

function canResolve(name: string): boolean {
  try {
    createRequire(join(sftpProject, "package.json")).resolve(name);
    return true;
  } catch {
    return false;
  }
}
