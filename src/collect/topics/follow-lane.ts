import type { KafkaOffset } from "../../land/ledger/kafka-offsets.ts";
import type { Lake } from "../../land/table/archive.ts";
import type { ConnectionSettings } from "../../model/connection-settings.ts";
import type { IngestDeclaration, KafkaDeclaration, KafkaStream, StreamDeclaration } from "../../model/declarations.ts";
import type { Decode } from "../../sources/kafka/decoding.ts";
import type { PartitionRange } from "../../sources/kafka/reader.ts";
import type { Moved } from "../../sources/kafka/reading.ts";
import type { Registered } from "../../sources/kafka/schemas.ts";
import type { SourcePage } from "../../sources/source.ts";

export interface FollowOptions {
  readonly settings: ConnectionSettings;
  /** Where partitions are archived to. */
  readonly lake: Lake;
  /** Told of what failed, and of what people must do. */
  readonly log: (line: string) => void;
}

/** Where the records of topics land, and their places with them. */
export interface FollowLane {
  offsets(): Promise<readonly KafkaOffset[]>;
  /** Notes where its partitions end, for those who look at how far behind it is. */
  noteEnds(ranges: readonly PartitionRange[]): Promise<void>;
  /**
   * Lands records, and moves their partitions on, in one commit.
   * @returns whether they have landed; otherwise somebody else has landed some of them, and none has here
   */
  write(pages: readonly SourcePage[], moves: readonly Moved[]): Promise<boolean>;
  /** Ends the loads that have been open for long enough. */
  endDue(): Promise<void>;
  /** Notes that there was nothing new. */
  noteAsked(): Promise<void>;
  close(): Promise<void>;
  /** Hangs up: its loads stay open, for others to end. */
  abandon(): Promise<void>;
}

interface Opening {
  readonly signal: AbortSignal;
  readonly onWait: (what: string) => void;
}

/** What is followed: topics, and where their records go. */
export interface Followed extends Pick<KafkaStream, "topics" | "group" | "start"> {
  readonly name: string;
  readonly cluster: KafkaDeclaration;
  readonly declaration: IngestDeclaration;
  /** Whose tables are taken care of. */
  readonly streams: readonly StreamDeclaration[];
  openLane(settings: ConnectionSettings, how: Opening): Promise<FollowLane>;
  decoder(registered: Registered | undefined): Promise<Decode>;
}
