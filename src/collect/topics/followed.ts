import type { IngestDeclaration, KafkaDeclaration, KafkaStream, StreamDeclaration } from "../../model/declarations.ts";
import { createDecoder } from "../../sources/kafka/decoding.ts";
import { placeOf } from "../../sources/kafka/partition.ts";
import type { CollectedSource } from "../lane.ts";
import { EventTopicLane, keptRecord } from "./event-topic-lane.ts";
import type { Followed } from "./follow-lane.ts";
import { TopicLane } from "./topic-lane.ts";

/** The topics of a stream. */
export function followedStream(declaration: IngestDeclaration, stream: StreamDeclaration): Followed {
  const cluster = declaration.connector as KafkaDeclaration;
  const read = stream.connector as KafkaStream;
  const { topics, group, start } = read;
  return {
    ...{ name: `${declaration.source}.${stream.name}`, cluster, declaration, streams: [stream], topics, group, start },
    openLane: (settings, how) => TopicLane.open(settings, declaration, stream, how),
    decoder: (registered) => createDecoder(read, { registered, projectDir: cluster.projectDir }),
  };
}

/** The queue between the collectors of a source and its tables. */
export function followedEvents(declaration: CollectedSource): Followed {
  const { cluster, topic, group, start } = declaration.connector.produce!;
  const { source, streams } = declaration;
  return {
    ...{ name: source, cluster, declaration, streams, topics: [topic], group, start },
    openLane: (settings, how) => EventTopicLane.open(settings, declaration, how),
    decoder: async () => (record, at) => keptRecord(record, `${placeOf(at)} offset ${record.offset}`),
  };
}
