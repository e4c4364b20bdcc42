import { UserError } from "../model/errors.ts";
import { nearest } from "../model/nearest.ts";
import { LIBPQ } from "./libpq.ts";
import { DATABASE } from "./settings.ts";

/**
 * Refuses a variable that is a letter or two off one that says how to reach the database, where that one is not set: passed
 * over, it would leave the work to another server, or to a connection without what was asked for.
 * @param isNamed whether a flag or `DATABASE_URL` names the database: then others' `PG_HOST` changes nothing, and TLS still counts
 */
export function refuseMisspelt(
  env: Readonly<Record<string, string | undefined>>,
  place: (name: string) => string,
  isNamed: boolean,
): void {
  const libpq = LIBPQ.flatMap(({ variable }) => variable ?? []);
  const known = [...libpq, DATABASE.variable];
  const missing = known.filter((name) => env[name] === undefined && (!isNamed || name.startsWith("PGSSL")));
  for (const [name, value] of Object.entries(env)) {
    if (!value || known.includes(name)) continue;
    const meant = nearest(name, missing, 2);
    // Others' names are near to this one (DATABASE_SSL=true); what they hold is no address.
    if (!meant || (meant === DATABASE.variable && !/[:/]/.test(value))) continue;
    throw new UserError({
      message: `${place(name)} is not a setting`,
      hint: `did you mean ${meant}? Where another program means it, set ${meant} beside it, or write --url`,
    });
  }
}
