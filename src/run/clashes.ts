import { expression } from "../sql/authored.ts";
import { id } from "../sql/identifiers.ts";
import { literal } from "../sql/literals.ts";
import { privateId } from "../sql/names.ts";
import { empty, type Sql, sql } from "../sql/sql.ts";
import type { Refusal } from "./refusals.ts";

const TABLE = "a condition of the table";

/** Where an exclusion could set more new rows than this against each other, they are not compared pair by pair. */
const CROWD = 100;

/**
 * For each index of which no two rows may be alike: the question whether a new row is like another one, or like a row of the
 * table that stays. What has NULL in its key stays, as far as is asked here.
 * @param few whether the new rows are so few that each is looked up by the index in question
 */
export function clashes(storage: string, delta: string, all: readonly Refusal[], few: boolean): Sql[] {
  const key = all.find(({ kind }) => kind === "key");
  return all
    .filter(({ kind }) => kind === "alike")
    .map((index) => {
      const ours = rowsOf(delta, index);
      const theirs = rowsOf(storage, index, key);
      const alike = written(index.alike!);
      // Counted: asked whether there is any, the planner expects to find one soon.
      return sql`
        select
          ${crowded(ours, index)}
          or (select count(*) > 0 from (${ours}) as a inner join (${ours}) as b on ${alike} and a.place <> b.place)
          or (
            select count(*) > 0
            from (${ours}) as a
            ${few ? sql`cross join lateral (select * from (${theirs}) as b where ${alike} offset 0) as b` : sql`inner join (${theirs}) as b on ${alike}`}
            ${key ? sql`where not exists (select from (${keysOf(delta, key)}) as a where ${written(key.alike!)})` : empty}
          ) as refused`;
    });
}

/** What an index holds of a table: c1, c2 … and where it is; with a key, that too, as k1, k2 … */
function rowsOf(table: string, index: Refusal, key?: Refusal): Sql {
  return sql`
    select ${[...called("c", index), ...(key ? called("k", key) : []), sql`ctid as place`]}
    from ${privateId(table)}
    ${index.condition === null ? empty : sql`where ${condition(index)}`}`;
}

function keysOf(table: string, key: Refusal): Sql {
  return sql`select ${called("c", key)} from ${privateId(table)}`;
}

function called(letter: string, index: Refusal): Sql[] {
  return computed(index).map((value, place) => sql`${value} as ${id(`${letter}${place + 1}`)}`);
}

function crowded(rows: Sql, { equal }: Refusal): Sql {
  if (equal === null) return sql`false`;
  const same = (JSON.parse(equal) as number[]).map((place) => id(`c${place}`));
  return sql`exists (select from (${rows}) as a group by ${same} having count(*) > ${literal(CROWD)})`;
}

/** The columns and expressions of an index, as the server spells them. */
export function computed({ columns }: Refusal): Sql[] {
  return (JSON.parse(columns ?? "[]") as string[]).map(written);
}

export function condition(refusal: Refusal): Sql {
  return written(refusal.condition ?? "true");
}

function written(text: string): Sql {
  return expression(text, TABLE);
}
