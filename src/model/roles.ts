/** Who does what in the database: a group role each, named `<prefix>_<duty>`. docs/roles.md says why. */
export type Duty = "loader" | "builder" | "publisher" | "reader" | "server";

export const DUTIES: readonly Duty[] = ["loader", "builder", "publisher", "reader", "server"];

export const DEFAULT_PREFIX = "df";

export function roleName(prefix: string, duty: Duty): string {
  return `${prefix}_${duty}`;
}
