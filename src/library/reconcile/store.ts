import { type Cte, cte, withCtes } from "../../sql/ctes.ts";
import { id } from "../../sql/identifiers.ts";
import { and, join, type Sql, sql } from "../../sql/sql.ts";
import { own } from "../shared/check-options.ts";
import { outcomes, outcomesOfEqual } from "./compare.ts";
import { type Comparison, idOfSide, SIDES, type Side } from "./options.ts";
import { rowNo } from "./passing.ts";
import { asJson, isKey, keptColumns, keyList, rowHash, sidesOf } from "./sides.ts";
import { imports } from "./sources.ts";
import { areComparable, isCompared, typesOf } from "./types.ts";

/** The relations that are compared. */
export type Relations = Readonly<Record<Side, Sql>>;

const hasKey = own("has_key");
const keyHash = own("key_hash");
/** Rows of one side with the key. */
const count = "_dataform_count";
const isSame = own("is_same");
const areSingle = own("are_single");

/**
 * One row per key, and one per row without a key, as small as it can be: of two rows with the same values no more than the
 * checksum and figures of ours. `rowResults` makes the columns that people read of it.
 *
 * A full join over keys that no side has twice, and over rows without a key. Keys that a side has more than once are found by
 * a 64-bit hash before, which costs a third of grouping the rows, and are grouped apart from the others. A side that is said
 * to have none is not searched: were there one, it would have several results, which a unique index of the keys refuses.
 */
export function storeOf(comparison: Comparison, relations: Relations): Sql {
  const searched = SIDES.filter((side) => !comparison.unique.includes(side));
  const ctes: Cte[] = [
    ...imports(relations),
    ...typesOf(comparison),
    ...sidesOf(comparison),
    ...(searched.length ? [repeated(searched)] : []),
    cte(
      "single_pairs",
      pairs(comparison, (side) => single(side, searched.length > 0), [sql`ours.${hasKey}`]),
    ),
    cte("single_keys", results(comparison, sql`single_pairs`)),
    ...(searched.length ? repeatedKeys(comparison) : []),
    cte(
      "results",
      searched.length
        ? sql`
      select * from single_keys
      union all
      select * from repeated_keys`
        : sql`select * from single_keys`,
    ),
  ];
  return withCtes(
    ctes,
    sql`
    select *${comparison.passes.length ? sql`, row_number() over () as ${rowNo}` : sql``} from results
    ${isCompared(comparison) ? sql`where ${areComparable}` : sql``}`,
  );
}

function repeated(searched: readonly Side[]): Cte {
  const ofSide = (side: Side) =>
    sql`select ${keyHash} from ${id(side)} where ${hasKey} group by ${keyHash} having count(*) > 1`;
  const [first, second] = searched.map(ofSide);
  const query = second
    ? sql`
    ${first!}
    union all
    ${second}`
    : first!;
  return cte("repeated", query, { materialized: true, comment: "keys that a side has more than once, by their hash" });
}

function single(side: Side, isSearched: boolean): Sql {
  const rows = sql`select *, 1 as ${id(count)} from ${id(side)}`;
  return isSearched
    ? sql`${rows} where not exists (select from repeated where repeated.${keyHash} = ${id(side)}.${keyHash})`
    : rows;
}

function repeatedKeys(comparison: Comparison): Cte[] {
  const isSingle = (side: Side) => sql`coalesce(${idOfSide(count, side)}, 1) = 1`;
  return [
    cte(
      "repeated_pairs",
      pairs(comparison, (side) => counted(comparison, side), []),
    ),
    cte(
      "marked_pairs",
      sql`select *, ${isSingle("ours")} and ${isSingle("theirs")} as ${areSingle} from repeated_pairs`,
    ),
    cte("repeated_keys", results(comparison, sql`marked_pairs`, areSingle)),
  ];
}

