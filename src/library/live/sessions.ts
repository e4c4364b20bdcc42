import { type Cte, cte, withCtes } from "../../sql/ctes.ts";
import { id, suffixed } from "../../sql/identifiers.ts";
import { literal } from "../../sql/literals.ts";
import { and, join, or, type Sql, sql } from "../../sql/sql.ts";
import { ownName } from "../shared/check-options.ts";
import { type Audited, eventsAgain } from "./checks.ts";
import { countedOf, momentOf } from "./counted.ts";
import { aggregated, type Measure, merged } from "./measures.ts";
import { isAll, recordRows, row, runAt, same, unlessNameless } from "./rows.ts";
import { FIRST_LOAD, LOAD, ROW_KIND, ROW_OF, ROWS, type Shape } from "./shape.ts";
import { allEvents, arrivals } from "./store.ts";
import { eventsOf, FEW, type Inputs, type RawTable, streams, tailLoads } from "./streams.ts";
import { lostGroups, remade } from "./struck.ts";

// Sessions are islands of events of one visitor: what follows within the gap belongs together. An island of new events and the
// stored ones that it touches are one, so that a late event may join two; all others stay as they are.

/** Sessions as checked. */
export interface SessionShape {
  readonly visitor: string;
  readonly value: Sql;
  readonly time: Sql;
  /** Whole seconds. */
  readonly gap: number;
  readonly where: Sql | undefined;
  readonly measures: ReadonlyMap<string, Measure>;
}

export const STARTED = "started_at";
export const ENDED = "ended_at";
const AT = ownName("at");
const ISLAND = ownName("island");
const IS_NEW = ownName("is_new");

/** What tells a session of a store apart. */
export const sessionKey = ({ visitor }: SessionShape) => [visitor, STARTED];
const sessionColumns = (shape: SessionShape) => [
  ...sessionKey(shape),
  ENDED,
  ROWS,
  FIRST_LOAD,
  ...shape.measures.keys(),
];

/** An event as groups have it: the visitor and when. */
function eventShape({ visitor, value, time, where, measures }: SessionShape): Shape {
  const by = new Map([
    [visitor, value],
    [AT, momentOf(time, "time")],
  ]);
  return { by, period: undefined, where, measures, distinct: new Map() };
}

const gapOf = ({ gap }: SessionShape) => sql`make_interval(secs => ${literal(gap)})`;

/** Rows with an island each: those of a visitor that overlap, or follow each other within the gap. */
function numbered(shape: SessionShape, rows: Sql, started: Sql, ended: Sql): Sql {
  const visitor = id("marked", shape.visitor);
  const before = sql`
    max(spans.${ended}) over (
      partition by spans.${id(shape.visitor)}
      order by spans.${started}, spans.${ended}
      rows between unbounded preceding and 1 preceding
    )`;
  return sql`
    select
      marked.*,
      count(*) filter (where marked.is_first) over (
        partition by ${visitor}
        order by marked.${started}, marked.${ended}
        rows unbounded preceding
      ) as ${id(ISLAND)}
    from (
      select
        spans.*,
        (spans.${started} < ${before} + ${gapOf(shape)}) is not true as is_first
      from ${rows} as spans
    ) as marked`;
}

/** Sessions of the events of `counted` alone. */
function sessionsOfEvents(shape: SessionShape, counted: string, more: readonly Sql[] = []): Sql {
  return sql`
    select
      ${[
        sql`events.${id(shape.visitor)}`,
        sql`min(events.${id(AT)}) as ${id(STARTED)}`,
        sql`max(events.${id(AT)}) as ${id(ENDED)}`,
        sql`count(*) as ${id(ROWS)}`,
        sql`min(events.${id(LOAD)}) as ${id(FIRST_LOAD)}`,
        ...aggregated(shape.measures, "events"),
        ...more,
      ]}
    from (
      ${numbered(shape, id(counted), id(AT), id(AT))}
    ) as events
    group by events.${id(shape.visitor)}, events.${id(ISLAND)}`;
}

