import { rowsOf } from "../catalogue/rows.ts";
import type { Told } from "../model/notifying.ts";
import { type Client, withTransaction } from "../postgres/client.ts";
import { literal } from "../sql/literals.ts";
import { type Sql, sql } from "../sql/sql.ts";
import { isFree } from "./free.ts";

/** Channels that have something to tell. */
export async function readWaiting(client: Client, environment: string): Promise<ReadonlyMap<string, number>> {
  const { rows } = await client.query<Record<"channel" | "count", string>>(
    sql`
      select channel, count(*) as count
      from _dataform.delivery
      where environment = $1 and status = 'waiting'
      group by channel
      order by channel`,
    [environment],
  );
  return new Map(rows.map(({ channel, count }) => [channel, Number(count)]));
}

/** Events of one message, of those that one may have. */
const MOST_EVENTS = 100;
/** What nobody took for so long is given up. */
const GIVEN_UP_AFTER = "24 hours";

export interface Claimed {
  readonly id: string;
  /** Until when it belongs to whoever claimed it, as the server wrote it. */
  readonly until: string;
  /** Times that the channel failed before. */
  readonly attempts: number;
  readonly events: readonly Told[];
}

/**
 * Takes the next message of a channel: what was tried before, as it was then, or else all that waits. Undefined where there is nothing, the
 * channel is to wait, or another process is at it.
 * @param lasting for so many milliseconds it belongs to whoever claims it
 * @param longest so many milliseconds a channel may wait, at most
 */
export function claim(
  client: Client,
  environment: string,
  channel: string,
  { lasting, longest }: { readonly lasting: number; readonly longest: number },
): Promise<Claimed | undefined> {
  const name = `channel:${channel}`;
  return withTransaction(client, async () => {
    await client.query(sql`insert into _dataform.follower (environment, name) values ($1, $2) on conflict do nothing`, [
      environment,
      name,
    ]);
    await giveUp(client, environment, channel);
    const { rows } = await client.query<{ attempts: string; until: string }>(
      sql`
        update _dataform.follower set claimed_until = clock_timestamp() + $3::interval
        where environment = $1 and name = $2
          and ${isFree(sql`$3::interval`, sql`$5::interval`)}
          and exists (select from _dataform.delivery where environment = $1 and channel = $4 and status = 'waiting')
        returning attempts, claimed_until::text as until`,
      [environment, name, `${lasting} milliseconds`, channel, `${longest} milliseconds`],
    );
    if (!rows.length) return undefined;
    const { rows: ids } = await client.query<{ id: string }>(
      sql`
        select coalesce(
          (
            select message_id from _dataform.delivery
            where environment = $1 and channel = $2 and status = 'waiting' and message_id is not null
            order by made_at
            limit 1
          ),
          gen_random_uuid()
        ) as id`,
      [environment, channel],
    );
    const { id } = ids[0]!;
    await client.query(
      sql`
        update _dataform.delivery set message_id = $3::uuid
        where (incident_id, channel, event) in (
          select incident_id, channel, event
          from _dataform.delivery
          where environment = $1 and channel = $2 and status = 'waiting' and message_id is null
            and not exists (select from _dataform.delivery where environment = $1 and channel = $2 and status = 'waiting' and message_id is not null)
          order by made_at, incident_id, event desc
          limit ${literal(MOST_EVENTS)}
        )`,
      [environment, channel, id],
    );
    const events = await rowsOf<{ readonly told: Told }>(
      client,
      sql`
        select incident.content || jsonb_build_object(
          'incident', delivery.incident_id::text,
          'event', delivery.event,
          'since', ${utc(sql`incident.opened_at`)},
          'until', case when delivery.event = 'closed' then ${utc(sql`incident.closed_at`)} end
        ) as told
        from _dataform.delivery as delivery
        inner join _dataform.incident as incident
          on incident.incident_id = delivery.incident_id
        where delivery.message_id = ${literal(id)}::uuid and delivery.status = 'waiting'
        order by delivery.made_at, delivery.incident_id, delivery.event desc`,
    );
    const { attempts, until } = rows[0]!;
    return { id, until, attempts: Number(attempts), events: events.map(({ told }) => told) };
  });
}

/** What a channel did not take in time is told no more. */
export async function giveUp(client: Client, environment: string, channel: string): Promise<void> {
  await client.query(
    sql`
      update _dataform.delivery set status = 'failed'
      where environment = $1 and channel = $2 and status = 'waiting' and made_at < clock_timestamp() - $3::interval`,
    [environment, channel, GIVEN_UP_AFTER],
  );
}

/** Milliseconds until a channel may be asked again; 0 where it may, or another process is at it. */
export async function readWait(client: Client, environment: string, channel: string): Promise<number> {
  const { rows } = await client.query<{ wait: string }>(
    sql`
      select ceil(greatest(extract(epoch from next_at - clock_timestamp()), 0) * 1000) as wait
      from _dataform.follower
      where environment = $1 and name = $2`,
    [environment, `channel:${channel}`],
  );
  return Number(rows[0]?.wait ?? 0);
}

const utc = (moment: Sql) => sql`to_char(${moment} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;

/** It was told. @param every milliseconds until the channel takes the next message */
export async function settle(
  client: Client,
  environment: string,
  channel: string,
  { id, until, every }: Pick<Claimed, "id" | "until"> & { readonly every: number },
): Promise<void> {
  await withTransaction(client, async () => {
    await client.query(
      sql`update _dataform.delivery set status = 'sent', sent_at = clock_timestamp(), error = null where message_id = $1::uuid and status = 'waiting'`,
      [id],
    );
    await client.query(
      sql`
        update _dataform.follower
        set claimed_until = null, attempts = 0, error = null, next_at = clock_timestamp() + $3::interval
        where environment = $1 and name = $2 and claimed_until = $4::timestamptz`,
      [environment, `channel:${channel}`, `${every} milliseconds`, until],
    );
  });
}

/** It was not. @param wait milliseconds until it is tried again */
export async function postpone(
  client: Client,
  environment: string,
  channel: string,
  { id, until, wait, error }: Pick<Claimed, "id" | "until"> & { readonly wait: number; readonly error: string },
): Promise<void> {
  await withTransaction(client, async () => {
    await client.query(
      sql`update _dataform.delivery set error = $2 where message_id = $1::uuid and status = 'waiting'`,
      [id, error],
    );
    await client.query(
      sql`
        update _dataform.follower
        set claimed_until = null, attempts = attempts + 1, error = $4, next_at = clock_timestamp() + $3::interval
        where environment = $1 and name = $2 and claimed_until = $5::timestamptz`,
      [environment, `channel:${channel}`, `${wait} milliseconds`, error, until],
    );
  });
}
