import { resolve } from "node:path";
import {
  type CollectDeclaration,
  type IngestDeclaration,
  MOST_PRODUCED,
  type ProduceDeclaration,
  type SpoolDeclaration,
} from "../model/declarations.ts";
import type { Declared } from "../model/declared.ts";
import { milliseconds } from "../model/duration.ts";
import { UserError } from "../model/errors.ts";
import { nearest } from "../model/nearest.ts";
import type { collectConnector } from "../schemas/ingest/connectors.ts";
import { checkTopic, kafkaOf } from "./kafka.ts";
import type { Place } from "./place.ts";

/** What is around a source that events are sent to. */
interface AroundEvents {
  readonly source: string;
  readonly projectDir: string;
}

export function collectOf(
  { produce, spool, ...collect }: Declared<typeof collectConnector>,
  place: Place,
  around: AroundEvents,
): CollectDeclaration {
  const { dedupe, clockSkew, maxEventBytes, maxRequestBytes } = collect;
  if (maxEventBytes > maxRequestBytes)
    throw new UserError({
      message: "an event may be larger than the request that it comes in",
      ...place.value("maxEventBytes"),
      expected: `at most maxRequestBytes, ${maxRequestBytes}`,
    });
  if (produce && maxEventBytes > MOST_PRODUCED)
    throw new UserError({
      message: "an event may be larger than what is sent to the topic at once",
      ...place.value("maxEventBytes"),
      expected: `at most ${MOST_PRODUCED} with produce: Kafka takes 1 MB at once where nothing else is set`,
    });
  if (produce && spool)
    throw new UserError({
      message: "events can wait in a topic or on a disk, and this says both",
      ...place.key("spool"),
      expected: "produce or spool",
    });
  return {
    kind: "collect",
    ...collect,
    dedupe: milliseconds(dedupe)!,
    clockSkew: milliseconds(clockSkew)!,
    ...(produce ? { produce: produceOf(produce, place.in("produce"), around) } : {}),
    ...(spool ? { spool: spoolOf(spool, place.in("spool"), { ...around, dedupe }) } : {}),
  };
}

/** Where events wait on the disk. What nobody remembers any more when it lands could land twice. */
function spoolOf(
  { for: longest, maxMegabytes, folder }: NonNullable<Declared<typeof collectConnector>["spool"]>,
  place: Place,
  { source, projectDir, dedupe }: AroundEvents & { readonly dedupe: string },
): SpoolDeclaration {
  if (milliseconds(longest)! > milliseconds(dedupe)!)
    throw new UserError({
      message: "events would wait for longer than it is remembered which of them came",
      ...place.value("for"),
      expected: `at most dedupe, ${dedupe}`,
    });
  return {
    folder: resolve(projectDir, folder, source),
    for: milliseconds(longest)!,
    maxBytes: maxMegabytes * 1024 * 1024,
  };
}

/** The queue that a collector sends to. */
function produceOf(
  { topic, key, group, start, ...cluster }: NonNullable<Declared<typeof collectConnector>["produce"]>,
  place: Place,
  { source, projectDir }: AroundEvents,
): ProduceDeclaration {
  checkTopic(topic, place);
  return {
    cluster: kafkaOf(cluster, place, projectDir),
    ...{ topic, start, group: group ?? `dataform-${source}` },
    ...(key === undefined ? {} : { key }),
  };
}

/** @throws UserError where the key is no field of any stream */
export function checkProduceKey(
  { key }: Pick<ProduceDeclaration, "key">,
  streams: IngestDeclaration["streams"],
  place: Place,
): void {
  if (key === undefined) return;
  const fields = streams.flatMap(({ recordSchema }) => Object.keys((recordSchema.schema.properties as object) ?? {}));
  const known = [...new Set(fields)].filter((name) => !name.startsWith("_"));
  if (known.includes(key)) return;
  const suggestion = nearest(key, known);
  throw new UserError({
    message: `no stream has a field "${key}"`,
    ...place.value("key"),
    expected: `one of ${known.join(", ")}`,
    ...(suggestion ? { hint: `did you mean "${suggestion}"?` } : {}),
  });
}
