import type { CompiledGraph } from "../model/graph.ts";
import { DUTIES, roleName } from "../model/roles.ts";
import { quoteIdentifier, quoteLiteral } from "../sql/identifiers.ts";
import { PRIVATE_SCHEMA } from "../sql/names.ts";
import { createSchemaOnce, dollarQuote } from "../sql/statements.ts";
import { alterOwners, grantOnExisting } from "./role-objects.ts";
import { type RoleOptions, type RoleScope, type RoleStatement, roleScope } from "./role-scope.ts";

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
  const names = `array[${roles.map(quoteLiteral).join(", ")}]`;
  return [
    {
      why: "Groups without a login and without a password. They belong to the whole server, so they may be there.",
      sql: block(
        `foreach role in array ${names} loop
    begin
      if not exists (select from pg_roles where rolname = role) then execute format('create role %I nologin', role); end if;
    exception when duplicate_object or unique_violation then null; -- another database makes them right now
    end;
  end loop;
  select string_agg(rolname, ', ') into role from pg_roles
  where rolname = any(${names}) and (rolsuper or rolcreaterole or rolcreatedb or rolreplication or rolbypassrls);
  if role is not null then
    raise exception 'there is a role %, which may do more than a role of this name should', role using hint = 'choose another --prefix';
  end if;`,
        "role text;",
      ),
    },
    {
      why: "An administrator who is no superuser makes things in the name of a role only as its member.",
      sql: block(
        `if not (select rolsuper from pg_roles where rolname = current_user) then
    for role in select rolname from pg_roles where rolname = any(${names}) and not pg_has_role(current_user, oid, 'usage') loop
      execute format('grant %I to current_user', role);
    end loop;
  end if;`,
        "role text;",
      ),
    },
    {
      why: "Before a release is published, transactions of others that began before its tables were filled are waited for.",
      sql: block(
        `if not pg_has_role(${quoteLiteral(publisher)}, 'pg_read_all_stats', 'member') then
    begin
      grant pg_read_all_stats to ${quoteIdentifier(publisher)};
    exception when insufficient_privilege then
      raise warning 'a superuser must grant pg_read_all_stats to %: until then a release does not wait for old snapshots', ${quoteLiteral(publisher)};
    end;
  end if;`,
      ),
    },
  ];
}

function openDatabase(roles: readonly string[], { builder, publisher }: RoleScope): RoleStatement[] {
  return [
    {
      why: "One database has one set of roles: what is private can have one builder and one publisher only.",
      sql: block(
        `select rolname into other from pg_namespace join pg_roles r on r.oid = nspowner
  where nspname = ${quoteLiteral(PRIVATE_SCHEMA)} and rolname ~ '_publisher$' and not rolcanlogin and rolname <> ${quoteLiteral(publisher)};
  if other is not null then
    raise exception 'this database has its roles already: %', other using hint = '--prefix ' || regexp_replace(other, '_publisher$', '');
  end if;`,
        "other text;",
      ),
    },
    {
      why: "By default everybody may make temporary tables, and so fill the disk. Only the author's SQL goes on doing so.",
      sql: block(
        `execute 'grant connect on database ' || base || ' to ${roles.map(quoteIdentifier).join(", ")}';
  execute 'revoke temporary on database ' || base || ' from public';
  execute 'grant temporary on database ' || base || ' to ${quoteIdentifier(builder)}';`,
        "base text := quote_ident(current_database());",
      ),
    },
    {
      why: "In a database that comes from PostgreSQL 14 or older everybody may make tables in schema public.",
      sql: block(
        `if exists (select from pg_namespace, aclexplode(nspacl) where nspname = 'public' and grantee = 0 and privilege_type = 'CREATE') then
    revoke create on schema public from public;
  end if;`,
      ),
    },
  ];
}

