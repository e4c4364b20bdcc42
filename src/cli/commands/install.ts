import { existsSync } from "node:fs";
import { join } from "node:path";
import { npm } from "../../config/npm.ts";
import { UserError } from "../../model/errors.ts";
import { addFolder } from "../folder.ts";
import { untilInterrupted } from "../interrupt.ts";
import type { AddCommand } from "../shell.ts";

/** `dataform install [folder]`: the packages that package.json of the project names, as npm installs them. */
export const addInstallCommand: AddCommand = (command, shell) => {
  addFolder(command).action(async () => {
    if (!existsSync(join(shell.projectDir, "package.json")))
      return shell.say("no package.json: there is nothing to install");
    const install = (signal: AbortSignal) =>
      npm(shell.projectDir, ["install", "--ignore-scripts", "--no-audit", "--no-fund"], signal);
    const { code, printed, said } = await untilInterrupted(shell, install, "stopping npm").catch((cause: Error) => {
      if (cause.name === "AbortError") throw cause;
      throw notInstalled(cause.message);
    });
    if (code !== 0) throw notInstalled(said);
    for (const line of [said, printed].join("\n").split("\n")) if (line.trim() !== "") shell.say(line);
  });
};

function notInstalled(found: string): UserError {
  return new UserError({
    message: "npm did not install what package.json names",
    location: { file: "package.json" },
    found: found.trim().split("\n").slice(0, 6).join("\n"),
    hint: "`npm install --ignore-scripts` in the project's folder says all of it",
    exitCode: 1,
  });
}
