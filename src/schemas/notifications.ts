import { Type } from "typebox";
import { byDefault, closed, duration, listOf, mapOf, mayBeSecret, oneOf, secret, text } from "./words.ts";

/** As short as a message is; whoever is told no sooner is tried again. */
const timeout = byDefault("15s", duration("how long it may take"));

const webhook = closed(
  {
    url: mayBeSecret("where it is sent, by POST: https://…"),
    headers: Type.Optional(mapOf(mayBeSecret("a value"), "headers that are sent along")),
    timeout,
  },
  "what happened as JSON",
);

const slack = closed(
  { url: mayBeSecret("an incoming webhook, or that of a tool that takes the same: a secret"), timeout },
  "a message of Slack's form: text and blocks",
);

const email = closed(
  {
    host: text("the SMTP server"),
    port: byDefault(587, Type.Integer({ minimum: 1, maximum: 65_535, description: "its port" })),
    tls: byDefault(
      "required" as const,
      oneOf(
        ["required", "implicit", "none"],
        "STARTTLS, or nothing is sent; TLS from the first byte on (port 465); none",
      ),
    ),
    user: Type.Optional(text("whom it logs in as")),
    password: Type.Optional(secret("of that user")),
    from: text("who it is from: Data <data@example.com>"),
    to: listOf(text("an address"), "who gets it", { minItems: 1 }),
    timeout,
  },
  "a mail",
);

const command = closed(
  {
    run: listOf(text("a word"), "the program and its arguments, in the folder of the project", { minItems: 1 }),
    env: Type.Optional(mapOf(mayBeSecret("a value"), "variables that it gets, besides PATH, HOME and LANG")),
    timeout: byDefault("30s", duration("how long it may take")),
  },
  "a program that gets what happened as JSON on its stdin; it ends with 0 where it was told",
);

const channel = closed(
  {
    webhook: Type.Optional(webhook),
    slack: Type.Optional(slack),
    email: Type.Optional(email),
    command: Type.Optional(command),
    every: byDefault("1s", duration("the least time from one message to the next: what comes meanwhile goes together")),
  },
  "one way by which somebody is told: one of webhook, slack, email and command",
);

/** What somebody may be told of. */
export const KINDS = ["failure", "guard", "held", "freshness", "schema"] as const;

const rule = closed(
  {
    to: listOf(text("a channel"), "who is told", { minItems: 1 }),
    on: byDefault(
      [...KINDS, "recovery" as const],
      listOf(
        oneOf(
          [...KINDS, "recovery"],
          "failure: of a run, a model, an assertion, a load, a schedule; guard: a model loses more than it may; held: it is kept out of the release; freshness; schema: a source's fields are others; recovery: it is over",
        ),
        "of what",
        { minItems: 1 },
      ),
    ),
    products: Type.Optional(
      listOf(text("a folder of definitions/, or a source of ingest/"), "of these alone", { minItems: 1 }),
    ),
    tags: Type.Optional(listOf(text("a tag"), "of what has one of these alone", { minItems: 1 })),
  },
  "who is told of what",
);

const openlineage = closed(
  {
    url: Type.Optional(mayBeSecret("where events are sent, by POST: https://marquez.example.com/api/v1/lineage")),
    token: Type.Optional(secret("sent as Authorization: Bearer")),
    file: Type.Optional(text("or a file, a line for each event, from the folder of the project on")),
    namespace: Type.Optional(text("of the jobs; the name of the project where it is not said")),
    database: Type.Optional(
      text("namespace of the tables; postgres://host:port of the database in use where it is not said"),
    ),
  },
  "events of OpenLineage for each run",
);

/** `notifications.yaml`. */
export const notificationsSchema = closed(
  {
    site: Type.Optional(text("where the pages of the site are, for links: https://data.example.com/")),
    channels: byDefault({}, mapOf(channel, "by their names")),
    rules: byDefault([], listOf(rule, "each is looked at by itself; of one channel nobody is told twice")),
    openlineage: Type.Optional(openlineage),
  },
  "who is told when something is wrong, and when it is over: `dataform notify`",
);
