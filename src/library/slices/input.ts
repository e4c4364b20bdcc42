import { id } from "../../sql/identifiers.ts";
import type { Identifier, Sql } from "../../sql/sql.ts";
import { ownUnless } from "../shared/check-options.ts";
import type { Report } from "./options.ts";

/** What the select of a store is made of. */
export interface StoreInput {
  readonly report: Report;
  /** The rows of all loads. */
  readonly feed: Sql;
  /** All loads, as made by `loadsOf`. */
  readonly loads: Sql;
  /** The store as it is; undefined where it is made. */
  readonly self: Sql | undefined;
  readonly columns: StoreColumns;
}

/** The store's own columns that readers of the versions do not see. */
export interface StoreColumns {
  /** Of a load: what it meant when it was worked in. Called `row_hash`, as in the stores that there are. */
  readonly meaning: Identifier;
  readonly id: Identifier;
  readonly kind: Identifier;
  readonly idName: string;
}

export function storeColumns({ key, values }: Report): StoreColumns {
  const name = (plain: string) => ownUnless(plain, [...key, ...values.keys()]);
  return { meaning: id(name("row_hash")), id: id(name("row_id")), kind: id(name("row_kind")), idName: name("row_id") };
}
