import type { Client } from "../../postgres/client.ts";
import type { LazyTransaction } from "../../postgres/together.ts";
import { createSchemaOnce } from "../../sql/ddl.ts";
import { id } from "../../sql/identifiers.ts";
import { literal } from "../../sql/literals.ts";
import { sql } from "../../sql/sql.ts";

// Which events have come: by the key that they were sent with and what their sender calls them. It stands beside the raw tables, which
// are divided by the day of receipt: a unique index of theirs would have to hold the day, and a second try after midnight would count
// twice.

const eventKeyTable = (schema: string) => id(schema, "_event_key");

/** An event, by whom it is of and what it is. */
export interface EventKey {
  readonly writeKey: string;
  readonly id: string;
  /** Sixteen bytes in hexadecimal. */
  readonly hash: string;
  /** Whether it lands; otherwise it is a reject, and may be sent again with what is right. */
  readonly lands: boolean;
}

export type EventName = Pick<EventKey, "writeKey" | "id">;

/** Whose events they are. */
interface EventsOf {
  readonly schema: string;
  readonly source: string;
}

/** What is known of an event that came before. */
export interface KnownEvent {
  readonly hash: string;
  readonly landed: boolean;
}

export async function prepareEventKeys(client: Client, schema: string): Promise<void> {
  const table = eventKeyTable(schema);
  await client.script(sql`
    ${createSchemaOnce(schema)};

    create table if not exists ${table} (
      source text collate "C" not null,
      write_key text collate "C" not null,
      event_id text collate "C" not null,
      body_hash uuid not null,
      landed boolean not null,
      received_at timestamptz not null default now(),
      primary key (source, write_key, event_id)
    );

    create index if not exists _event_key_received_idx on ${table} (source, received_at);

    comment on table ${table} is ${literal("Events that have come, so that one that is sent again counts once; kept for as long as the source says (dedupe)")}`);
}

/**
 * Notes events that come. Returns those of them that had come before, by `nameOf`; one that was a reject and lands now is new. Each is
 * named once. Two who send the same at once wait for each other, in the order of names.
 */
export async function claimEvents(
  transaction: LazyTransaction,
  of: EventsOf,
  events: readonly EventKey[],
): Promise<ReadonlyMap<string, KnownEvent>> {
  if (!events.length) return new Map();
  const { schema, source } = of;
  const table = eventKeyTable(schema);
  const named = [events.map(({ writeKey }) => writeKey), events.map((event) => event.id)];
  const { rows: answer } = await transaction.ask({
    name: "claim_events",
    statement: sql`
      with

      taken as (
        insert into ${table} as known (source, write_key, event_id, body_hash, landed)
        select $1, given.write_key, given.event_id, given.body_hash, given.lands
        from unnest($2::text[], $3::text[], $4::uuid[], $5::boolean[]) as given(write_key, event_id, body_hash, lands)
        order by given.write_key collate "C", given.event_id collate "C"
        on conflict (source, write_key, event_id) do update
        set body_hash = excluded.body_hash, landed = true, received_at = excluded.received_at
        where not known.landed and excluded.landed
        returning known.write_key, known.event_id
      )

      -- which, only where it is not all of them
      select case
        when count(*) < cardinality($2::text[]) then (
          select coalesce(jsonb_agg(jsonb_build_array(taken.write_key, taken.event_id)), '[]') from taken
        )
      end as names
      from taken`,
    parameters: [source, ...named, events.map(({ hash }) => hash), events.map(({ lands }) => (lands ? "t" : "f"))],
  });
  const all = answer[0]!.names;
  if (all === null) return new Map();
  const isTaken = new Set((JSON.parse(all!) as [string, string][]).map(([writeKey, id]) => nameOf({ writeKey, id })));
  const others = events.filter((event) => !isTaken.has(nameOf(event)));
  const { rows } = await transaction.ask({
    statement: sql`
      select known.write_key, known.event_id, replace(known.body_hash::text, '-', '') as hash, known.landed
      from ${table} as known
      join unnest($2::text[], $3::text[]) as given(write_key, event_id)
        on given.write_key = known.write_key and given.event_id = known.event_id
      where known.source = $1`,
    parameters: [source, others.map(({ writeKey }) => writeKey), others.map((event) => event.id)],
  });
  const known = new Map(
    rows.map(({ write_key, event_id, hash, landed }) => [
      nameOf({ writeKey: write_key!, id: event_id! }),
      { hash: hash!, landed: landed === "t" },
    ]),
  );
  // Forgotten since it stood in the way.
  const gone = others.filter((event) => !known.has(nameOf(event)));
  return gone.length ? new Map([...known, ...(await claimEvents(transaction, of, gone))]) : known;
}

/** An event in a map. */
export function nameOf({ writeKey, id: event }: EventName): string {
  return `${writeKey.length} ${writeKey}${event}`;
}

/**
 * Keeps events that are named as they are until the transaction ends. Returns which of them have landed, by `nameOf`; none that was
 * forgotten.
 */
export async function lockEvents(
  client: Client,
  { schema, source }: EventsOf,
  events: readonly EventName[],
): Promise<ReadonlySet<string>> {
  const { rows } = await client.query<Record<"write_key" | "event_id" | "landed", string>>(
    sql`
      select known.write_key, known.event_id, known.landed
      from ${eventKeyTable(schema)} as known
      join unnest($2::text[], $3::text[]) as given(write_key, event_id)
        on given.write_key = known.write_key and given.event_id = known.event_id
      where known.source = $1
      order by known.write_key collate "C", known.event_id collate "C"
      for update of known`,
    [source, events.map(({ writeKey }) => writeKey), events.map((event) => event.id)],
  );
  return new Set(
    rows.flatMap(({ write_key, event_id, landed }) =>
      landed === "t" ? [nameOf({ writeKey: write_key, id: event_id })] : [],
    ),
  );
}

/** Of events that the server would not take after all: they may be sent again. */
export function unclaimEvents(client: Client, of: EventsOf, events: readonly EventName[]): Promise<void> {
  return noteEvents(client, of, events, false);
}

/** Of rejects that land after all. */
export function landEvents(client: Client, of: EventsOf, events: readonly EventName[]): Promise<void> {
  return noteEvents(client, of, events, true);
}

async function noteEvents(
  client: Client,
  { schema, source }: EventsOf,
  events: readonly EventName[],
  landed: boolean,
): Promise<void> {
  await client.query(
    sql`
      update ${eventKeyTable(schema)} as known
      set landed = ${literal(landed)}
      from unnest($2::text[], $3::text[]) as given(write_key, event_id)
      where known.source = $1 and known.write_key = given.write_key and known.event_id = given.event_id`,
    [source, events.map(({ writeKey }) => writeKey), events.map((event) => event.id)],
  );
}

/** So many go at once: what is deleted is not held for long. */
const MOST_FORGOTTEN = 20_000;

/** Forgets events that came more than so many milliseconds ago, some of them. Returns whether there may be more. */
export async function forgetEvents(client: Client, { schema, source }: EventsOf, after: number): Promise<boolean> {
  const table = eventKeyTable(schema);
  const { rowCount } = await client.query(
    sql`
      delete from ${table}
      where ctid = any (
        array(
          select ctid
          from ${table}
          where source = $1 and received_at < now() - make_interval(secs => $2)
          order by received_at
          limit ${literal(MOST_FORGOTTEN)}
          for update skip locked
        )
      )`,
    [source, after / 1000],
  );
  return rowCount === MOST_FORGOTTEN;
}
