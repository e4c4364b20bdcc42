import { id } from "./identifiers.ts";
import { literal, sqlLiteral } from "./literals.ts";
import { privateId } from "./names.ts";
import { type Sql, sql } from "./sql.ts";

// Rows that an author's `delete` took out of an incremental model while it was built. They are noted by their place, and go
// when the release is published. A place means something as long as the table's file is the same one: `vacuum full` and its
// like write another.

const PLACE = "_dataform_place";
const FILE = "_dataform_file";

/** A table of places. */
export function createGone(gone: string): Sql {
  return sql`create table ${privateId(gone)} (file oid not null, place tid not null)`;
}

/** The columns that say where a row of a private table, called `alias`, is. */
export function placeColumns(table: string, alias: "s" | "d"): Sql[] {
  return [sql`${fileOf(table)} as ${id(FILE)}`, sql`${id(alias, "ctid")} as ${id(PLACE)}`];
}

/** Whether a row of a private table, called `alias`, is among those that are gone. */
export function isGone(gone: string, table: string, alias: "s" | "d"): Sql {
  return sql`exists (select from ${privateId(gone)} as g where ${isPlace(table, alias)})`;
}

/** Whether a place, called `g`, is that of a row of a private table, called `alias`. */
export function isPlace(table: string, alias: "s" | "d"): Sql {
  return sql`g.place = ${id(alias, "ctid")} and g.file = ${fileOf(table)}`;
}

/** What a delete from a view with the columns of `placeColumns` does: it notes the places. */
export function noteDeletes(view: string, gone: string): Sql {
  return sql`
    create rule ${id("_dataform_note")} as on delete to ${privateId(view)} do instead
    insert into ${privateId(gone)} (file, place) values (old.${id(FILE)}, old.${id(PLACE)})`;
}

/**
 * The check, behind the statement that moved rows away, that they are all there were.
 * @param delta rows of it are not there yet
 * @param what the model, for the message
 */
export function refuseOthersGone(gone: string, delta: string, what: string): Sql {
  return sql`
    if moved <> (select pg_catalog.count(distinct (g.file, g.place)) from ${privateId(gone)} as g where g.file <> ${fileOf(delta)}) then
      raise exception using errcode = 'object_not_in_prerequisite_state',
        message = ${literal(`${what}: its table was written anew since the run chose the rows to delete`)},
        hint = ${literal("run again; vacuum full, cluster and changes by hand are for times without a run")};
    end if;`;
}

function fileOf(table: string): Sql {
  return sql`(select pg_catalog.pg_relation_filenode(${sqlLiteral(privateId(table))}::pg_catalog.regclass))`;
}
