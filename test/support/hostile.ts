import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { literal } from "../../src/sql/literals.ts";
import { join as joined, type Sql, sql } from "../../src/sql/sql.ts";

const src = resolve(import.meta.dirname, "../../src");

/** Every word of the program that stands before a parenthesis: among them are all functions that it calls. */
function calledNames(): string[] {
  const names = new Set<string>();
  for (const file of readdirSync(src, { recursive: true, encoding: "utf8" })) {
    if (!file.endsWith(".ts")) continue;
    for (const [, name] of readFileSync(join(src, file), "utf8").matchAll(/\b([a-z][a-z0-9_]+)\(/g)) names.add(name!);
  }
  return [...names];
}

/**
 * What somebody makes who may create in schema public: functions and operators of PostgreSQL's own names, for types that
 * PostgreSQL's own take only after a conversion. Called by such a name, they are the better match. Each counts its calls.
 */
export function hostileObjects(): Sql {
  const names = sql`array[${joined(calledNames().map(literal), ", ")}]`;
  return sql`
    set search_path = pg_catalog;
    create sequence public.calls;
    create function public.called(what text) returns text language plpgsql as $body$
    begin
      perform pg_catalog.nextval('public.calls'::pg_catalog.regclass);
      raise exception 'public.% was called', what;
    end $body$;
    do $do$
    declare
      one record;
      kinds constant text[] := array['text', 'varchar', 'name', 'int', 'bigint', 'numeric', 'regclass', 'oid', 'regtype', 'text[]', 'varchar[]', 'jsonb', 'json'];
      first text;
      second text;
    begin
      for one in
        select distinct
          p.proname,
          array(
            select case
              when a.type::text in ('"any"', 'anyelement', 'anycompatible') then any_kind
              when a.type::text in ('anyarray', 'anycompatiblearray') then any_kind || '[]'
              when a.type::text = 'text' then text_kind
              when a.type::text in ('bigint', 'numeric', 'double precision') then number_kind
              when a.type::text in ('oid', 'regclass') then oid_kind
              else a.type::text
            end
            from unnest(p.proargtypes::oid[]) with ordinality as given(oid, place), lateral (select given.oid::regtype as type) as a
            order by place
          ) as types
        from pg_proc as p
        cross join unnest(array['text', 'int', 'varchar', 'bigint', 'jsonb']) as any_kind
        cross join unnest(array['text', 'varchar', 'name']) as text_kind
        cross join unnest(array['int', 'bigint', 'numeric']) as number_kind
        cross join unnest(array['oid', 'regclass', 'int']) as oid_kind
        where p.pronamespace = 'pg_catalog'::regnamespace and p.proname = any(${names}) and p.pronargs between 1 and 4
      loop
        continue when array_to_string(one.types, ' ') ~ 'any[a-z"]|internal|cstring';
        begin
          execute format(
            'create function public.%I(%s) returns text language plpgsql as %L',
            one.proname, array_to_string(one.types, ', '), format('begin return public.called(%L); end', one.proname)
          );
        exception when others then
          null; -- the same again
        end;
      end loop;
      foreach first in array kinds loop
        foreach second in array kinds loop
          execute format(
            'create function public._operator(%s, %s) returns boolean language sql as ''select public.called(''''an operator'''') is null''',
            first, second
          );
          for one in select unnest(array['=', '<>', '<', '<=', '>', '>=', '||', '~', '!~', '+', '-', '*', '->', '->>', '~~', '!~~']) as name loop
            continue when exists (
              select from pg_operator
              where oprname = one.name and oprleft = first::regtype and oprright = second::regtype
                and oprnamespace = 'pg_catalog'::regnamespace
            );
            execute format(
              'create operator public.%s (function = public._operator, leftarg = %s, rightarg = %s)', one.name, first, second
            );
          end loop;
        end loop;
      end loop;
    end $do$;
    reset search_path`;
}