/** One row of each key that a side may have several times, with how many there are. Of several, its values are not used. */
function counted(comparison: Comparison, side: Side): Sql {
  const place = own("place");
  return sql`
    select *
    from (
      select *, (count(*) over same_key)::int as ${id(count)}, row_number() over same_key as ${place}
      from ${id(side)}
      where ${hasKey} and exists (select from repeated where repeated.${keyHash} = ${id(side)}.${keyHash})
      window same_key as (partition by ${join(keyList(comparison), ", ")})
    ) as counted
    where ${place} = 1`;
}

/**
 * Both sides beside each other. Values are compared as they are, which is cheaper than by checksums of both and has no
 * collisions. `offset 0`: whether they are the same is asked several times, and worked out once.
 */
function pairs({ key, columns, also }: Comparison, rowsOf: (side: Side) => Sql, more: readonly Sql[]): Sql {
  const all = (side: Side) => [
    ...key.map(({ name }) => name),
    ...columns.map(({ name }) => name),
    count,
    ...also[side],
  ];
  const beside = (side: Side) => all(side).map((name) => sql`${id(side, name)} as ${idOfSide(name, side)}`);
  const values = (side: Side) =>
    join(
      columns.map(({ name }) => id(side, name)),
      ", ",
    );
  const same = key.map(({ name }) => sql`${id("ours", name)} = ${id("theirs", name)}`);
  return sql`
    select
      ${SIDES.flatMap(beside)},
      ours.${id(count)} = 1 and theirs.${id(count)} = 1 and (${values("ours")}) is not distinct from (${values("theirs")}) as ${isSame}
    from (
      ${rowsOf("ours")}
    ) as ours
    full join (
      ${rowsOf("theirs")}
    ) as theirs
      on ${and([...same, ...more])}
    offset 0`;
}

/**
 * What is kept of a pair; in two million every step counts.
 * @param alone where a side may have several rows: the condition that it has not. Of several nothing is kept.
 */
function results(comparison: Comparison, from: Sql, alone?: Sql): Sql {
  const keys = comparison.key.map(({ name }) => sql`coalesce(${idOfSide(name, "ours")}, ${idOfSide(name, "theirs")})`);
  const rows = (side: Side) => idOfSide(count, side);
  const only = (value: Sql) => (alone ? sql`case when ${alone} then ${value} end` : value);
  const unlessSame = (value: Sql) => only(sql`case when ${isSame} then null else ${value} end`);
  const ofRow = (side: Side, value: Sql) => sql`case when ${rows(side)} = 1 then ${value} end`;
  const hash = (side: Side) =>
    ofRow(
      side,
      rowHash(comparison, (name) => idOfSide(name, side)),
    );
  const content = (side: Side) =>
    unlessSame(
      ofRow(
        side,
        asJson(comparison, side, (name) => idOfSide(name, side)),
      ),
    );
  return sql`
    select
      ${keyList(comparison).map((name, index) => sql`${keys[index]!} as ${name}`)},
      ${alone ? sql`true` : isKey(keys)} as has_key,
      coalesce(${rows("ours")}, 0) as n_ours,
      coalesce(${rows("theirs")}, 0) as n_theirs,
      ${only(hash("ours"))} as our_row_hash,
      ${unlessSame(hash("theirs"))} as their_row_hash,
      ${join(
        keptColumns(comparison).flatMap((name) => [
          sql`${only(idOfSide(name, "ours"))} as ${idOfSide(name, "ours")},`,
          sql`${unlessSame(idOfSide(name, "theirs"))} as ${idOfSide(name, "theirs")},`,
        ]),
        "\n",
      )}
      ${outcomesOf(comparison)} as outcomes,
      ${content("ours")} as ours,
      ${content("theirs")} as theirs
    from ${from}`;
}

function outcomesOf(comparison: Comparison): Sql {
  return sql`
    case
      when ${isSame} then ${outcomesOfEqual(comparison)}
      when ${idOfSide(count, "ours")} = 1 and ${idOfSide(count, "theirs")} = 1 then ${outcomes(comparison)}
    end`;
}
