import type { Column } from "../model/catalog.ts";
import { ids } from "./identifiers.ts";
import { dollarQuoted, literal } from "./literals.ts";
import { privateId } from "./names.ts";
import { type Relation, type Sql, sql } from "./sql.ts";

// The rows of a relation that is taken over are copied aside, while others may still write to it. So what it holds is noted
// before it is read, and looked at again when it is moved away.

/** Makes the note: how many rows there are, and a sum over all of their values. */
export function noteRows(note: string, relation: Relation): Sql {
  return sql`
    create table ${privateId(note)} as
    ${rowsOf(relation)}`;
}

/** Copies its rows. */
export function copyRows(table: string, relation: Relation, columns: readonly Column[]): Sql {
  return sql`
    create table ${privateId(table)} as
    select
      ${ids(columns.map(({ name }) => name))}
    from ${relation}`;
}

const hint = literal("nothing of it was published: stop what still writes to it, and run again");

/** Until the transaction ends nobody changes the table. */
export function lockRows(relation: Relation, what: string): Sql {
  const body = sql`
    declare
      before text := current_setting('lock_timeout');
    begin
      perform set_config('lock_timeout', '5s', true);
      lock table ${relation} in share mode;
      perform set_config('lock_timeout', before, true);
    exception when lock_not_available then
      raise exception using errcode = 'object_not_in_prerequisite_state', message = ${literal(`${what} is being written to while it is adopted`)}, hint = ${hint};
    end`;
  return sql`do ${dollarQuoted(body)}`;
}

/** A check that the relation still holds what was noted. */
export function refuseRowsChanged(note: string, relation: Relation, what: string): Sql {
  const body = sql`
    begin
      if exists (
        ${rowsOf(relation)}
        except
        select rows, hash from ${privateId(note)}
      ) then
        raise exception using errcode = 'object_not_in_prerequisite_state', message = ${literal(`${what} was written to while it was adopted`)}, hint = ${hint};
      end if;
    end`;
  return sql`do ${dollarQuoted(body)}`;
}

function rowsOf(relation: Relation): Sql {
  return sql`
    select count(*) as rows, coalesce(sum(hashtextextended((s.*)::text, 0)::numeric), 0) as hash
    from ${relation} as s`;
}
