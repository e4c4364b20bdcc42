import { readFileSync } from "node:fs";
import { join, relative } from "node:path";
import {
  KAFKA_COLUMNS,
  type KafkaDeclaration,
  type KafkaStream,
  type RecordSchema,
  TOMBSTONE_COLUMN,
} from "../model/declarations.ts";
import type { Declared } from "../model/declared.ts";
import { UserError } from "../model/errors.ts";
import type { kafkaConnector, kafkaRead } from "../schemas/ingest/kafka.ts";
import type { kafkaStream } from "../schemas/ingest/streams.ts";
import { checkHttp, checkOAuth2 } from "./connectors.ts";
import { variablesIn } from "./declare.ts";
import type { Place } from "./place.ts";

/** What a topic may be called. */
const TOPIC = /^[a-zA-Z0-9._-]{1,249}$/;

const BROKER = /^(?:\[[0-9a-fA-F:.]+\]|[^\s:,/]+):\d{1,5}$/;

/** @param place of `kafka`, or of another key with brokers */
export function kafkaOf(kafka: Declared<typeof kafkaConnector>, place: Place, projectDir: string): KafkaDeclaration {
  const { brokers, sasl, registry, ...others } = kafka;
  checkSasl(sasl, place.in("sasl"));
  if (kafka.tls && !kafka.tls.cert !== !kafka.tls.key)
    throw new UserError({
      message: "a client's certificate goes with its key",
      ...place.in("tls").value(kafka.tls.cert ? "cert" : "key"),
      expected: "both of tls.cert and tls.key, or none",
    });
  if (registry) checkHttp(registry, place.in("registry"));
  return {
    kind: "kafka",
    ...others,
    ...(sasl ? { sasl } : {}),
    ...(registry ? { registry } : {}),
    brokers: brokersOf(brokers, place.in("brokers")),
    projectDir,
  };
}

function brokersOf(text: string, place: Place): readonly string[] {
  const brokers = text.split(",").map((one) => one.trim());
  const wrong = brokers.find((one) => !BROKER.test(one));
  // Of a source that is not asked, what is not set stands as it is written.
  const isUnset = variablesIn(place.written()).some((name) => text.includes(`\${${name}}`));
  if (wrong === undefined || isUnset) return brokers;
  throw new UserError({
    message: `brokers names no address of a broker (it is written as ${place.written()})`,
    ...place.value(),
    expected: "host:port, several with commas between them",
    found: wrong || "nothing before or after a comma",
  });
}

/** Which of the other keys a mechanism goes by. */
const CREDENTIALS = {
  plain: [["user", "password"]],
  "scram-sha-256": [["user", "password"]],
  "scram-sha-512": [["user", "password"]],
  oauthbearer: [["token"], ["oauth2"]],
} as const;

function checkSasl(sasl: KafkaDeclaration["sasl"], place: Place): void {
  if (!sasl) return;
  const given = (["user", "password", "token", "oauth2"] as const).filter((key) => sasl[key] !== undefined);
  const ways: readonly (readonly string[])[] = CREDENTIALS[sasl.mechanism];
  if (!ways.some((way) => way.join() === given.join()))
    throw new UserError({
      message: `sasl of the mechanism ${sasl.mechanism} is told who asks in another way`,
      ...place.value(),
      expected: ways.map((way) => way.join(" and ")).join(", or "),
      found: given.join(" and ") || "nothing",
    });
  if (sasl.oauth2) checkOAuth2(sasl.oauth2, place.in("oauth2"));
}

/** What a stream of topics stands in. */
export interface AroundTopics {
  readonly source: string;
  readonly connector: KafkaDeclaration;
  /** What the file of a schema is relative to. */
  readonly folder: string;
}

export function kafkaStreamOf(
  { topic, schema, group, ...read }: Declared<typeof kafkaRead>,
  { name, batch, drift }: Pick<Declared<typeof kafkaStream>, "name" | "batch" | "drift">,
  place: Place,
  { source, connector, folder }: AroundTopics,
): KafkaStream {
  const { format, keyFormat, message, metadata, tombstones } = read;
  if (batch.kind !== "log")
    throw new UserError({
      message: "a record of a topic says nothing of those before it",
      ...place.value("batch", "kind"),
      expected: "no batch, or batch: { kind: log }",
    });
  if (drift === "freeze")
    throw new UserError({
      message: "a record with a field that the schema does not know is no error of those that come with it",
      ...place.value("drift"),
      expected: "evolve: the field is kept in _extra; or quarantine: the record is a reject",
    });
  if (tombstones === "land" && !metadata.includes("key"))
    throw new UserError({
      message: "a tombstone says that its key is gone, and no column has the key",
      ...place.value("tombstones"),
      expected: "metadata: [key], or tombstones: skip",
    });
  const topics = [topic].flat();
  for (const one of topics) checkTopic(one, place);
  checkSchema({ format, keyFormat, schema, message }, place, connector);
  const file = schema === undefined ? undefined : join(folder, schema);
  return {
    kind: "kafka",
    ...read,
    // Two streams of one topic in one group would each have half of it.
    group: group ?? `dataform-${source}-${name}`,
    topics,
    ...(file === undefined ? {} : { schema: { file: relative(".", file), text: textOf(file, place) } }),
  };
}

