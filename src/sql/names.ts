import { createHash } from "node:crypto";
import { type Target, targetKey } from "../model/target.ts";
import { cutToBytes, id } from "./identifiers.ts";
import type { Identifier } from "./sql.ts";

/** The schema of everything that is not for readers. */
export const PRIVATE_SCHEMA = "_dataform";

/**
 * The private name of one version of a model: readable start, hash of environment and full name, release.
 * At most 60 bytes, so that a one-letter suffix and PostgreSQL's own `_idx` names still fit.
 */
export function privateName(environment: string, target: Target, release: number, suffix = ""): string {
  return `${withoutRelease(environment, target)}${release}${suffix}`;
}

function withoutRelease(environment: string, target: Target): string {
  const hash = createHash("sha256")
    .update(`${environment}\n${targetKey(target)}`)
    .digest("hex")
    .slice(0, 10);
  return `${cutToBytes(target.name, 36)}_${hash}_`;
}

/** A function that the publisher lends to the builder, of each environment one for each purpose. */
export function offerName(environment: string, purpose: string): string {
  return `${purpose}_${createHash("sha256").update(environment).digest("hex").slice(0, 10)}`;
}

/** The suffix of what stood under a model's name before the model took its place. */
export const SET_ASIDE = "a";

/** Of private names, those of what stood under the model's name before; the newest first. */
export function setAside(environments: readonly string[], target: Target, names: readonly string[]): string[] {
  const starts = environments.map((environment) => withoutRelease(environment, target));
  const found = names.flatMap((name) => {
    const start = starts.find((one) => name.startsWith(one));
    const release = start && new RegExp(`^(\\d+)${SET_ASIDE}$`).exec(name.slice(start.length))?.[1];
    return release ? [{ name, release: Number(release) }] : [];
  });
  return found.sort((a, b) => b.release - a.release).map(({ name }) => name);
}

/** The private object's name as SQL. */
export function privateId(name: string): Identifier {
  return id(PRIVATE_SCHEMA, name);
}

/** Columns of an incremental model's storage that are not the model's own. */
export const WRITTEN_BY = "_dataform_release";
export const GONE_IN = "_dataform_gone";
