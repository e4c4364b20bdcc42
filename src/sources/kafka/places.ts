import { counted } from "../../model/counted.ts";
import type { KafkaStream } from "../../model/declarations.ts";
import { UserError } from "../../model/errors.ts";
import { type Partition, placeOf } from "./partition.ts";
import type { KafkaReader, PartitionPlace, PartitionRange } from "./reader.ts";

/** How far a partition has landed. */
interface Landed extends Partition {
  readonly topicId: string;
  /** The first that has not landed. */
  readonly next: bigint;
}

/** Where a partition is read on, and how far it had landed. */
export interface Beginning extends PartitionPlace {
  readonly before: Pick<Landed, "topicId" | "next"> | undefined;
}

/** Records that are gone before they landed. */
export interface Lost extends Partition {
  readonly from: string;
  readonly to: string;
}

export interface Begin {
  /** How far a stream has landed: of all partitions, or none where it is new. */
  readonly landed: readonly Landed[];
  readonly ranges: readonly PartitionRange[];
  /** earliest, latest, or a time: of a stream that is new. */
  readonly start: KafkaStream["start"];
  /** The same of any stream: what landed before lands once more. */
  readonly since?: string | undefined;
  /** Go on although records are lost. */
  readonly force?: boolean | undefined;
}

/**
 * Where each partition is read on. A place that the log does not have any more is nobody's to choose: the log goes on somewhere else,
 * and what is between is lost.
 * @throws UserError where records are lost, or the topic is another one, and `force` does not say to go on
 */
export async function beginningsOf(
  reader: Pick<KafkaReader, "since">,
  { landed, ranges, start, since, force = false }: Begin,
): Promise<{ readonly beginnings: readonly Beginning[]; readonly lost: readonly Lost[] }> {
  const known = new Map(landed.map((one) => [placeOf(one), one]));
  const isNew = (topic: string) => !landed.some((one) => one.topic === topic);
  const first = await firstOf(reader, since ?? start, ranges);
  const troubles =
    since === undefined ? ranges.flatMap((range) => troubleOf(range, known.get(placeOf(range))) ?? []) : [];
  if (troubles.length && !force) throw gone(troubles);
  const lost = troubles.flatMap((trouble) => lostOf(trouble));
  const beginnings = ranges.map((range): Beginning => {
    const { topic, partition, topicId, earliest, latest } = range;
    const before = known.get(placeOf(range));
    const trouble = troubles.find((one) => one.range === range);
    const next = () => {
      if (since !== undefined) return first(range);
      if (trouble) return trouble.kind === "beyond" ? latest : earliest;
      if (before) return before.next;
      // Of a partition that came later nothing was there when the stream began.
      return isNew(topic) ? first(range) : earliest;
    };
    return { topic, partition, topicId, next: next(), before };
  });
  return { beginnings, lost };
}

async function firstOf(
  reader: Pick<KafkaReader, "since">,
  start: string,
  ranges: readonly PartitionRange[],
): Promise<(range: PartitionRange) => bigint> {
  if (start === "earliest") return ({ earliest }) => earliest;
  if (start === "latest") return ({ latest }) => latest;
  const time = Date.parse(start);
  if (Number.isNaN(time))
    throw new UserError({
      message: `--since ${start} is no place in a topic`,
      expected: "earliest, latest, or a time such as 2026-01-31T00:00:00Z",
    });
  const at = await reader.since([...new Set(ranges.map(({ topic }) => topic))], time);
  return (range) => at(range) ?? range.latest;
}

interface Trouble {
  readonly kind: "gone" | "beyond" | "other";
  readonly range: PartitionRange;
  readonly landed: Landed;
}

function troubleOf(range: PartitionRange, landed: Landed | undefined): Trouble | undefined {
  if (!landed) return undefined;
  if (landed.topicId !== range.topicId) return { kind: "other", range, landed };
  if (landed.next < range.earliest) return { kind: "gone", range, landed };
  return landed.next > range.latest ? { kind: "beyond", range, landed } : undefined;
}

function lostOf({ kind, range, landed }: Trouble): readonly Lost[] {
  if (kind !== "gone") return [];
  const { topic, partition, earliest } = range;
  return [{ topic, partition, from: String(landed.next), to: String(earliest - 1n) }];
}

const MOST_TOLD = 5;

function gone(troubles: readonly Trouble[]): UserError {
  const { kind } = troubles[0]!;
  const told = troubles.slice(0, MOST_TOLD).map(wordsOf).join("; ");
  const found =
    troubles.length > MOST_TOLD ? `${told}; and ${counted(troubles.length - MOST_TOLD, "more partition")}` : told;
  const { topic } = troubles[0]!.range;
  const what = {
    gone: {
      message: `records of ${topic} are gone before they landed`,
      hint: "nothing was landed; --force goes on with the oldest record that is there, and notes in the load what is lost; a longer retention.ms keeps records for longer",
    },
    beyond: {
      message: `${topic} ends before the place that has landed: its log was cut`,
      hint: "nothing was landed; --force goes on with what comes from now on, --since with what there is since a time, some of which may have landed",
    },
    other: {
      message: `${topic} is another topic than the one that has landed: it was deleted and made anew`,
      hint: "nothing was landed; --force goes on with the new one from its beginning; or let it land in another table",
    },
  }[kind];
  return new UserError({ ...what, expected: "each partition to go on where it has landed", found, exitCode: 1 });
}

function wordsOf({ kind, range, landed }: Trouble): string {
  const { earliest, latest } = range;
  const at = `${placeOf(range)}: `;
  if (kind === "other")
    return `${at}${landed.next} records of topic ${landed.topicId} had landed, this one is ${range.topicId}`;
  if (kind === "gone")
    return `${at}offsets ${landed.next} to ${earliest - 1n} are lost, it has ${earliest} to ${latest - 1n}`;
  return `${at}landed up to ${landed.next - 1n}, it ends with ${latest - 1n}`;
}
