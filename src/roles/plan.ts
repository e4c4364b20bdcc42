import type { CompiledGraph } from "../model/graph.ts";
import { DUTIES, roleName } from "../model/roles.ts";
import { createSchemaOnce } from "../sql/ddl.ts";
import { id, ids } from "../sql/identifiers.ts";
import { literal } from "../sql/literals.ts";
import { scriptOf } from "../sql/message.ts";
import { PRIVATE_SCHEMA } from "../sql/names.ts";
import { lookUpLocally } from "../sql/session.ts";
import { empty, type Literal, type Sql, sql } from "../sql/sql.ts";
import { alterOwners, grantOnExisting } from "./objects.ts";
import { type RoleOptions, type RoleScope, type RoleStatement, roleScope } from "./scope.ts";
import { because, block, next, texts } from "./statements.ts";

/** Who may do what with the project's schemas: statements that can be sent again and then change nothing. */
export interface RolePlan {
  readonly version: 1;
  readonly prefix: string;
  /** Names, in the order of the duties. */
  readonly roles: readonly string[];
  readonly statements: readonly RoleStatement[];
}

/** The roles of least privilege for a project. Pure: the statements look at the database when they are sent. */
export function planRoles(graph: CompiledGraph, options: RoleOptions = {}): RolePlan {
  const scope = roleScope(graph, options);
  const { prefix } = scope;
  const roles = DUTIES.map((duty) => roleName(prefix, duty));
  return {
    version: 1,
    prefix,
    roles,
    statements: [
      ...makeRoles(roles, scope),
      ...openDatabase(roles, scope),
      ...makeSchemas(scope),
      ...alterOwners(scope),
      ...grantOnNew(scope),
      ...grantOnExisting(scope),
      ...boundReader(scope),
    ],
  };
}

function makeRoles(roles: readonly string[], { publisher }: RoleScope): RoleStatement[] {
  const names = texts(roles);
  return [
    because(
      "Groups without a login and without a password. They belong to the whole server, so they may be there.",
      block(
        sql`
          foreach role in array ${names} loop
            begin
              if not exists (select from pg_roles where rolname = role) then
                execute format('create role %I nologin', role);
              end if;
            exception when duplicate_object or unique_violation then
              null; -- another database makes them right now
            end;
          end loop;
          select string_agg(rolname, ', ') into role
          from pg_roles
          where rolname = any(${names})
            and (rolsuper or rolcreaterole or rolcreatedb or rolreplication or rolbypassrls);
          if role is not null then
            raise exception 'there is a role %, which may do more than a role of this name should', role
              using hint = 'choose another --prefix';
          end if;`,
        sql`role text;`,
      ),
    ),
    because(
      "An administrator who is no superuser makes things in the name of a role only as its member.",
      block(
        sql`
          if not (select rolsuper from pg_roles where rolname = current_user) then
            for role in
              select rolname from pg_roles where rolname = any(${names}) and not pg_has_role(current_user, oid, 'usage')
            loop
              execute format('grant %I to current_user', role);
            end loop;
          end if;`,
        sql`role text;`,
      ),
    ),
    because(
      "Before a release is published, transactions of others that began before its tables were filled are waited for.",
      block(sql`
        if not pg_has_role(${literal(publisher)}, 'pg_read_all_stats', 'member') then
          begin
            grant pg_read_all_stats to ${id(publisher)};
          exception when insufficient_privilege then
            raise warning 'a superuser must grant pg_read_all_stats to %: until then a run that waits for others cannot say since when', ${literal(publisher)};
          end;
        end if;`),
    ),
  ];
}

function openDatabase(roles: readonly string[], { builder, publisher }: RoleScope): RoleStatement[] {
  return [
    because(
      "One database has one set of roles: what is private can have one builder and one publisher only.",
      block(
        sql`
          select rolname into other
          from pg_namespace
          join pg_roles as r
            on r.oid = nspowner
          where nspname = ${literal(PRIVATE_SCHEMA)}
            and rolname ~ '_publisher$'
            and not rolcanlogin
            and rolname <> ${literal(publisher)};
          if other is not null then
            raise exception 'this database has its roles already: %', other
              using hint = '--prefix ' || regexp_replace(other, '_publisher$', '');
          end if;`,
        sql`other text;`,
      ),
    ),
    because(
      "By default everybody may make temporary tables, and so fill the disk. Only the author's SQL goes on doing so.",
      block(
        sql`
          execute format(${onDatabase(sql`grant connect`, sql`to ${ids(roles)}`)}, current_database());
          execute format(${onDatabase(sql`revoke temporary`, sql`from public`)}, current_database());
          execute format(${onDatabase(sql`grant temporary`, sql`to ${id(builder)}`)}, current_database());`,
      ),
    ),
    because(
      "In a database that comes from PostgreSQL 14 or older everybody may make tables in schema public.",
      block(sql`
        if exists (
          select from pg_namespace, aclexplode(nspacl)
          where nspname = 'public' and grantee = 0 and privilege_type = 'CREATE'
        ) then
          revoke create on schema public from public;
        end if;`),
    ),
  ];
}

/** The format of a statement about the database, whose name is known when it is sent. */
function onDatabase(what: Sql, whom: Sql): Literal {
  const escaped = (part: Sql) => part.toString().replaceAll("%", "%%");
  return literal(`${escaped(what)} on database %I ${escaped(whom)}`);
}

