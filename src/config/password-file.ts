import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { UserError } from "../model/errors.ts";
import type { ConnectionParameter } from "./libpq.ts";

/** The password of `~/.pgpass`, or of the file that is named, as psql finds it. */
export function readPasswordFile(
  wanted: readonly string[],
  named: ConnectionParameter | undefined,
): string | undefined {
  let text: string;
  try {
    text = readFileSync(named?.value ?? join(homedir(), ".pgpass"), "utf8");
  } catch (cause) {
    if (!named) return undefined;
    throw new UserError({
      message: `${named.from}: cannot read ${named.value}`,
      found: (cause as Error).message,
      hint: "check the path and its permissions",
      cause,
    });
  }
  for (const line of text.split(/\r?\n/)) {
    if (line.startsWith("#")) continue;
    const fields = line.split(/(?<!\\):/).map((field) => field.replace(/\\([:\\])/g, "$1"));
    if (fields.length >= 5 && wanted.every((value, index) => fields[index] === "*" || fields[index] === value)) {
      return fields.slice(4).join(":");
    }
  }
  return undefined;
}
