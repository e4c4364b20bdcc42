import { dirname } from "node:path";
import { Command } from "commander";
import { expect, test } from "vitest";
import { addDbCommand } from "../../src/cli/commands/db.ts";
import type { Shell } from "../../src/cli/shell.ts";
import { parseConnectionUrl } from "../../src/config/connection.ts";
import { cli } from "../support/cli.ts";
import { ask, project } from "../support/embedded.ts";

/** Runs `dataform db …`; what it printed on stdout. */
async function db(projectDir: string, ...args: string[]): Promise<string> {
  const out: string[] = [];
  const shell: Shell = { projectDir, env: {}, color: false, exitCode: 0, print: (line) => out.push(line), say() {} };
  const program = new Command().exitOverride();
  addDbCommand(program.command("db"), shell);
  await program.parseAsync(["db", ...args], { from: "user" });
  return out.join("\n");
}

test("start, status, url, stop and reset", async () => {
  const folder = dirname(project());
  expect(await db(folder, "status")).toContain("not created yet");
  await expect(db(folder, "url")).rejects.toMatchObject({ message: "the embedded PostgreSQL is not running" });

  expect(await db(folder, "start")).toBe("");
  const url = await db(folder, "url");
  expect(await ask(parseConnectionUrl(url, "test"), "select 1 as a")).toEqual({ a: "1" });
  // What only reads does not come in as the superuser, the first time and later.
  await ask(parseConnectionUrl(url, "test"), "create table kept as select 1 as id");
  const who =
    "select session_user as name, (select rolsuper from pg_roles where rolname = session_user) as super, id from kept";
  for (let n = 0; n < 2; n++) {
    const { stdout } = await cli(folder, ["query", "--json", who]);
    expect(JSON.parse(stdout)).toEqual([{ name: "dataform_reader", super: false, id: 1 }]);
  }
  expect((await cli(folder, ["export", "kept", "-", "--to", "csv"])).stdout).toBe("id\n1");
  const status = await db(folder, "status");
  for (const part of ["running, process ", "18.", folder, "server-", url]) expect(status).toContain(part);
  expect(JSON.parse(await db(folder, "status", "--json"))).toMatchObject({ state: "running", url });

  await expect(db(folder, "reset")).rejects.toMatchObject({ hint: expect.stringContaining("--yes") });
  await db(folder, "stop");
  expect(JSON.parse(await db(folder, "status", "--json"))).toMatchObject({ state: "stopped", crashed: false });
  await db(folder, "reset", "--yes");
  expect(JSON.parse(await db(folder, "status", "--json"))).toMatchObject({ state: "absent" });
});

test("db sql makes no embedded PostgreSQL where the project's database is elsewhere", async () => {
  const folder = dirname(project());
  const { exitCode, stderr } = await cli(folder, ["db", "sql", "select 1"], {
    DATABASE_URL: "postgresql://u:p@db.test/d",
  });
  expect([exitCode, stderr]).toEqual([
    2,
    expect.stringMatching(/this project has none\n.*found: +database postgresql:\/\/u:\*\*\*@db\.test/),
  ]);
  expect(await db(folder, "status")).toContain("not created yet");
});
