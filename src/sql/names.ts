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
  const hash = createHash("sha256")
    .update(`${environment}\n${targetKey(target)}`)
    .digest("hex")
    .slice(0, 10);
  return `${cutToBytes(target.name, 36)}_${hash}_${release}${suffix}`;
}

/** The private object's name as SQL. */
export function privateId(name: string): Identifier {
  return id(PRIVATE_SCHEMA, name);
}

/** Columns of an incremental model's storage that are not the model's own. */
export const WRITTEN_BY = "_dataform_release";
export const GONE_IN = "_dataform_gone";
