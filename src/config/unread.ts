import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { UserError } from "../model/errors.ts";
import { DATABASE } from "./settings.ts";

/** Files by which other programs know the database, and what to do instead. */
const FILES: Readonly<Record<string, string>> = {
  "profiles.yml": "dbt's file is not read",
  "profiles.yaml": "dbt's file is not read",
  "environments.json": "environments of Dataform 2 are not read: targets.yaml has such (docs/cli/targets.md)",
  ".pg_service.conf": "name the service by PGSERVICE, and this file by PGSERVICEFILE",
  "pg_service.conf": "name the service by PGSERVICE, and this file by PGSERVICEFILE",
  ".pgpass": "name this file by PGPASSFILE, and the database by PGHOST, PGUSER and PGDATABASE",
};

/** What others call the variable that says where the database is, in `.env`. */
const OTHERS_NAMES =
  /^\s*(?:export\s+)?((?:POSTGRES|POSTGRESQL|PG|DB)_(?:URL|URI|DSN|HOST)|POSTGRES_PRISMA_URL|SQLALCHEMY_DATABASE_URI)[ \t]*[=:][ \t]*["']?[^\s"'#]/m;

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
  const other = OTHERS_NAMES.exec(readText(join(projectDir, ".env")))?.[1];
  if (other && !isOfSource(projectDir, other)) throw unread(".env", `its ${other} is not read`);
}

/** Whether a source is where it says: `ingest/*.yaml` may call its variables as it likes. */
function isOfSource(projectDir: string, variable: string): boolean {
  const folder = join(projectDir, "ingest");
  return names(folder).some((name) => readText(join(folder, name)).includes(`\${${variable}`));
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
  return NAMES_A_DATABASE.test(readText(path));
}

/** Empty where there is none, or it is a folder. */
function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
