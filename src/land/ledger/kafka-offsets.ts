import type { Client } from "../../postgres/client.ts";
import { relationExists } from "../../postgres/relations.ts";
import { createSchemaOnce } from "../../sql/ddl.ts";
import { id } from "../../sql/identifiers.ts";
import { literal } from "../../sql/literals.ts";
import { sql } from "../../sql/sql.ts";
import type { StreamKey } from "./ledger.ts";

// How far topics have landed. The place moves in the transaction of the rows, and only from where it was when they were read: whoever
// reads the same records twice, or from a place that is not theirs any more, lands none of them.

const offsetTable = (schema: string) => id(schema, "_kafka_offset");

/** What stands for the topic of a source whose events come by a queue: all its streams are in it. */
const QUEUE = "(queue)";

export function queueKey({ schema, source }: Pick<StreamKey, "schema" | "source">): StreamKey {
  return { schema, source, stream: QUEUE, table: QUEUE };
}

/** How far a partition has landed. */
export interface KafkaOffset {
  readonly topic: string;
  readonly partition: number;
  /** Of the topic, a UUID. */
  readonly topicId: string;
  /** The first that has not landed. */
  readonly next: bigint;
}

/** What a transaction lands of a partition. */
export interface KafkaMove {
  readonly topic: string;
  readonly partition: number;
  readonly topicId: string;
  /** Where it stood when that was read; undefined where it is read for the first time. */
  readonly before: Pick<KafkaOffset, "topicId" | "next"> | undefined;
  readonly next: bigint;
  /** Behind the newest record of the partition, as far as is known. */
  readonly end: bigint;
}

export async function prepareKafkaOffsets(client: Client, schema: string): Promise<void> {
  const table = offsetTable(schema);
  if (await relationExists(client, table)) return;
  await client.script(sql`
    ${createSchemaOnce(schema)};

    -- Moved many times a second: room on the page, so that no index is touched.
    create table if not exists ${table} (
      source text not null,
      stream text not null,
      table_name text not null,
      topic text not null,
      partition integer not null,
      topic_id uuid not null,
      next_offset bigint not null,
      end_offset bigint not null,
      moved_at timestamptz not null default now(),
      primary key (source, stream, table_name, topic, partition)
    ) with (fillfactor = 50);

    comment on table ${table} is ${literal("How far topics of Kafka have landed: it moves in the transaction of the rows, and only from where it was when they were read")};
    comment on column ${id(schema, "_kafka_offset", "next_offset")} is ${literal("The first that has not landed")};
    comment on column ${id(schema, "_kafka_offset", "end_offset")} is ${literal("Behind the newest record that readers see, as the broker said last")};
    comment on column ${id(schema, "_kafka_offset", "topic_id")} is ${literal("Of the topic: one that was made anew has another")}`);
}

export async function kafkaOffsets(client: Client, key: StreamKey): Promise<readonly KafkaOffset[]> {
  if (!(await relationExists(client, offsetTable(key.schema)))) return [];
  const { rows } = await client.query<Record<"topic" | "partition" | "topic_id" | "next_offset", string>>(
    sql`
      select topic, partition, topic_id, next_offset
      from ${offsetTable(key.schema)}
      where source = $1 and stream = $2 and table_name = $3
      order by topic, partition`,
    [key.source, key.stream, key.table],
  );
  return rows.map(({ topic, partition, topic_id: topicId, next_offset: next }) => ({
    ...{ topic, partition: Number(partition), topicId, next: BigInt(next) },
  }));
}

/**
 * Moves partitions on, in the transaction of their rows. Returns whether each stood where it was when they were read: otherwise
 * somebody else has landed them, and this transaction is to be rolled back.
 */
export async function moveKafkaOffsets(client: Client, key: StreamKey, moves: readonly KafkaMove[]): Promise<boolean> {
  const table = offsetTable(key.schema);
  const { rows } = await client.query<{ moved: string }>(
    sql`
      with

      moves as (
        select *
        from unnest($4::text[], $5::int[], $6::uuid[], $7::bigint[], $8::bigint[], $9::uuid[], $10::bigint[])
          as m(topic, partition, topic_id, next_offset, end_offset, topic_id_before, next_before)
      ),

      moved as (
        update ${table} as known
        set topic_id = m.topic_id, next_offset = m.next_offset, end_offset = m.end_offset, moved_at = now()
        from moves as m
        where known.source = $1 and known.stream = $2 and known.table_name = $3
          and known.topic = m.topic and known.partition = m.partition
          and known.topic_id = m.topic_id_before and known.next_offset = m.next_before
        returning 1
      ),

      begun as (
        insert into ${table} (source, stream, table_name, topic, partition, topic_id, next_offset, end_offset)
        select $1, $2, $3, m.topic, m.partition, m.topic_id, m.next_offset, m.end_offset
        from moves as m
        where m.next_before is null
        on conflict (source, stream, table_name, topic, partition) do nothing
        returning 1
      )

      select (select count(*) from moved) + (select count(*) from begun) as moved`,
    [
      ...[key.source, key.stream, key.table],
      moves.map(({ topic }) => topic),
      moves.map(({ partition }) => partition),
      moves.map(({ topicId }) => topicId),
      moves.map(({ next }) => String(next)),
      moves.map(({ end }) => String(end)),
      moves.map(({ before }) => before?.topicId ?? null),
      moves.map(({ before }) => (before ? String(before.next) : null)),
    ],
  );
  return Number(rows[0]!.moved) === moves.length;
}

/** Notes where partitions end, whether anything of them lands or not. */
export async function noteKafkaEnds(
  client: Client,
  key: StreamKey,
  ranges: readonly { readonly topic: string; readonly partition: number; readonly latest: bigint }[],
): Promise<void> {
  await client.query(
    sql`
      update ${offsetTable(key.schema)} as known
      set end_offset = r.end_offset
      from unnest($4::text[], $5::int[], $6::bigint[]) as r(topic, partition, end_offset)
      where known.source = $1 and known.stream = $2 and known.table_name = $3
        and known.topic = r.topic and known.partition = r.partition and known.end_offset < r.end_offset`,
    [
      ...[key.source, key.stream, key.table],
      ranges.map(({ topic }) => topic),
      ranges.map(({ partition }) => partition),
      ranges.map(({ latest }) => String(latest)),
    ],
  );
}

/** How many offsets have not landed, as far as brokers were asked; null where no topic has. */
export async function kafkaLag(client: Client, { schema, source, stream, table }: StreamKey): Promise<number | null> {
  if (!(await relationExists(client, offsetTable(schema)))) return null;
  const { rows } = await client.query<{ lag: string | null }>(
    sql`
      select sum(greatest(end_offset - next_offset, 0)) as lag
      from ${offsetTable(schema)}
      where source = $1 and stream = $2 and table_name = $3`,
    [source, stream, table],
  );
  const { lag } = rows[0]!;
  return lag === null ? null : Number(lag);
}

/** The table was dropped, and is made anew: what landed in it before counts no more. */
export async function forgetKafkaOffsets(client: Client, { schema, source, stream, table }: StreamKey): Promise<void> {
  if (!(await relationExists(client, offsetTable(schema)))) return;
  await client.query(sql`delete from ${offsetTable(schema)} where source = $1 and stream = $2 and table_name = $3`, [
    source,
    stream,
    table,
  ]);
}
