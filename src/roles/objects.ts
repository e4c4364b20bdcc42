import { type Target, targetKey } from "../model/target.ts";
import { labelled } from "../sql/ddl.ts";
import { id } from "../sql/identifiers.ts";
import { literal, sqlLiteral } from "../sql/literals.ts";
import { PRIVATE_SCHEMA } from "../sql/names.ts";
import { serverReadsRecord } from "../sql/record-rights.ts";
import { empty, join, type Sql, sql } from "../sql/sql.ts";
import type { RoleScope, RoleStatement } from "./scope.ts";
import { because, block, next, texts } from "./statements.ts";

const ours = literal(PRIVATE_SCHEMA);
const pairs = (targets: readonly Target[]) =>
  join(
    targets.map(({ schema, name }) => sql`(${literal(schema)}, ${literal(name)})`),
    ", ",
  );

/** Private names end with a hash, a release number and sometimes a letter; what else is there is our own record. */
const PRIVATE_NAME = literal("_[0-9a-f]{10}_[0-9]+[a-z]?$");

/**
 * Gives the roles what earlier runs and loads made as somebody else. Only what this program made, and only where the
 * owner differs: changing an owner locks readers out for a moment.
 */
export function alterOwners(scope: RoleScope): RoleStatement[] {
  // What one of them made under the name of another's would be run, or read, with the rights of that one.
  const roles = [scope.loader, scope.builder, scope.publisher, scope.reader, scope.server];
  const body = sql`
    for item in
      select made.oid::regclass as relation, made.owner
      from (
        select c.oid, c.relowner, ${ownerOf(scope)} as owner
        from pg_class as c
        join pg_namespace as n
          on n.oid = c.relnamespace
        where c.relkind in ('r', 'v', 'm', 'f', 'p')
      ) as made
      where made.owner is not null and pg_get_userbyid(made.relowner) not in (${roles.map(literal)})
      order by made.oid
    loop
      execute format('alter table %s owner to %I', item.relation, item.owner);
    end loop;`;
  return [
    because("What earlier runs and loads made as another user changes its owner.", block(body, sql`item record;`)),
  ];
}

/** Who should own a relation of `pg_class c` in `pg_namespace n`; NULL for what is not this program's. */
function ownerOf({ rawSchemas, publicSchemas, outputs, ...roles }: RoleScope): Sql {
  const [loader, builder, publisher] = [roles.loader, roles.builder, roles.publisher].map(literal);
  const isOutput = sql`when c.relkind <> 'S' and (n.nspname, c.relname) in (${pairs(outputs)}) then ${builder!}`;
  return sql`
    case
      when n.nspname = ${ours} and c.relkind = 'r' and c.relname !~ ${PRIVATE_NAME} then ${publisher!}
      when n.nspname = ${ours} and ${labelled(sql`obj_description(c.oid, 'pg_class')`, "environment")} is not null then ${builder!}
      when n.nspname = any(${texts(publicSchemas)}) and c.relkind = 'v' and exists (
        select from pg_rewrite as w
        join pg_depend as d
          on d.classid = 'pg_rewrite'::regclass and d.objid = w.oid and d.refclassid = 'pg_class'::regclass
        join pg_class as p
          on p.oid = d.refobjid
        join pg_namespace as s
          on s.oid = p.relnamespace
        where w.ev_class = c.oid and s.nspname = ${ours}
      ) then ${publisher!}
      ${outputs.length ? isOutput : empty}
      when n.nspname = any(${texts(rawSchemas)}) and c.relkind in ('r', 'p') and (
        c.relname in ('_load', '_rejected', '_file', '_drift', '_token')
        or exists (
          select from pg_attribute as a
          where a.attrelid = c.oid and a.attname = '_load_id' and not a.attisdropped
        )
      ) then ${loader!}
      when n.nspname = any(${texts(rawSchemas)}) and c.relkind = 'v' and (
        c.relname = '_current_load'
        or obj_description(c.oid, 'pg_class') like 'What counts now of %'
      ) then ${loader!}
    end`;
}

/** The same rights on what is there as on what will be made. */
export function grantOnExisting(scope: RoleScope): RoleStatement[] {
  const { rawSchemas, publicSchemas, readerSchemas, sources, served } = scope;
  const [builder, publisher, reader, server] = [scope.builder, scope.publisher, scope.reader, scope.server].map(
    (name) => id(name),
  );
  const owned = (role: string) => sql`c.relowner = ${sqlLiteral(id(role))}::regrole`;
  const body = sql`
    for item in
      select
        c.oid::regclass as relation,
        n.nspname = ${ours} as private,
        n.nspname = any(${texts(readerSchemas)}) as readable
      from pg_class as c
      join pg_namespace as n
        on n.oid = c.relnamespace
      where c.relkind in ('r', 'v', 'm', 'f', 'p') and (
        n.nspname = ${ours} and ${owned(scope.builder)}
        or n.nspname = any(${texts(publicSchemas)}) and (${owned(scope.builder)} or ${owned(scope.publisher)})
      )
    loop
      if item.private then
        execute ${onRelation(sql`grant select`, sql`to ${publisher!}, ${server!}`)};
      else
        execute ${onRelation(sql`grant select`, sql`to ${builder!}, ${server!}`)};
        if item.readable then
          execute ${onRelation(sql`grant select`, sql`to ${reader!}`)};
        else
          execute ${onRelation(sql`revoke all`, sql`from ${reader!}`)};
        end if;
      end if;
    end loop;`;
  return [
    because("The same on what is there already.", block(body, sql`item record;`)),
    ...rawSchemas.map((schema) => next(sql`grant select on all tables in schema ${id(schema)} to ${builder!}`)),
    ...(sources.length
      ? [
          grantOnSources(
            "Declared sources that others fill: the builder reads these and nothing else of theirs.",
            sources,
            scope.builder,
          ),
        ]
      : []),
    ...(served.length ? [grantOnSources("Declared sources that endpoints answer from.", served, scope.server)] : []),
    because(
      "Of the record: which release readers have, what it consists of, and the keys.",
      serverReadsRecord(scope.server),
    ),
  ];
}

/** A right on `item.relation`, which is a regclass: its text is quoted already. */
function onRelation(what: Sql, whom: Sql): Sql {
  return sql`${sqlLiteral(what)} || ' on ' || item.relation || ${literal(` ${whom}`)}`;
}

/** Declared relations that others fill. One that is not there yet is told, and granted when this is sent again. */
function grantOnSources(why: string, sources: readonly Target[], role: string): RoleStatement {
  return because(
    why,
    block(
      join(
        sources.map((source) => grantOnSource(source, role)),
        "\n",
      ),
    ),
  );
}

function grantOnSource(source: Target, role: string): Sql {
  const relation = id(source.schema, source.name);
  const told = literal(`source ${targetKey(source)} does not exist yet: apply the roles again when it does`);
  return sql`
    if to_regclass(${sqlLiteral(relation)}) is null then
      raise warning '%', ${told};
    else
      grant usage on schema ${id(source.schema)} to ${id(role)};
      grant select on ${relation} to ${id(role)};
    end if;`;
}
