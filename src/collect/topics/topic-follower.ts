import { errorData, UserError } from "../../model/errors.ts";
import { databaseFailure } from "../../postgres/sqlstate.ts";
import type { Decode } from "../../sources/kafka/decoding.ts";
import { GroupMember } from "../../sources/kafka/member.ts";
import { placeOf } from "../../sources/kafka/partition.ts";
import { beginningsOf } from "../../sources/kafka/places.ts";
import { KafkaReader } from "../../sources/kafka/reader.ts";
import { KafkaReading } from "../../sources/kafka/reading.ts";
import { Registered } from "../../sources/kafka/schemas.ts";
import type { SourcePage } from "../../sources/source.ts";
import { pause } from "../../wait/pause.ts";
import { careOf, takeCare } from "../caretaker.ts";
import { Teller } from "../teller.ts";
import type { Followed, FollowLane, FollowOptions } from "./follow-lane.ts";

/** Milliseconds: between two looks at a group that gives nothing; until Kafka is told; until nothing new is noted. */
const LOOK_EVERY = 200;
const TELL_EVERY = 5_000;
const IDLE_AFTER = 60_000;
/** Between two tries, at first and at most. */
const FIRST_WAIT = 250;
const LONGEST_WAIT = 30_000;

/** Lands topics as they grow, as a member of their group. */
export class TopicFollower {
  readonly #options: FollowOptions;
  readonly #followed: Followed;
  readonly #teller: Teller;
  #toldAt = 0;
  #newsAt = performance.now();

  constructor(options: FollowOptions, followed: Followed) {
    this.#options = options;
    this.#followed = followed;
    this.#teller = new Teller(followed.name, options.log);
  }

  /** Until the signal comes. What fails is tried again, and said: nothing has landed twice, and nothing is passed over. */
  async run(signal: AbortSignal): Promise<void> {
    const { declaration, streams } = this.#followed;
    const caring = takeCare(careOf(declaration, this.#options, streams), signal, (line) => this.#teller.say(line));
    await this.#goOn(signal);
    await caring;
  }

  async #goOn(signal: AbortSignal): Promise<void> {
    for (let wait = FIRST_WAIT; !signal.aborted; ) {
      const began = performance.now();
      try {
        await this.#follow(signal);
      } catch (error) {
        if (signal.aborted) return;
        this.#teller.say(wordsOf(error as Error));
        if (performance.now() - began > LONGEST_WAIT) wait = FIRST_WAIT;
        await pause(wait, signal).catch(() => {});
        wait = Math.min(wait * 2, LONGEST_WAIT);
      }
    }
  }

  async #follow(signal: AbortSignal): Promise<void> {
    const { settings, log } = this.#options;
    const { cluster, group, topics } = this.#followed;
    const lane = await this.#followed.openLane(settings, { signal, onWait: log });
    const closing: (() => Promise<unknown>)[] = [];
    try {
      const { registry } = cluster;
      const registered = registry && new Registered({ ...cluster, registry });
      if (registered) closing.push(() => registered.close());
      const decode = await this.#followed.decoder(registered);
      const reader = await KafkaReader.open(cluster, group);
      closing.push(() => reader.close());
      const member = await GroupMember.join(cluster, group, topics);
      closing.push(() => member.leave());
      await this.#land({ lane, reader, member, decode }, signal);
      await lane.close();
    } catch (error) {
      await lane.abandon();
      throw error;
    } finally {
      for (const close of closing.reverse()) await close();
    }
  }

  /** Until the signal comes, or the group does not know us any more. */
  async #land(parts: Parts, signal: AbortSignal): Promise<void> {
    const { lane, member } = parts;
    let assignment = "";
    let reading: KafkaReading | undefined;
    while (!signal.aborted && !member.isLost) {
      if (!reading || assignment !== member.assignment) {
        ({ assignment } = member);
        reading = await this.#open(parts, signal);
      }
      if (reading) {
        const pages: SourcePage[] = [];
        for await (const page of reading.coming()) pages.push(page);
        const { moves } = reading;
        if (moves.length && !(await lane.write(pages, moves))) reading = undefined;
        else if (moves.length) await this.#landed(reading, member);
      } else await pause(LOOK_EVERY, signal).catch(() => {});
      await lane.endDue();
      await this.#noteIdle(lane);
    }
  }

  /** Where its partitions go on is looked up each time that it is given others: those who had them meanwhile have moved them on. */
  async #open({ lane, reader, member, decode }: Parts, signal: AbortSignal): Promise<KafkaReading | undefined> {
    const own = new Set(member.partitions.map(placeOf));
    if (!own.size) return undefined;
    const { topics, start } = this.#followed;
    const ranges = (await reader.ranges(topics, signal)).filter((range) => own.has(placeOf(range)));
    await lane.noteEnds(ranges);
    const { beginnings } = await beginningsOf(reader, { landed: await lane.offsets(), ranges, start });
    return new KafkaReading(reader, decode, beginnings);
  }

  async #landed(reading: KafkaReading, member: GroupMember): Promise<void> {
    const { moves } = reading;
    reading.landed();
    this.#newsAt = performance.now();
    if (this.#newsAt - this.#toldAt < TELL_EVERY) return;
    this.#toldAt = this.#newsAt;
    await member.tell(moves).catch(() => {});
  }

  async #noteIdle(lane: FollowLane): Promise<void> {
    const now = performance.now();
    if (now - this.#newsAt < IDLE_AFTER) return;
    this.#newsAt = now;
    await lane.noteAsked();
  }
}

interface Parts {
  readonly lane: FollowLane;
  readonly reader: KafkaReader;
  readonly member: GroupMember;
  readonly decode: Decode;
}

function wordsOf(error: Error): string {
  const failure = databaseFailure(error) ?? error;
  const { message, found, hint } = errorData(failure);
  if (!(failure instanceof UserError)) return message;
  return [message, found, hint].filter(Boolean).join("; ");
}