function makeSchemas(scope: RoleScope): RoleStatement[] {
  const [loader, builder, publisher, reader] = quoted(scope);
  const makers = new Set(scope.outputs.map(({ schema }) => schema));
  const hidden = scope.publicSchemas.filter((schema) => !scope.readerSchemas.includes(schema));
  const own = quoteIdentifier(PRIVATE_SCHEMA);
  return [
    ...scope.rawSchemas.flatMap((schema, index) => [
      {
        why: index ? "" : "Raw data: the loader lands it, the builder reads it.",
        sql: createSchemaOnce(schema, scope.loader).toString(),
      },
      plain(`grant usage, create on schema ${quoteIdentifier(schema)} to ${loader}`),
      plain(`grant usage on schema ${quoteIdentifier(schema)} to ${builder}`),
    ]),
    {
      why: "Private: what is built belongs to the builder, the record of releases and runs to the publisher.",
      sql: createSchemaOnce(PRIVATE_SCHEMA, scope.publisher).toString(),
    },
    plain(`alter schema ${own} owner to ${publisher}`),
    plain(`grant usage, create on schema ${own} to ${builder}`),
    ...scope.publicSchemas.flatMap((schema, index) => [
      {
        why: index ? "" : "Published: the publisher's views, and what operations of the builder make.",
        sql: createSchemaOnce(schema, scope.publisher).toString(),
      },
      plain(`grant usage, create on schema ${quoteIdentifier(schema)} to ${publisher}`),
      // Operations run as the builder and read public names; those that make a relation make it here.
      plain(`grant usage${makers.has(schema) ? ", create" : ""} on schema ${quoteIdentifier(schema)} to ${builder}`),
    ]),
    ...scope.readerSchemas.map((schema) => plain(`grant usage on schema ${quoteIdentifier(schema)} to ${reader}`)),
    ...hidden.map((schema) => plain(`revoke all on schema ${quoteIdentifier(schema)} from ${reader}`)),
  ];
}

/** What the roles will make. A default privilege holds for objects of the role named and of no other. */
function grantOnNew(scope: RoleScope): RoleStatement[] {
  const { loader, builder, publisher, reader } = scope;
  const makers = new Set(scope.outputs.map(({ schema }) => schema));
  const give = (owner: string, schema: string, role: string) =>
    plain(`${defaults(owner, schema)} grant select on tables to ${quoteIdentifier(role)}`);
  const take = (owner: string, schema: string) =>
    plain(`${defaults(owner, schema)} revoke select on tables from ${quoteIdentifier(reader)}`);
  const first = give(builder, PRIVATE_SCHEMA, publisher);
  return [
    {
      ...first,
      why: "What is made later is readable at once: private objects for the publisher, whose views stand on them; raw tables and published views for the builder; published views for readers.",
    },
    ...scope.rawSchemas.map((schema) => give(loader, schema, builder)),
    ...scope.publicSchemas.flatMap((schema) => [
      give(publisher, schema, builder),
      ...[publisher, ...(makers.has(schema) ? [builder] : [])].map((owner) =>
        scope.readerSchemas.includes(schema) ? give(owner, schema, reader) : take(owner, schema),
      ),
    ]),
  ];
}

function defaults(owner: string, schema: string): string {
  return `alter default privileges for role ${quoteIdentifier(owner)} in schema ${quoteIdentifier(schema)}`;
}

/** What a user who only reads should be bound by. Settings are not inherited: each login needs them itself. */
export const READER_SETTINGS: Readonly<Record<string, string>> = {
  default_transaction_read_only: "on",
  statement_timeout: "'5s'",
  lock_timeout: "'1s'",
  idle_in_transaction_session_timeout: "'5s'",
};

function boundReader({ reader }: RoleScope): RoleStatement[] {
  const [first, ...others] = Object.entries(READER_SETTINGS).map(([name, value]) =>
    plain(`alter role ${quoteIdentifier(reader)} set ${name} = ${value}`),
  );
  return [
    { ...first!, why: "For logins that are this role itself. Members do not inherit settings: see the end." },
    ...others,
  ];
}

/** A statement that the one before explains. */
function plain(sql: string): RoleStatement {
  return { why: "", sql };
}

function block(body: string, declare = ""): string {
  return `do ${dollarQuote(`${declare ? `declare ${declare}\n` : ""}begin\n  ${body}\nend`, "roles")}`;
}

function quoted({ loader, builder, publisher, reader }: RoleScope): [string, string, string, string] {
  return [quoteIdentifier(loader), quoteIdentifier(builder), quoteIdentifier(publisher), quoteIdentifier(reader)];
}

/** The statements as a script for an administrator, and how to give people a login. */
export function renderRoles({ prefix, statements }: RolePlan): string {
  const settings = Object.entries(READER_SETTINGS).map(([name, value]) => `--   alter role bi set ${name} = ${value};`);
  return [
    "begin;",
    "set local lock_timeout = '5s';",
    ...statements.flatMap(({ why, sql }) => [...(why ? ["", `-- ${why}`] : []), `${sql};`]),
    "",
    "commit;",
    "",
    "-- To log in, make users members. Set passwords with \\password in psql, so that they are in no file and no log.",
    `--   create role etl login noinherit in role ${roleName(prefix, "builder")}, ${roleName(prefix, "publisher")}; -- dataform run --roles ${prefix}`,
    `--   create role ingest login noinherit in role ${roleName(prefix, "loader")}; -- dataform ingest --roles ${prefix}`,
    `--   create role bi login connection limit 20 in role ${roleName(prefix, "reader")};`,
    "-- A login does not inherit the settings of its groups. People who explore need longer times than services:",
    ...settings,
  ].join("\n");
}
