import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect, onTestFinished } from "vitest";
import type { ConnectionSettings } from "../../../src/model/connection-settings.ts";
import { type Client, withClient } from "../../../src/postgres/client.ts";
import { embeddedStatus, startEmbedded } from "../../../src/postgres/embedded/server.ts";
import { resetProject } from "../embedded.ts";
import { simulatedClock } from "./clock.ts";
import { installWithClock } from "./installed.ts";
import { momentOf } from "./world.ts";

interface Said {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Login {
  readonly user: string;
  readonly password: string;
}

/** A project in a folder of its own on a simulated day, and what a person does in it: files and commands, nothing else. */
export interface Office {
  readonly day: number;
  /** It is morning, before six. */
  begin(day: number): void;
  write(path: string, text: string): void;
  read(path: string): string;
  remove(path: string): void;
  /** A variable of the environment, from now on. */
  setVariable(name: string, value: string): void;
  /** `npx dataform …` to its end; fails the test where it ends with another code. */
  dataform(args: readonly string[], code?: number): Promise<Said>;
  /** Kills the command as soon as it says something that matches. */
  killed(args: readonly string[], when: RegExp): Promise<void>;
  /** The test's own look at the database, or a BI tool's. */
  look<T>(work: (client: Client) => Promise<T>, as?: Login): Promise<T>;
  /** How many files the server has besides its databases: logs, write-ahead log, copies. */
  filesOfServer(): number;
  /** Goes on in a copy of the project's files, as on another machine: without its database. */
  move(): Promise<void>;
}

export function openOffice(): Office {
  const folder = mkdtempSync(join(tmpdir(), "dataform-month-"));
  chmodSync(folder, 0o755); // as root, the server user has to get in
  const clock = simulatedClock(folder);
  clock.set(momentOf(1, "05:50:00"));
  const variables: Record<string, string> = {};
  let dir = "";
  let program = "";
  let day = 1;
  let moves = 0;
  const settle = () => {
    dir = join(folder, `shop${moves++}`);
    mkdirSync(dir);
    program = installWithClock(dir, clock);
    const here = dir;
    onTestFinished(async () => {
      await resetProject(here);
      rmSync(here, { recursive: true, force: true });
    });
  };
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  settle();
  const environment = () => ({
    PATH: process.env.PATH,
    HOME: process.env.HOME,
    NO_COLOR: "1",
    ...clock.env,
    ...variables,
  });
  return {
    get day() {
      return day;
    },
    begin: (next) => {
      day = next;
      clock.set(momentOf(next, "05:50:00"));
    },
    write: (path, text) => {
      const full = join(dir, path);
      mkdirSync(dirname(full), { recursive: true });
      writeFileSync(full, text);
      const seconds = clock.now().getTime() / 1000 - 60;
      utimesSync(full, seconds, seconds);
    },
    read: (path) => readFileSync(join(dir, path), "utf8"),
    remove: (path) => rmSync(join(dir, path)),
    setVariable: (name, value) => {
      variables[name] = value;
    },
    dataform: async (args, code = 0) => {
      const said = await ended(program, args, { cwd: dir, env: environment() });
      expect(said.code, `day ${day}: dataform ${args.join(" ")}\n${said.stdout}${said.stderr}`).toBe(code);
      return said;
    },
    killed: async (args, when) => {
      const child = spawn(process.execPath, [program, ...args], { cwd: dir, env: environment(), stdio: "pipe" });
      let heard = "";
      for (const stream of [child.stdout, child.stderr])
        stream.on("data", (chunk) => {
          heard += chunk;
          if (when.test(heard)) child.kill("SIGKILL");
        });
      const [, signal] = await once(child, "close");
      expect(signal, `day ${day}: ${args.join(" ")} ended before it was killed\n${heard}`).toBe("SIGKILL");
    },
    look: async (work, login) => {
      const settings = { ...(await connection(dir)), ...(login && { user: login.user, password: login.password }) };
      return withClient(settings, { applicationName: "month" }, work);
    },
    filesOfServer: () => {
      const names = readdirSync(join(dir, ".dataform"), { recursive: true, encoding: "utf8" });
      return names.filter((name) => !name.includes("data/base/")).length;
    },
    move: async () => {
      const before = dir;
      settle();
      for (const name of readdirSync(before).filter((name) => ![".dataform", "node_modules", "server"].includes(name)))
        cpSync(join(before, name), join(dir, name), { recursive: true, preserveTimestamps: true });
    },
  };
}

function ended(program: string, args: readonly string[], options: object): Promise<Said> {
  return new Promise((resolve) => {
    execFile(process.execPath, [program, ...args], { ...options, maxBuffer: 1 << 26 }, (error, out, err) => {
      const stdout = String(out);
      const stderr = String(err);
      const code = error ? ((error as { code?: number }).code ?? -1) : 0;
      resolve({ code, stdout, stderr });
    });
  });
}

async function connection(dir: string): Promise<ConnectionSettings> {
  const stateDir = join(dir, ".dataform");
  expect((await embeddedStatus(stateDir)).state).toBe("running");
  return startEmbedded(stateDir);
}
