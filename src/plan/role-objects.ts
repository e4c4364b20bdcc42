import type { Target } from "../model/target.ts";
import { quoteIdentifier, quoteLiteral } from "../sql/identifiers.ts";
import { PRIVATE_SCHEMA } from "../sql/names.ts";
import { dollarQuote } from "../sql/statements.ts";
import type { RoleScope, RoleStatement } from "./role-scope.ts";

const text = (values: readonly string[]) => `array[${values.map(quoteLiteral).join(", ")}]::text[]`;
const pairs = (targets: readonly Target[]) =>
  targets.map(({ schema, name }) => `(${quoteLiteral(schema)}, ${quoteLiteral(name)})`).join(", ");

/** Private names end with a hash, a release number and sometimes a letter; what else is there is our own record. */
const PRIVATE_NAME = "_[0-9a-f]{10}_[0-9]+[a-z]?$";

/**
 * Gives the roles what earlier runs and loads made as somebody else. Only what this program made, and only where the
 * owner differs: changing an owner locks readers out for a moment.
 */
export function alterOwners(scope: RoleScope): RoleStatement[] {
  const { rawSchemas, publicSchemas, outputs } = scope;
  const [loader, builder, publisher] = [scope.loader, scope.builder, scope.publisher].map(quoteLiteral);
  const outputOwner = outputs.length
    ? `\n        when c.relkind <> 'S' and (n.nspname, c.relname) in (${pairs(outputs)}) then ${builder}`
    : "";
  const body = `declare item record;
begin
  for item in
    select made.oid::regclass as relation, made.owner
    from (
      select c.oid, c.relowner, case
        when n.nspname = '${PRIVATE_SCHEMA}' and c.relkind = 'r' and c.relname !~ '${PRIVATE_NAME}' then ${publisher}
        when n.nspname = '${PRIVATE_SCHEMA}' and obj_description(c.oid, 'pg_class') like '{"environment":%' then ${builder}
        when n.nspname = any(${text(publicSchemas)}) and c.relkind = 'v' and exists (
          select from pg_rewrite w
          join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = w.oid and d.refclassid = 'pg_class'::regclass
          join pg_class p on p.oid = d.refobjid join pg_namespace s on s.oid = p.relnamespace
          where w.ev_class = c.oid and s.nspname = '${PRIVATE_SCHEMA}'
        ) then ${publisher}${outputOwner}
        when n.nspname = any(${text(rawSchemas)}) and c.relkind in ('r', 'p') and (c.relname in ('_load', '_rejected', '_file', '_drift') or exists (
          select from pg_attribute a where a.attrelid = c.oid and a.attname = '_load_id' and not a.attisdropped
        )) then ${loader}
      end as owner
      from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where c.relkind in ('r', 'v', 'm', 'f', 'p')
    ) made
    where made.owner is not null and pg_get_userbyid(made.relowner) <> made.owner
    order by made.oid
  loop
    execute format('alter table %s owner to %I', item.relation, item.owner);
  end loop;
end`;
  return [
    {
      why: "What earlier runs and loads made as another user changes its owner.",
      sql: `do ${dollarQuote(body, "roles")}`,
    },
  ];
}

/** The same rights on what is there as on what will be made. */
export function grantOnExisting(scope: RoleScope): RoleStatement[] {
  const { rawSchemas, publicSchemas, readerSchemas, sources } = scope;
  const [builder, publisher, reader] = [scope.builder, scope.publisher, scope.reader].map(quoteIdentifier);
  const owned = (role: string) => `c.relowner = ${quoteLiteral(quoteIdentifier(role))}::regrole`;
  const body = `declare item record;
begin
  for item in
    select c.oid::regclass as relation, n.nspname = '${PRIVATE_SCHEMA}' as private, n.nspname = any(${text(readerSchemas)}) as readable
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'v', 'm', 'f', 'p') and (
      n.nspname = '${PRIVATE_SCHEMA}' and ${owned(scope.builder)}
      or n.nspname = any(${text(publicSchemas)}) and (${owned(scope.builder)} or ${owned(scope.publisher)})
    )
  loop
    if item.private then
      execute format('grant select on %s to ${publisher}', item.relation);
    else
      execute format('grant select on %s to ${builder}', item.relation);
      execute format(case when item.readable then 'grant select on %s to ${reader}' else 'revoke all on %s from ${reader}' end, item.relation);
    end if;
  end loop;
end`;
  return [
    { why: "The same on what is there already.", sql: `do ${dollarQuote(body, "roles")}` },
    ...rawSchemas.map((schema) => ({
      why: "",
      sql: `grant select on all tables in schema ${quoteIdentifier(schema)} to ${builder}`,
    })),
    ...(sources.length ? [grantOnSources(sources, builder!)] : []),
  ];
}

/** Declared relations that others fill. One that is not there yet is told, and granted when this is sent again. */
function grantOnSources(sources: readonly Target[], builder: string): RoleStatement {
  const body = `declare item record;
begin
  for item in select * from (values ${pairs(sources)}) as declared (schema, name) loop
    if to_regclass(format('%I.%I', item.schema, item.name)) is null then
      raise warning 'source %.% does not exist yet: apply the roles again when it does', item.schema, item.name;
    else
      execute format('grant usage on schema %I to ${builder}', item.schema);
      execute format('grant select on %I.%I to ${builder}', item.schema, item.name);
    end if;
  end loop;
end`;
  return {
    why: "Declared sources that others fill: the builder reads these and nothing else of theirs.",
    sql: `do ${dollarQuote(body, "roles")}`,
  };
}
