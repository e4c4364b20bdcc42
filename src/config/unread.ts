import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { UserError } from "../model/errors.ts";
import { DATABASE } from "./settings.ts";

/** Files by which other programs know the database, and what to do instead. */
const FILES: Readonly<Record<string, string>> = {
  "profiles.yml": "dbt's file is not read",
  "profiles.yaml": "dbt's file is not read",
  "environments.json": "environments of Dataform 2 are not read: --environment and --schema-suffix make some",
  ".pg_service.conf": "name the service by PGSERVICE, and this file by PGSERVICEFILE",
  "pg_service.conf": "name the service by PGSERVICE, and this file by PGSERVICEFILE",
  ".pgpass": "name this file by PGPASSFILE, and the database by PGHOST, PGUSER and PGDATABASE",
};

const NAMES_A_DATABASE = /^\s*(?:export\s+)?(?:DATABASE_URL|PGHOST|PGHOSTADDR|PGDATABASE|PGSERVICE)\s*[=:]/m;

/**
 * Refuses a project that seems to say where its database is in a way that is not read: in the embedded one its data would
 * be missing, and nobody would know why.
 */
export function refuseUnread(projectDir: string): void {
  const known = Object.keys(FILES).find((name) => existsSync(join(projectDir, name)));
  if (known) throw unread(known, FILES[known]!);
  const variant = names(projectDir).find(
    (name) => name.startsWith(".env.") && !/example|sample|template|dist$/.test(name) && says(join(projectDir, name)),
  );
  if (variant) throw unread(variant, "of such files only .env is read");
}

function unread(file: string, why: string): UserError {
  return new UserError({
    message: `${file} seems to say which database to use, and ${why}`,
    location: { file },
    hint: `set ${DATABASE.variable} in .env or name the database by --url; --url embedded (or ${DATABASE.variable}=embedded) takes the embedded PostgreSQL`,
  });
}

function names(folder: string): readonly string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}

function says(path: string): boolean {
  try {
    return NAMES_A_DATABASE.test(readFileSync(path, "utf8"));
  } catch {
    return false;
  }
}
