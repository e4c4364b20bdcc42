import { Type } from "typebox";
import { byDefault, closed, listOf, oneOf, secret, text } from "../words.ts";
import { auth, http } from "./http.ts";

const tls = closed(
  {
    ca: Type.Optional(
      text("the root certificate, where it is the company's own: its file, relative to the project, or its text"),
    ),
    cert: Type.Optional(text("the client's certificate: its file, relative to the project, or its text")),
    key: Type.Optional(secret("the client's key, as text or as the name of its file")),
    serverName: Type.Optional(text("what the certificate is of, where it is not the broker's host")),
  },
  "TLS to every broker; {} where the system knows the root certificate",
);

const sasl = closed(
  {
    mechanism: oneOf(["plain", "scram-sha-256", "scram-sha-512", "oauthbearer"], "how who asks is told"),
    user: Type.Optional(text("plain, scram: the user")),
    password: Type.Optional(secret("plain, scram: the user's password")),
    token: Type.Optional(secret("oauthbearer: the token, where it is one for long")),
    oauth2: auth.properties.oauth2,
  },
  "who asks",
);

/** Which cluster, and who asks. */
const cluster = {
  brokers: text("where the cluster is asked first: host:port, several with commas between them"),
  protocol: byDefault(
    "consumer",
    oneOf(
      ["consumer", "classic"],
      "how those who follow share the partitions: told by the broker (KIP-848, Kafka 4), or among themselves (classic)",
    ),
  ),
  tls: Type.Optional(tls),
  sasl: Type.Optional(sasl),
};

export const kafkaConnector = closed(
  {
    ...cluster,
    registry: Type.Optional(
      closed(
        http,
        "the schema registry that says by which schema a value was written: Confluent's, or one that answers as it does",
      ),
    ),
  },
  "topics of Kafka",
);

/** How values and keys are written. */
const VALUE_FORMATS = ["json", "avro", "protobuf"] as const;
const KEY_FORMATS = ["text", "bytes", ...VALUE_FORMATS] as const;

/** What is known of a record besides its value. */
const KAFKA_METADATA = ["key", "headers", "timestamp", "topic", "partition", "offset"] as const;

const group = Type.Optional(
  text("the consumer group of those who follow; dataform-<source>-<stream> where it is not set", { pattern: "^\\S+$" }),
);

const start = byDefault(
  "earliest",
  Type.String({
    pattern: "^(earliest|latest|\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d(:\\d\\d(\\.\\d+)?)?(Z|[+-]\\d\\d:\\d\\d))$",
    description: "where the first load begins: earliest, latest, or a time such as 2026-01-01T00:00:00Z",
  }),
);

/** The queue that a collector sends to. */
export const produce = closed(
  {
    ...cluster,
    topic: text("the topic that has the events of all streams"),
    key: Type.Optional(
      text("a field of the events' data: events of one value stand in one partition, in the order in which they came"),
    ),
    group: Type.Optional({
      ...group,
      description: "the consumer group of those who land them; dataform-<source> where it is not set",
    }),
    start,
  },
  "a topic of Kafka that the events go to; `dataform ingest --follow` lands them",
);

export const kafkaRead = closed(
  {
    topic: Type.Unsafe<string | readonly string[]>({
      type: ["string", "array"],
      minLength: 1,
      minItems: 1,
      uniqueItems: true,
      items: { type: "string", minLength: 1 },
      description: "the topic, or a list of topics",
    }),
    group,
    format: byDefault("json", oneOf(VALUE_FORMATS, "how values are written")),
    keyFormat: byDefault("text", oneOf(KEY_FORMATS, "how keys are written")),
    schema: Type.Optional(
      text("avro, protobuf without a registry: the file of the schema (.avsc, .proto), relative to this one"),
    ),
    message: Type.Optional(text("protobuf without a registry: the message of the .proto file, such as shop.Order")),
    metadata: byDefault(
      [],
      listOf(oneOf(KAFKA_METADATA, "a column of that name behind _"), "columns for what is known of a record besides", {
        uniqueItems: true,
      }),
    ),
    tombstones: byDefault(
      "reject",
      oneOf(
        ["reject", "skip", "land"],
        "a record without a value: a reject, left out, or a row of its key with _tombstone",
      ),
    ),
    start,
  },
  "which topics are read, and how",
);