/** Sessions of `relations`, those that touch as one. */
function joined(shape: SessionShape, relations: readonly string[]): Sql {
  const columns = sessionColumns(shape);
  const all = relations.map(
    (name) => sql`
      select
        ${columns.map((column) => id(name, column))}
      from ${id(name)}`,
  );
  return sql`
    select
      ${[
        sql`parts.${id(shape.visitor)}`,
        sql`min(parts.${id(STARTED)}) as ${id(STARTED)}`,
        sql`max(parts.${id(ENDED)}) as ${id(ENDED)}`,
        sql`sum(parts.${id(ROWS)})::bigint as ${id(ROWS)}`,
        sql`min(parts.${id(FIRST_LOAD)}) as ${id(FIRST_LOAD)}`,
        ...merged(shape.measures, "parts"),
      ]}
    from (
      ${numbered(shape, sql`(${join(all, "\nunion all\n")})`, id(STARTED), id(ENDED))}
    ) as parts
    group by parts.${id(shape.visitor)}, parts.${id(ISLAND)}`;
}

/** `held_sessions`, those of the store; `fresh`, of `counted`; `touched`, the held ones that belong to one; `joined`, both as one. */
function sessionCtes(shape: SessionShape, held: Sql): Cte[] {
  const touches = sql`
    fresh.${id(shape.visitor)} = held_sessions.${id(shape.visitor)}
      and held_sessions.${id(STARTED)} < fresh.${id(ENDED)} + ${gapOf(shape)}
      and held_sessions.${id(ENDED)} > fresh.${id(STARTED)} - ${gapOf(shape)}`;
  return [
    cte("held_sessions", held, { materialized: false }),
    cte("fresh", sessionsOfEvents(shape, "counted"), { materialized: true }),
    cte(
      "touched",
      sql`
        select distinct held_sessions.*
        from fresh
        inner join held_sessions on ${touches}`,
      { materialized: true },
    ),
    cte("joined", joined(shape, ["touched", "fresh"]), { materialized: true }),
  ];
}

function heldOf(shape: SessionShape, store: Sql): Sql {
  return sql`
    select
      ${sessionColumns(shape).map((name) => sql`store.${id(name)}`)}
    from ${store} as store
    where store.${id(ROW_KIND)} = 'session' and store.${id(ROW_OF)} = '' and store.${id(ROWS)} > 0`;
}

/** The sessions of the store, with the events of loads that are not in it: exact in every snapshot. */
export function sessionsView(shape: SessionShape, inputs: Omit<Inputs, "raw" | "self">, store: Sql): Sql {
  const shown = [...sessionKey(shape), ENDED, ...shape.measures.keys()];
  return withCtes(
    [
      ...streams(inputs, store, FEW),
      tailLoads(inputs, FEW),
      cte("counted", countedOf(eventShape(shape), eventsOf(inputs.feed, sql`tail_loads`))),
      ...sessionCtes(shape, heldOf(shape, store)),
    ],
    sql`
      select
        ${shown.map((name) => id("held_sessions", name))}
      from held_sessions
      where not exists (select from touched where ${same("touched", "held_sessions", sessionKey(shape))})
      union all
      select
        ${shown.map((name) => id("joined", name))}
      from joined`,
    { recursive: true },
  );
}

/** The select of the sessions that new loads add or change; of all where there is no store yet. */
export function sessionsStore(shape: SessionShape, inputs: Inputs): Sql {
  const { self } = inputs;
  const store = self && sql`store`;
  const events = eventShape(shape);
  const news = self
    ? [...remade(events, inputs, [shape.visitor]), ...sessionCtes(shape, heldOf(shape, sql`held`))]
    : [
        cte("counted", allEvents(events, inputs)),
        cte("joined", sessionsOfEvents(shape, "counted"), { materialized: true }),
      ];
  return withCtes(
    [
      ...(self ? [cte("store", sql`select store.* from ${self} as store`, { materialized: false })] : []),
      ...arrivals(inputs, store),
      ...news,
      cte("written", written(shape, inputs.raw, store), { materialized: true }),
    ],
    sql`
      select written.* from written
      union all
      ${recordRows(sessionColumns(shape), store)}`,
    { recursive: true },
  );
}

