import { Type } from "typebox";
import { anyText, closed, duration, mapOf, mayBeSecret, oneOf, text } from "./words.ts";

const url = (description: string) =>
  Type.Optional(
    mayBeSecret(`${description}; a password stands in a variable: \${NAME}, or postgresql://user:\${NAME}@host`),
  );
const isTrue = (description: string) => Type.Optional(Type.Boolean({ description }));
const time = (description: string) => Type.Optional(duration(description));
const count = (description: string) => Type.Optional(Type.Integer({ minimum: 1, description }));

/** A key is a flag of the command line, written as keys of `dataform.json` are. */
const target = closed(
  {
    description: Type.Optional(text("what it is for")),
    url: url("the database: postgresql://user@host:port/database, or embedded"),
    service: Type.Optional(text("the database, by its name in pg_service.conf, in place of url")),
    roles: Type.Optional(text("act as the roles that `dataform roles` made with this prefix")),
    publisherUrl: url("what publishes logs in as another user than what builds"),
    readerUrl: url("for which user of the database questions of readers are answered"),
    environment: Type.Optional(text("whose releases these are; main, or the suffix and prefix")),
    vars: Type.Optional(mapOf(anyText('in quotes: "3", not 3'), "variables of the project, before what its file says")),
    defaultSchema: Type.Optional(text("schema of models that name none")),
    assertionSchema: Type.Optional(text("schema in the names of assertions")),
    schemaSuffix: Type.Optional(text("what every schema ends with, behind a _")),
    tablePrefix: Type.Optional(text("what every name begins with, before a _")),
    disableAssertions: isTrue("compiles without assertions"),
    timeout: time("time for compiling"),
    concurrency: count("models built at once"),
    wait: isTrue("waits for another run instead of ending with 75"),
    waitTimeout: time("so long at most"),
    assertions: Type.Optional(
      oneOf(["block", "report"], "whether a failed assertion keeps what it reads out of the release"),
    ),
    allOrNothing: isTrue("publishes nothing when anything failed"),
    publishDeadline: time("how long to try while readers hold the views"),
    horizon: Type.Optional(oneOf(["wait", "publish", "fail"], "about transactions older than the builds")),
    horizonTimeout: time("how long they are waited for"),
    keepReleases: count("releases that are kept at least to go back to"),
    keepFor: time("how long a release is kept at least"),
  },
  "where a run works: what it says comes before variables of the environment, and behind flags",
);

/** `targets.yaml`: the places where a project runs. */
export const targetsSchema = closed(
  {
    default: Type.Optional(text("the target that holds where none is named")),
    targets: mapOf(target, "name: what --target name, or DATAFORM_TARGET, says"),
  },
  "the places where a project runs, each with its database, its schemas and its variables",
);
