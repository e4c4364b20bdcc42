import { type Sql, sql } from "../sql/sql.ts";

// What others put on a relation, as pieces of catalog queries over `pg_class c`, each one jsonb value. Most relations have
// nothing of it but what `bareOf` tells: `hasRights`, `isReferredTo` and `hasParts` ask for little, and say
// whether the rest is worth a query.

const CURRENT_ROLE = sql`quote_ident(current_user)::regrole`;

/** Rights on the relation and on its columns. Those that were given on by somebody else than the owner say by whom. */
export const grantsOf = sql`(
  select coalesce(jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
    'grantee', case when g.grantee = 0 then 'PUBLIC' else pg_get_userbyid(g.grantee) end,
    'privilege', g.privilege_type,
    'grantable', g.is_grantable,
    'column', g.attname,
    'by', case when g.grantor <> c.relowner then pg_get_userbyid(g.grantor) end))), '[]')
  from (
    select null::name as attname, x.* from aclexplode(c.relacl) x
    union all
    select a.attname, x.* from pg_attribute a, aclexplode(a.attacl) x
    where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
  ) g
  where g.grantee <> c.relowner)`;

/** The columns of the relation that one of its own triggers or rules needs. */
const columnsNeededBy = (catalog: Sql, oid: Sql): Sql => sql`(
  select coalesce(jsonb_agg(distinct a.attname), '[]')
  from pg_depend d join pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
  where d.classid = ${catalog} and d.objid = ${oid} and d.refclassid = 'pg_class'::regclass and d.refobjid = c.oid
    and d.refobjsubid > 0)`;

/** Whether it names what is in a schema that this session may not look into, or leaves with an extension. */
const isOutOfReach = (catalog: Sql, oid: Sql): Sql => sql`exists (
  select from pg_depend d, pg_identify_object(d.refclassid, d.refobjid, d.refobjsubid) o
  where d.classid = ${catalog} and d.objid = ${oid}
    and (d.deptype in ('e', 'x') or o.schema is not null and not has_schema_privilege(o.schema, 'usage')))`;

const TRIGGERS = sql`'pg_trigger'::regclass`;
const RULES = sql`'pg_rewrite'::regclass`;
const DEFAULTS = sql`'pg_attrdef'::regclass`;

const triggers = sql`pg_trigger t where t.tgrelid = c.oid and not t.tgisinternal`;
const rules = sql`pg_rewrite r where r.ev_class = c.oid and r.rulename <> '_RETURN'`;
const defaults = sql`pg_attrdef f join pg_attribute a on a.attrelid = f.adrelid and a.attnum = f.adnum where f.adrelid = c.oid`;

const triggersAndRulesOf = sql`(
  select coalesce(jsonb_agg(jsonb_strip_nulls(p.part)), '[]') from (
    select jsonb_build_object(
      'kind', 'trigger', 'name', t.tgname, 'definition', pg_get_triggerdef(t.oid),
      'columns', ${columnsNeededBy(TRIGGERS, sql`t.oid`)}, 'comment', obj_description(t.oid, 'pg_trigger')
    ) as part from ${triggers}
    union all
    select jsonb_build_object(
      'kind', 'rule', 'name', r.rulename, 'definition', pg_get_ruledef(r.oid),
      'columns', ${columnsNeededBy(RULES, sql`r.oid`)}, 'comment', obj_description(r.oid, 'pg_rewrite')
    ) from ${rules}
  ) p)`;

/** What a relation that takes this one's place could not be given, in words. */
const fixedOf = sql`(
  select coalesce(jsonb_agg(x.what order by x.what), '[]') from (
    select 'owner ' || pg_get_userbyid(c.relowner) as what
    where c.relowner <> ${CURRENT_ROLE} and not (select rolsuper from pg_roles where rolname = current_user)
      and not (pg_has_role(c.relowner, 'usage') and has_schema_privilege(c.relowner, c.relnamespace, 'create'))
    union all
    select 'security label of ' || l.provider from pg_seclabel l
    where l.classoid = 'pg_class'::regclass and l.objoid = c.oid
    union all
    select 'extension ' || e.extname from pg_depend d join pg_extension e on e.oid = d.refobjid
    where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e'
    union all
    select 'rights or comment on type ' || y.typname from pg_type y
    where y.oid = c.reltype and (y.typacl is not null or obj_description(y.oid, 'pg_type') is not null)
    union all
    select 'index ' || i.indexrelid::regclass from pg_index i where i.indrelid = c.oid and c.relkind in ('r', 'p')
    union all
    select 'constraint ' || k.conname from pg_constraint k
    where k.conrelid = c.oid and k.contype in ('c', 'f') and c.relkind in ('r', 'p')
    union all
    select 'trigger ' || t.tgname from ${triggers} and (
      t.tgenabled <> 'O' or not has_function_privilege(t.tgfoid, 'execute') or ${isOutOfReach(TRIGGERS, sql`t.oid`)})
    union all
    select 'rule ' || r.rulename from ${rules} and (r.ev_enabled <> 'O' or ${isOutOfReach(RULES, sql`r.oid`)})
    union all
    select 'default of ' || a.attname from ${defaults} and ${isOutOfReach(DEFAULTS, sql`f.oid`)}
    union all
    select pg_describe_object(d.classid, d.objid, d.objsubid) from pg_depend d
    where d.refclassid = 'pg_class'::regclass and d.refobjid = c.oid and d.deptype = 'a'
      and d.classid not in (${TRIGGERS}, ${RULES}, ${DEFAULTS}, 'pg_constraint'::regclass, 'pg_class'::regclass)
    union all
    select 'state, tablespace or statistics targets' where c.relkind = 'm' and (
      not c.relispopulated or c.reltablespace <> 0 or exists (
        select from pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and coalesce(a.attstattarget, -1) <> -1))
    union all
    select 'comment or tablespace of index ' || i.relname
    from pg_index x join pg_class i on i.oid = x.indexrelid
    where x.indrelid = c.oid and c.relkind = 'm'
      and (x.indisclustered or i.reltablespace <> 0 or obj_description(i.oid, 'pg_class') is not null)
  ) x)`;

