import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { UserError } from "../model/errors.ts";
import { type ConnectionParameter, type ConnectionParameters, givenBy } from "./libpq.ts";

/** The parameters of a service of `~/.pg_service.conf`, or of the system's one, as `PGSERVICE` and `service=` name it. */
export function readService(
  service: ConnectionParameter,
  given: ConnectionParameters,
  env: Readonly<Record<string, string | undefined>>,
): ConnectionParameters {
  const named = given.get("servicefile");
  const system = env.PGSYSCONFDIR ? [join(env.PGSYSCONFDIR, "pg_service.conf")] : [];
  const files = [named?.value ?? join(homedir(), ".pg_service.conf"), ...system];
  for (const file of files) {
    const text = textOf(file, file === named?.value ? named.from : undefined);
    const entries = text === undefined ? undefined : sectionOf(text, service.value, file);
    if (entries) return givenBy(entries, `service ${service.value} in ${file}`);
  }
  throw new UserError({
    message: `${service.from} names the service ${service.value}, which is not there`,
    expected: `[${service.value}] in ${files.join(" or ")}`,
    hint: "correct the name, or name the file by PGSERVICEFILE",
  });
}

function textOf(file: string, namedBy: string | undefined): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT" && namedBy === undefined) return undefined;
    throw new UserError({
      message: `${namedBy ?? "a service"}: cannot read ${file}`,
      found: (cause as Error).message,
      hint: "check the path and its permissions",
      cause,
    });
  }
}

function sectionOf(text: string, name: string, file: string): [string, string][] | undefined {
  let entries: [string, string][] | undefined;
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    const bare = line.trim();
    if (bare === "" || bare.startsWith("#")) continue;
    const section = /^\[(.*)\]$/.exec(bare)?.[1];
    if (section !== undefined) {
      if (entries) return entries;
      if (section === name) entries = [];
    } else if (entries) {
      const at = bare.indexOf("=");
      if (at < 1)
        throw new UserError({
          message: "this line of a service is none",
          location: { file, line: index + 1 },
          expected: "name=value",
          found: bare,
        });
      entries.push([bare.slice(0, at).trim(), bare.slice(at + 1).trim()]);
    }
  }
  return entries;
}