function written(shape: SessionShape, raw: readonly RawTable[], store: Sql | undefined): Sql {
  const columns = sessionColumns(shape);
  const key = sessionKey(shape);
  const values = new Map([...columns.map((name): [string, Sql] => [name, id("joined", name)]), runAt(store)]);
  const isRight = [
    ...unlessNameless("joined", key, "visitor, time"),
    ...(store ? [lostGroups("session", [shape.visitor], raw)] : []),
  ];
  const sessions = sql`
    select
      ${row(sql`'session'`, sql`''`, columns, values)}
    from joined
    where ${and(isRight)}`;
  if (!store) return sessions;
  const gone = new Map([
    ...key.map((name): [string, Sql] => [name, id("store", name)]),
    [ROWS, sql`0`] as const,
    runAt(store),
  ]);
  return sql`
    ${sessions}
    union all
    -- what is part of another one now, or was of a load that was struck
    select
      ${row(sql`'session'`, sql`''`, columns, gone)}
    from store
    where store.${id(ROW_KIND)} = 'session' and store.${id(ROW_OF)} = '' and store.${id(ROWS)} > 0
      and (
        (${dotted("store", key)}) in (select ${dotted("touched", key)} from touched)
        or store.${id(shape.visitor)} in (select struck_groups.${id(shape.visitor)} from struck_groups)
      )
      and not exists (select from joined where ${same("joined", "store", key)})`;
}

const dotted = (alias: string, columns: readonly string[]) => sql`${columns.map((name) => id(alias, name))}`;

/** Sessions that are not what their events give; missing and made-up ones. */
export function sessionsThatDisagree(shape: SessionShape, audited: Audited): Sql {
  const key = sessionKey(shape);
  const told = [ENDED, ROWS, ...shape.measures.keys()];
  const pairs = told.flatMap((name) =>
    (["expected", "actual"] as const).map((side) => sql`${id(side, name)} as ${id(suffixed(`${side}_${name}`, ""))}`),
  );
  const differ = or(told.map((name) => sql`${id("expected", name)} is distinct from ${id("actual", name)}`));
  const isOlder = sql`
    coalesce(expected.${id(ROWS)}, 0) < actual.${id(ROWS)}
      or exists (
        select
        from changed as whole
        where ${same("whole", "expected", [shape.visitor])}
          and whole.${id(STARTED)} < expected.${id(STARTED)}
          and whole.${id(ENDED)} >= expected.${id(ENDED)}
      )`;
  const isNew = sql`bool_or(events.${id(LOAD)} = any (array(select taken.load_id from taken))) as ${id(IS_NEW)}`;
  return withCtes(
    [
      ...eventsAgain(eventShape(shape), audited, "session"),
      cte("expected", sessionsOfEvents(shape, "counted", [isNew]), { materialized: true }),
    ],
    sql`
      select
        ${[...key.map((name) => sql`coalesce(${id("expected", name)}, ${id("actual", name)}) as ${id(name)}`), ...pairs]}
      from expected
      full join changed as actual on ${same("expected", "actual", key)}
      where (actual.${id(ROWS)} is not null or expected.${id(IS_NEW)} or ${isAll(sql`store`)})
        and not (coalesce(actual.${id(ROWS)}, 0) = 0 and expected.${id(ROWS)} is null)
        and (${differ})
        and not ((select aged.has_aged from aged) and (${isOlder}))`,
    { recursive: true },
  );
}
