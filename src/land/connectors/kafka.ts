import { counted } from "../../model/counted.ts";
import type { KafkaDeclaration, KafkaStream, StreamDeclaration } from "../../model/declarations.ts";
import { UserError } from "../../model/errors.ts";
import { placeOf } from "../../sources/kafka/partition.ts";
import type { Beginning, Lost } from "../../sources/kafka/places.ts";
import type { KafkaReader } from "../../sources/kafka/reader.ts";
import type { KafkaReading } from "../../sources/kafka/reading.ts";
import type { Registered } from "../../sources/kafka/schemas.ts";
import { heeding, heedingEach } from "../../wait/timers.ts";
import { moveKafkaOffsets } from "../ledger/kafka-offsets.ts";
import type { Landed } from "../load/load.ts";
import type { LandOptions } from "../load/options.ts";
import type { Sink } from "../load/sink.ts";
import { type LoadTarget, streamName } from "../load/target.ts";
import { withLoad } from "../load/with-load.ts";

export type KafkaTarget = LoadTarget<StreamDeclaration & { readonly connector: KafkaStream }>;

/** A topic lands in loads of about so many records, so that what has landed stays whatever comes. */
const RECORDS_OF_LOAD = 50_000;

/** So often somebody else may land the same records before this is given up. */
const MOST_TIMES = 5;

/** Somebody else has landed what was read. */
class Outrun extends Error {}

/**
 * Lands what topics hold now, up to where they end as it begins, in one load or several.
 * @throws UserError where records are gone before they landed (places.ts), or brokers cannot be read
 */
export async function landKafka(
  sink: Sink,
  connector: KafkaDeclaration,
  target: KafkaTarget,
  options: LandOptions,
): Promise<readonly Landed[]> {
  const { signal } = options;
  await sink.readyOffsets(target);
  const { KafkaReader } = await import("../../sources/kafka/reader.ts");
  const reader = await heeding(KafkaReader.open(connector, target.stream.connector.group), signal);
  const registered = await registeredOf(connector);
  try {
    const all: Landed[] = [];
    for (let times = 1; ; times++) {
      try {
        await landOn({ sink, connector, target, reader, registered }, times > 1 ? goingOn(options) : options, all);
        break;
      } catch (error) {
        if (!(error instanceof Outrun)) throw error;
        if (times >= MOST_TIMES) throw outrun(target);
      }
    }
    if (!all.length) {
      // Models read the table also when there has been no record yet.
      await sink.whole(() => sink.makeTable(target));
      await sink.noteAsked(target);
    }
    return all;
  } finally {
    // One that is asked for something does not say goodbye.
    const closing = Promise.all([reader.close(), registered?.close()]);
    if (!signal?.aborted) await closing;
  }
}

interface Landing {
  readonly sink: Sink;
  readonly connector: KafkaDeclaration;
  readonly target: KafkaTarget;
  readonly reader: KafkaReader;
  readonly registered: Registered | undefined;
}

async function registeredOf(connector: KafkaDeclaration): Promise<Registered | undefined> {
  const { registry } = connector;
  if (!registry) return undefined;
  const { Registered } = await import("../../sources/kafka/schemas.ts");
  return new Registered({ ...connector, registry });
}

/** What was asked of the first load is not asked of the next. */
function goingOn({ full: _, since: _since, ...options }: LandOptions): LandOptions {
  return options;
}

async function landOn({ sink, connector, target, reader, registered }: Landing, options: LandOptions, all: Landed[]) {
  const { full, since = full ? "earliest" : undefined, force, signal } = options;
  const { topics, start } = target.stream.connector;
  const ranges = await heeding(reader.ranges(topics, signal), signal);
  const ends = new Map(ranges.map((range) => [placeOf(range), range.latest]));
  let reading: KafkaReading | undefined;
  let more = true;
  while (more) {
    const { landed } = await withLoad(sink, target, options, async (load) => {
      const offsets = await sink.past.kafkaOffsets(target.key);
      const { beginnings, lost } = await import("../../sources/kafka/places.ts").then(({ beginningsOf }) =>
        beginningsOf(reader, { landed: offsets, ranges, start, since: reading ? undefined : since, force }),
      );
      if (reading && load.server && !isWhereItWas(reading, beginnings)) throw new Outrun();
      reading ??= await readingOf({ connector, target, reader, registered }, beginnings, ends);
      await load.readAll(heedingEach(reading.pages(RECORDS_OF_LOAD, signal), signal));
      const { moves } = reading;
      more = !reading.isAtEnd;
      if (!moves.length) return { keep: null, answer: undefined };
      const { server } = load;
      if (server && !(await moveKafkaOffsets(server.client, target.key, moves))) throw new Outrun();
      load.tally.warnings.push(...lost.map(lostText));
      const details = { offsets: moves.map(toldOf), ...(lost.length ? { lost } : {}) };
      return { keep: { details, rejectsAlone: offsets.length > 0 }, answer: undefined };
    });
    if (landed) all.push(landed);
    reading?.landed();
  }
}

async function readingOf(
  { connector, target, reader, registered }: Omit<Landing, "sink">,
  beginnings: readonly Beginning[],
  ends: ReadonlyMap<string, bigint>,
): Promise<KafkaReading> {
  const { createDecoder } = await import("../../sources/kafka/decoding.ts");
  const { KafkaReading } = await import("../../sources/kafka/reading.ts");
  const schemas = { registered, projectDir: connector.projectDir };
  return new KafkaReading(reader, await createDecoder(target.stream.connector, schemas), beginnings, ends);
}

/** Whether nobody has moved the stream on between two loads. */
function isWhereItWas(reading: KafkaReading, beginnings: readonly Beginning[]): boolean {
  return beginnings.every((one) => reading.stands(one));
}

/** For the ledger. */
function toldOf({ topic, partition, before, next }: KafkaReading["moves"][number]) {
  return { topic, partition, from: before ? String(before.next) : null, to: String(next) };
}

function lostText(lost: Lost): string {
  return `${placeOf(lost)}: offsets ${lost.from} to ${lost.to} were gone before they landed, and are lost`;
}

function outrun(target: KafkaTarget): UserError {
  return new UserError({
    message: `somebody else lands ${streamName(target)} at the same time`,
    found: `${counted(MOST_TIMES, "time")} the same records had landed before`,
    hint: "nothing has landed twice; dataform ingest --follow lands what comes",
    exitCode: 1,
  });
}