/** @param place of what has the key `topic` */
export function checkTopic(topic: string, place: Place): void {
  if (TOPIC.test(topic) || variablesIn(place.in("topic").written()).length) return;
  throw new UserError({
    message: `"${topic}" is no name of a topic`,
    ...place.value("topic"),
    expected: "letters, digits, ., _ and -, at most 249 of them",
  });
}

interface Written extends Pick<KafkaStream, "format" | "keyFormat"> {
  readonly schema: string | undefined;
  readonly message: string | undefined;
}

/** Where the schema is that a value is read by. */
function checkSchema({ format, keyFormat, schema, message }: Written, place: Place, { registry }: KafkaDeclaration) {
  const wrong = (message: string, key: string, expected: string) =>
    new UserError({ message, ...(place.in(key).written() === undefined ? place.value() : place.value(key)), expected });
  if (!registry && (keyFormat === "avro" || keyFormat === "protobuf"))
    throw wrong(`keys of the format ${keyFormat} need a registry`, "keyFormat", "kafka.registry, or keyFormat: bytes");
  if (schema !== undefined && (registry || format === "json"))
    throw wrong(
      registry ? "the registry says by which schema a value is read" : "JSON needs no schema besides recordSchema",
      "schema",
      registry ? "no schema, or no kafka.registry" : "no schema, or format: avro or protobuf",
    );
  if (message !== undefined && (registry || format !== "protobuf"))
    throw wrong("a message is of a .proto file", "message", "format: protobuf with schema, and no kafka.registry");
  if (registry || format === "json") return;
  if (schema === undefined)
    throw wrong(
      `nothing says by which schema values of ${format} are read`,
      "format",
      "kafka.registry, or schema: the file",
    );
  if (format === "protobuf" && message === undefined)
    throw wrong("nothing says which message of the .proto file a value is", "schema", "message: such as shop.Order");
}

function textOf(file: string, place: Place): string {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    throw new UserError({
      message: `cannot read the schema ${relative(".", file)}`,
      ...place.value("schema"),
      found: (cause as Error).message,
      cause,
    });
  }
}

/** What keys are in the database, by their format. */
const KEY_TYPES = { text: "text", bytes: "bytea", json: "jsonb", avro: "jsonb", protobuf: "jsonb" } as const;

/** The columns of a stream that are not of its records. */
export function kafkaColumns({
  metadata,
  keyFormat,
  tombstones,
}: Pick<KafkaStream, "metadata" | "keyFormat" | "tombstones">) {
  const columns = metadata.map((one) =>
    one === "key" ? { ...KAFKA_COLUMNS.key, type: KEY_TYPES[keyFormat] } : KAFKA_COLUMNS[one],
  );
  return tombstones === "land" ? [...columns, TOMBSTONE_COLUMN] : columns;
}

/** JSON Schema of what is ours: it is made here, and right. */
const TEXTS = { type: ["string", "null"] };

/**
 * Returns the schema of a record as it lands: the fields of its value, and what is known of it besides.
 * @throws UserError where one of its fields is called like one of ours
 */
export function kafkaSchemaOf(value: RecordSchema, stream: KafkaStream, place: Place): RecordSchema {
  const ours = kafkaColumns(stream);
  const taken = value.columns.find(({ name }) => ours.some((one) => one.name === name));
  if (taken)
    throw new UserError({
      message: `"${taken.name}" is a column of metadata, and a field of the record`,
      ...place.value("recordSchema"),
      hint: "leave it out of metadata, or call the field otherwise",
    });
  const properties = Object.fromEntries(
    ours.map(({ name, type }) => [name, /^(?:text|bytea|timestamp)/.test(type) ? TEXTS : true]),
  );
  return {
    ...value,
    schema: { ...value.schema, properties: { ...(value.schema.properties as object), ...properties } },
    columns: [...value.columns, ...ours],
  };
}