function makeSchemas(scope: RoleScope): RoleStatement[] {
  const { loader, builder, publisher, reader, server } = namesOf(scope);
  const makers = new Set(scope.outputs.map(({ schema }) => schema));
  const hidden = scope.publicSchemas.filter((schema) => !scope.readerSchemas.includes(schema));
  const own = id(PRIVATE_SCHEMA);
  return [
    ...scope.rawSchemas.flatMap((schema, index) => [
      because(
        index ? "" : "Raw data: the loader lands it, the builder reads it.",
        createSchemaOnce(schema, scope.loader),
      ),
      next(sql`grant usage, create on schema ${id(schema)} to ${loader}`),
      next(sql`grant usage on schema ${id(schema)} to ${builder}`),
    ]),
    because(
      "Private: what is built belongs to the builder, the record of releases and runs to the publisher.",
      createSchemaOnce(PRIVATE_SCHEMA, scope.publisher),
    ),
    next(sql`alter schema ${own} owner to ${publisher}`),
    next(sql`grant usage, create on schema ${own} to ${builder}`),
    next(sql`grant usage on schema ${own} to ${server}`),
    ...scope.publicSchemas.flatMap((schema, index) => [
      because(
        index ? "" : "Published: the publisher's views, and what operations of the builder make.",
        createSchemaOnce(schema, scope.publisher),
      ),
      next(sql`grant usage, create on schema ${id(schema)} to ${publisher}`),
      // Operations run as the builder and read public names; those that make a relation make it here.
      next(sql`grant usage${makers.has(schema) ? sql`, create` : empty} on schema ${id(schema)} to ${builder}`),
      next(sql`grant usage on schema ${id(schema)} to ${server}`),
    ]),
    ...scope.readerSchemas.map((schema) => next(sql`grant usage on schema ${id(schema)} to ${reader}`)),
    ...hidden.map((schema) => next(sql`revoke all on schema ${id(schema)} from ${reader}`)),
  ];
}

function namesOf({ loader, builder, publisher, reader, server }: RoleScope) {
  return { loader: id(loader), builder: id(builder), publisher: id(publisher), reader: id(reader), server: id(server) };
}

/** What the roles will make. A default privilege holds for objects of the role named and of no other. */
function grantOnNew(scope: RoleScope): RoleStatement[] {
  const { loader, builder, publisher, reader, server } = scope;
  const makers = new Set(scope.outputs.map(({ schema }) => schema));
  const grant = (owner: string, schema: string, role: string) =>
    sql`${defaults(owner, schema)} grant select on tables to ${id(role)}`;
  const revoke = (owner: string, schema: string) =>
    sql`${defaults(owner, schema)} revoke select on tables from ${id(reader)}`;
  return [
    because(
      "What is made later is readable at once: private objects for the publisher, whose views stand on them, and for the server, which answers from them; raw tables and published views for the builder; published views for readers and the server.",
      grant(builder, PRIVATE_SCHEMA, publisher),
    ),
    next(grant(builder, PRIVATE_SCHEMA, server)),
    ...scope.rawSchemas.map((schema) => next(grant(loader, schema, builder))),
    ...scope.publicSchemas.flatMap((schema) => [
      next(grant(publisher, schema, builder)),
      ...[publisher, ...(makers.has(schema) ? [builder] : [])].map((owner) =>
        next(scope.readerSchemas.includes(schema) ? grant(owner, schema, reader) : revoke(owner, schema)),
      ),
      ...[publisher, ...(makers.has(schema) ? [builder] : [])].map((owner) => next(grant(owner, schema, server))),
    ]),
  ];
}

function defaults(owner: string, schema: string): Sql {
  return sql`alter default privileges for role ${id(owner)} in schema ${id(schema)}`;
}

/** What a user who only reads should be bound by. Settings are not inherited: each login needs them itself. */
const READER_SETTINGS = {
  default_transaction_read_only: "on",
  statement_timeout: "5s",
  lock_timeout: "1s",
  idle_in_transaction_session_timeout: "5s",
};

function bounds(role: string): Sql[] {
  return Object.entries(READER_SETTINGS).map(
    ([name, value]) => sql`alter role ${id(role)} set ${id(name)} = ${literal(value)}`,
  );
}

function boundReader({ reader }: RoleScope): RoleStatement[] {
  const [first, ...others] = bounds(reader);
  return [
    because("For logins that are this role itself. Members do not inherit settings: see the end.", first!),
    ...others.map(next),
  ];
}

/** The statements as a script for an administrator, and how to give people a login. */
export function renderRoles({ prefix, statements }: RolePlan): string {
  return [
    "begin;",
    `${sql`set local lock_timeout = '5s'`};`,
    "-- So that nothing that others made is taken for a function or an operator of PostgreSQL.",
    `${lookUpLocally("ours")};`,
    ...statements.flatMap((one) => [...(one.why ? ["", `-- ${one.why}`] : []), ...scriptOf([one])]),
    "",
    "commit;",
    "",
    "-- To log in, make users members. Set passwords with \\password in psql, so that they are in no file and no log.",
    `--   ${sql`create role build login noinherit in role ${id(roleName(prefix, "builder"))}`}; -- DATABASE_URL of dataform run --roles ${prefix}`,
    `--   ${sql`create role publish login noinherit in role ${id(roleName(prefix, "publisher"))}`}; -- and its DATAFORM_PUBLISHER_URL`,
    `--   ${sql`create role ingest login noinherit in role ${id(roleName(prefix, "loader"))}`}; -- dataform ingest --roles ${prefix}`,
    `--   ${sql`create role serve login noinherit in role ${id(roleName(prefix, "server"))}`}; -- dataform serve --no-site --roles ${prefix}`,
    `--   ${sql`create role bi login connection limit 20 in role ${id(roleName(prefix, "reader"))}`};`,
    "-- A login does not inherit the settings of its groups. People who explore need longer times than services:",
    ...bounds("bi").map((setting) => `--   ${setting};`),
  ].join("\n");
}