/** What every relation has. */
export const bareOf = sql`jsonb_build_object(
  'owner', pg_get_userbyid(c.relowner),
  'outOfReach', not pg_has_role(c.relowner, 'usage'),
  'options', to_jsonb(coalesce(c.reloptions, '{}')),
  'comments', (
    select coalesce(jsonb_object_agg(coalesce(a.attname, ''), d.description), '{}')
    from pg_description d left join pg_attribute a on a.attrelid = d.objoid and a.attnum = d.objsubid and d.objsubid > 0
    where d.classoid = 'pg_class'::regclass and d.objoid = c.oid))`;

const isOfOurDefaults = sql`p.defaclobjtype = 'r' and p.defaclrole = ${CURRENT_ROLE} and p.defaclnamespace in (0, c.relnamespace)`;

export const rightsOf = sql`jsonb_build_object(
  'grants', ${grantsOf},
  'ownerLacks', (
    select coalesce(jsonb_agg(o.privilege_type), '[]') from aclexplode(acldefault('r', c.relowner)) o
    where c.relacl is not null and not exists (
      select from aclexplode(c.relacl) g where g.grantee = c.relowner and g.privilege_type = o.privilege_type)),
  'grantedByDefault', (
    select coalesce(jsonb_agg(distinct coalesce(pg_get_userbyid(nullif(g.grantee, 0)), 'PUBLIC')), '[]')
    from pg_default_acl p, aclexplode(p.defaclacl) g
    where ${isOfOurDefaults} and g.grantee <> p.defaclrole))`;

/** Whether anybody was given a right on it, or lost one. */
export const hasGrants = sql`(c.relacl is not null or exists (
  select from pg_attribute a where a.attrelid = c.oid and a.attacl is not null))`;

/** Whether `rightsOf` may find any. */
export const hasRights = sql`(${hasGrants} or exists (select from pg_default_acl p where ${isOfOurDefaults}))`;

export const partsOf = sql`jsonb_build_object(
  'defaults', (
    select coalesce(jsonb_object_agg(a.attname, pg_get_expr(f.adbin, f.adrelid)), '{}') from ${defaults}),
  'parts', ${triggersAndRulesOf},
  'fixed', ${fixedOf})`;

/** Whether anything refers to it, its row type or the array of that, other than what a view is made of. */
export const isReferredTo = sql`(
  exists (
    select from pg_depend d
    where d.refclassid = 'pg_class'::regclass and d.refobjid = c.oid and d.deptype <> 'i' and (
      d.classid <> ${RULES} or d.objid is distinct from (
        select w.oid from pg_rewrite w where w.ev_class = c.oid and w.rulename = '_RETURN')))
  or exists (
    select from pg_depend d
    where d.refclassid = 'pg_type'::regclass and d.deptype <> 'i'
      and d.refobjid in (c.reltype, (select t.typarray from pg_type t where t.oid = c.reltype))))`;

/** Whether `partsOf` may find any, though `isReferredTo` says no: triggers, rules and defaults refer to their view. */
export const hasParts = sql`(
  c.relkind <> 'v' or pg_get_userbyid(c.relowner) <> current_user
  or exists (select from pg_seclabel l where l.classoid = 'pg_class'::regclass and l.objoid = c.oid)
  or exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')
  or exists (select from pg_type y where y.oid = c.reltype and y.typacl is not null)
  or exists (select from pg_description d where d.classoid = 'pg_type'::regclass and d.objoid = c.reltype))`;

/** All of it: `Attachments`. */
export const attachmentsOf = sql`(${bareOf} || ${rightsOf} || ${partsOf})`;
