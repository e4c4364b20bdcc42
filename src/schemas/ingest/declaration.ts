import { type TArray, type TObject, Type } from "typebox";
import { byDefault, closed, listOf, name } from "../words.ts";
import { collectConnector, filesConnector, restConnector, soapConnector, sqlConnector } from "./connectors.ts";
import { kafkaConnector } from "./kafka.ts";
import { collectStream, filesStream, freshness, kafkaStream, restStream, soapStream, sqlStream } from "./streams.ts";

const head = {
  version: Type.Literal(1, { description: "1" }),
  source: name("the source, called like the file"),
  schema: byDefault("raw", name("the PostgreSQL schema of the raw tables")),
  freshness: Type.Optional({ ...freshness, description: "how new each stream is to be that does not say it itself" }),
};

const streams = <Stream extends TObject>(stream: Stream): TArray<Stream> =>
  listOf(stream, "at least one stream", { minItems: 1 });

/** A declaration of each kind of source. */
export const ingestSchemas = {
  rest: closed({ ...head, rest: restConnector, streams: streams(restStream) }, "records of an API"),
  files: closed({ ...head, files: filesConnector, streams: streams(filesStream) }, "records in files"),
  sql: closed({ ...head, sql: sqlConnector, streams: streams(sqlStream) }, "records of a database"),
  soap: closed({ ...head, soap: soapConnector, streams: streams(soapStream) }, "records of a SOAP service"),
  collect: closed(
    { ...head, collect: collectConnector, streams: streams(collectStream) },
    "events that are sent to `dataform collect`",
  ),
  kafka: closed({ ...head, kafka: kafkaConnector, streams: streams(kafkaStream) }, "records of topics of Kafka"),
};

const CONNECTOR_KINDS = [
  "rest",
  "files",
  "sql",
  "soap",
  "collect",
  "kafka",
] as const satisfies (keyof typeof ingestSchemas)[];

/** The JSON Schema of `ingest/<source>.yaml`, for editors. */
export const ingestSchema = Type.Union(
  CONNECTOR_KINDS.map((kind) => ingestSchemas[kind]),
  {
    description: "where records come from, and the raw tables that they land in",
  },
);
