import { type Target, targetKey } from "../model/target.ts";
import type { Client } from "../postgres/client.ts";
import { literal } from "../sql/literals.ts";
import { PRIVATE_SCHEMA, setAside } from "../sql/names.ts";
import { type Sql, sql } from "../sql/sql.ts";

/** What stood under a model's name before it was adopted. */
export interface SetAside {
  readonly target: Target;
  /** Its name in schema `_dataform`. */
  readonly aside: string;
  readonly kind: string;
}

/** Of the models, and of those that were retired from the environment; of each the newest first. */
export async function readSetAside(
  client: Client,
  environment: string,
  models: readonly Target[],
): Promise<SetAside[]> {
  const { rows } = await client.query<Record<"former" | "retired", string>>(
    sql`select to_jsonb(former_names || name) as former, set_aside as retired from _dataform.environment where name = $1`,
    [environment],
  );
  const { rows: names } = await client.query<{ name: string; kind: string }>(
    sql`
      select relname as name,
        case relkind when 'v' then 'view' when 'm' then 'materialized view' when 'f' then 'foreign table' else 'table' end as kind
      from pg_class
      where relnamespace = to_regnamespace($1)`,
    [PRIVATE_SCHEMA],
  );
  const kinds = new Map(names.map(({ name, kind }) => [name, kind]));
  const former = JSON.parse(rows[0]!.former) as string[];
  const retired = JSON.parse(rows[0]!.retired) as Pick<SetAside, "target" | "aside">[];
  const found = models.flatMap((target) =>
    setAside(former, target, [...kinds.keys()]).map((aside) => ({ target, aside })),
  );
  const known = new Set(found.map(({ aside }) => aside));
  const others = new Map(retired.reverse().flatMap((one) => (known.has(one.aside) ? [] : [[one.aside, one] as const])));
  return [...found, ...others.values()].flatMap((one) => {
    const kind = kinds.get(one.aside);
    return kind === undefined ? [] : [{ ...one, kind }];
  });
}

/** Remembers it with the environment, once no release says any more whose it was. */
export function rememberSetAside(environment: string, all: readonly SetAside[]): Sql {
  const told = literal(JSON.stringify(all.map(({ target, aside }) => ({ target, aside }))));
  return sql`
    update _dataform.environment
    set set_aside = set_aside operator(pg_catalog.||) ${told}::jsonb
    where name = ${literal(environment)}`;
}

/** In words. */
export function asideNote({ target, aside, kind }: SetAside): string {
  return `${targetKey(target)}: the ${kind} whose place it took stays in ${PRIVATE_SCHEMA}.${aside} until you drop it, or \`env drop\` gives it its name back`;
}
