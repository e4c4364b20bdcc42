import type { Statement } from "../model/plan.ts";
import { roleName } from "../model/roles.ts";
import { id } from "../sql/identifiers.ts";
import { dollarQuoted } from "../sql/literals.ts";
import { offerName, privateId } from "../sql/names.ts";
import { join, type Sql, sql } from "../sql/sql.ts";
import { sqlOf, statement } from "../sql/statement.ts";

// A transaction that changes what the builder owns and what the publisher owns is the builder's, because what authors wrote
// may run in it until its very end: a deferred trigger at its commit. What it needs of the publisher is a function that the
// publisher made for it and takes away afterwards. Nobody can take the publisher's role from inside of such a function, and
// its caller can do nothing but call it.

/** What the publisher lets a transaction of the builder do. */
export interface Offer {
  /** Sent by the publisher, before. */
  readonly make: readonly Statement[];
  /** The call, as an expression. */
  readonly call: Sql;
  /** Sent by the publisher, afterwards. */
  readonly withdraw: readonly Statement[];
}

export interface OfferOptions {
  readonly environment: string;
  /** Prefix of the roles. */
  readonly roles: string;
  readonly purpose: "publish" | "lock" | "change";
}

/** @param body a block of PL/pgSQL; names are looked up in pg_catalog, and dates are read as the publisher's session does */
export function makeOffer({ environment, roles, purpose }: OfferOptions, body: Sql): Offer {
  const call = sql`${privateId(offerName(environment, purpose))}()`;
  return {
    make: [
      sql`
        create or replace function ${call} returns void
        language plpgsql security definer
        set search_path = pg_catalog, pg_temp
        set standard_conforming_strings = on
        set datestyle from current
        set intervalstyle from current
        set timezone from current
        as ${dollarQuoted(body)}`,
      sql`revoke all on function ${call} from public`,
      sql`grant execute on function ${call} to ${id(roleName(roles, "builder"))}`,
    ].map((one) => statement("label", one)),
    call,
    withdraw: [statement("label", sql`drop function if exists ${call}`)],
  };
}

/** Statements as one, to be executed in a block: each on its own costs a plan. */
export function executed(statements: readonly Statement[]): Sql {
  return sql`execute ${dollarQuoted(join(statements.map(sqlOf), ";\n"))};`;
}
