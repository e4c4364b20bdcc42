import { type Static, Type } from "typebox";
import { byDefault, closed, duration, listOf, mapOf, oneOf, text } from "./words.ts";

const names = (what: string) => Type.Optional(listOf(text("a name"), what, { minItems: 1 }));
const yes = (what: string) => Type.Optional(Type.Boolean({ description: what }));

/** What each command takes, by the names of its flags; docs/cli.md says what they do. */
const COMMANDS = {
  ingest: closed(
    {
      sources: names("sources, or source.stream; all of them where not said"),
      full: yes("begin at the beginning"),
      force: yes("land a full batch although it is empty or has shrunk"),
      waitTimeout: Type.Optional(duration("how long to wait for another load of the stream")),
    },
    "`dataform ingest`",
  ),
  freshness: closed(
    { sources: names("sources, or source.stream; all of them where not said") },
    "`dataform freshness`",
  ),
  run: closed(
    {
      select: names("only these, in the words of --select: orders+, tag:daily, selector:nightly"),
      exclude: names("not these, in the same words"),
      actions: names("only these: names, schema.name or patterns with *"),
      tags: names("only actions with one of these tags"),
      includeDeps: yes("and what the selected actions depend on"),
      includeDependents: yes("and what depends on the selected actions"),
      changed: yes("of these, only what is not as it was built last"),
      fullRefresh: yes("rebuild incremental models from scratch, except protected ones"),
      runTests: yes("run the unit tests first"),
      assertions: Type.Optional(oneOf(["block", "report"], "what a failed assertion does")),
      allOrNothing: yes("publish nothing when anything failed"),
      allowLoss: names("models that may lose more rows than their guards allow"),
      concurrency: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, description: "models built at once" })),
      wait: yes("wait when another run is going on"),
      waitTimeout: Type.Optional(duration("how long to wait for another run")),
      publishDeadline: Type.Optional(duration("how long to try while readers hold the views")),
      horizon: Type.Optional(oneOf(["wait", "publish", "fail"], "about transactions older than the builds")),
      horizonTimeout: Type.Optional(duration("how long to wait for them")),
    },
    "`dataform run`",
  ),
  export: closed(
    {
      source: text("a relation of the project: schema.name; or one select"),
      path: text("the file, from the folder of the project on", { pattern: "^[^-]" }),
      to: oneOf(["csv", "ndjson", "parquet", "xlsx"], "the format"),
      orderBy: Type.Optional(text("sorted: day desc, id")),
      delimiter: Type.Optional(text("csv: what stands between two cells")),
      bom: yes("csv: a byte order mark"),
      sheet: Type.Optional(text("xlsx: the name of the sheet")),
    },
    "`dataform export`",
  ),
  notify: closed({}, "`dataform notify`: tells what is wrong by now, as notifications.yaml says"),
};

const step = closed(
  {
    ingest: Type.Optional(COMMANDS.ingest),
    freshness: Type.Optional(COMMANDS.freshness),
    run: Type.Optional(COMMANDS.run),
    export: Type.Optional(COMMANDS.export),
    notify: Type.Optional(COMMANDS.notify),
  },
  "one command, and what it takes",
  { minProperties: 1, maxProperties: 1 },
);

const trigger = closed(
  {
    load: Type.Optional(text("whenever a load of this stream commits: source.stream")),
    file: Type.Optional(
      text("whenever a file comes, or another content of one, that this stream of files would load: source.stream"),
    ),
    every: Type.Optional(duration("how often files are looked for (10s)")),
  },
  "what it runs after, in place of a time",
);

const localTime = (description: string) =>
  Type.String({
    pattern: "^\\d{4}-\\d\\d-\\d\\d(?:[ T]\\d\\d:\\d\\d)?$",
    description: `${description}: 2026-12-24, or 2026-12-24 18:00`,
  });

const line = closed(
  {
    cron: Type.Optional(
      text("when: minute, hour, day of month, month, day of week; with seconds in front: 0 6 * * MON-FRI"),
    ),
    timezone: Type.Optional(text("in which the line is meant: Europe/Berlin; that of the file where not said")),
    on: Type.Optional(trigger),
    text: Type.Optional(text("what it is for")),
    steps: listOf(step, "commands, one after the other; what fails keeps those behind it from beginning", {
      minItems: 1,
      maxItems: 50,
    }),
    timeout: byDefault("6h", duration("how long one step may take")),
    retries: byDefault(
      0,
      Type.Integer({
        minimum: 0,
        maximum: 20,
        description: "how often a step is tried again that failed, or whose process was lost",
      }),
    ),
    retryDelay: byDefault("30s", duration("before it is tried again; twice as long each time, an hour at most")),
    overlap: Type.Optional(
      oneOf(
        ["skip", "queue"],
        "what a due does while the one before goes on: it is left out (a cron), or waits, which one does at a time (on)",
      ),
    ),
    catchUp: byDefault(
      "once",
      oneOf(
        ["skip", "once", "all"],
        "what becomes of dues that nobody was there for: none runs, the latest, or all in order",
      ),
    ),
    catchUpWithin: byDefault("7d", duration("how old a due may be that is made up for, when it begins")),
    jitter: Type.Optional(duration("begins later by a part of this that hangs on line and due: the same everywhere")),
    blackout: Type.Optional(
      listOf(
        closed(
          {
            from: localTime("its beginning, in the zone of the line"),
            until: localTime("its end, which is no part of it"),
          },
          "a time in which no due runs, and nothing begins",
        ),
        "times in which no due runs, and nothing begins",
        { minItems: 1 },
      ),
    ),
    enabled: byDefault(true, Type.Boolean({ description: "whether it has any dues" })),
  },
  "a line: when, and which commands",
);

/** `schedules.yaml`. */
export const schedulesSchema = closed(
  {
    timezone: byDefault("UTC", text("of every line that says none: Europe/Berlin")),
    schedules: mapOf(line, "lines by their names"),
  },
  "what `dataform schedule` runs, and when",
);

type WrittenSchedules = Static<typeof schedulesSchema>;
export type WrittenLine = WrittenSchedules["schedules"][string];
export type WrittenStep = WrittenLine["steps"][number];
