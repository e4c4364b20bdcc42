import { describeHold, liftCommand } from "../../environment/hold.ts";
import { OLDEST_SERVER, tooOld } from "../../environment/layout.ts";
import { notAllowed } from "../../environment/session.ts";
import { counted, named } from "../../model/counted.ts";
import { noRoomForLocks } from "../../postgres/lock-room.ts";
import { notUnicode, UNICODE } from "../../postgres/unicode.ts";
import { bytes } from "../show/bytes.ts";
import { lasting } from "../show/lasting.ts";
import { minuteOf } from "../show/minute.ts";
import type { DatabaseFacts, EmbeddedFacts, ProjectFacts, RecordFacts, RightsFacts, ServerFacts } from "./facts.ts";
import { failed, ok, warning } from "./findings.ts";

/** Milliseconds of a question and its answer, from which on a run takes longer by them than by what it builds. */
const FAR = 50;

export function judgeConnection(database: DatabaseFacts, server: ServerFacts) {
  const { user, isSuperuser, login, roundTrip, noSession, way } = server;
  const who = `as ${user}${isSuperuser ? ", a superuser" : ""}`;
  const pooler = way.pooling ? [ok("pooler", "one is between, and keeps sessions: everything works")] : [];
  return [
    ok("login", `${who}, in ${milliseconds(login)}`),
    judgeTls(database, server),
    roundTrip < FAR
      ? ok("round trip", milliseconds(roundTrip))
      : warning(
          "round trip",
          milliseconds(roundTrip),
          "run it nearer to the server: a model takes some questions and answers, one after the other",
        ),
    ...(noSession ? [failed("pooler", noSession)] : pooler),
  ];
}

const OF_THIS_MACHINE = /^(?:localhost|127\.\d+\.\d+\.\d+|::1|\/.*)$/;

function judgeTls({ host, verifies }: DatabaseFacts, { way: { tls } }: ServerFacts) {
  if (tls === undefined)
    return OF_THIS_MACHINE.test(host)
      ? ok("encryption", "none, and none is needed: the server is on this machine")
      : warning(
          "encryption",
          `none: who is between this machine and ${host} can read and change what is sent`,
          "let the server take TLS, and say sslmode=verify-full with sslrootcert=file (docs/cli.md, Which database)",
        );
  if (verifies === "host") return ok("encryption", `${tls}, and the certificate is for ${host}`);
  if (verifies === "signer") return ok("encryption", `${tls}, and a known authority signed the certificate`);
  return ok("encryption", `${tls}; whose server it is nobody asks (sslmode=verify-full does)`);
}

export function judgeServer(server: ServerFacts, { models }: ProjectFacts, embedded: EmbeddedFacts | undefined) {
  const { version, versionNumber, encoding, databaseBytes } = server;
  return [
    versionNumber < OLDEST_SERVER ? failed("version", tooOld(versionNumber)) : ok("version", `PostgreSQL ${version}`),
    encoding === UNICODE ? ok("encoding", encoding) : failed("encoding", notUnicode(encoding)),
    ...judgeWriting(server),
    judgeConnections(server),
    judgeLocks(server, models),
    ...judgeTimeouts(server),
    judgeCounts(server),
    judgeClock(server),
    ok(
      "size",
      `the database takes ${bytes(databaseBytes)}${embedded ? "" : "; what is free on its disk only its machine knows"}`,
    ),
  ];
}

function judgeWriting({ isStandby, settings, user }: ServerFacts) {
  if (isStandby)
    return [
      failed("writing", {
        message: "this server is a standby, which nobody can write to",
        hint: "name the primary, or both with target_session_attrs=read-write",
      }),
    ];
  if (settings.default_transaction_read_only !== "on") return [];
  return [
    failed("writing", {
      message: "sessions of this login only read: default_transaction_read_only is on",
      hint: `alter role ${user} set default_transaction_read_only = off`,
    }),
  ];
}

/** What a run has open besides what builds: its lock, publishing, who looks for what is waited for, and a reserve. */
const BESIDES = 4;

function judgeConnections({ connectionsLeft: left, connectionsLimit, concurrency }: ServerFacts) {
  const needed = concurrency + BESIDES;
  const found = `${counted(Math.max(0, left), "connection")} left (${connectionsLimit}); a run with --concurrency ${concurrency} takes up to ${needed}`;
  if (left >= needed) return ok("connections", found);
  return warning("connections", found, `close some, raise ${connectionsLimit}, or run with less --concurrency`);
}

/** Objects that publishing a model locks, at most as far as one model is concerned. */
const LOCKS_OF_MODEL = 3;

function judgeLocks({ locks }: ServerFacts, models: number) {
  const needed = models * LOCKS_OF_MODEL;
  if (needed > locks.objects)
    return failed(
      "locks",
      noRoomForLocks(locks, needed, `${counted(models, "model")} may be too many to publish in one commit`),
      "warning",
    );
  return ok(
    "locks",
    `room for ${counted(locks.objects, "object")} in one transaction; publishing all models takes about ${needed}`,
  );
}

function judgeTimeouts({ settings, user }: ServerFacts) {
  const set = ["statement_timeout", "transaction_timeout"].filter((name) => !isOff(settings[name]));
  if (!set.length) return [ok("timeouts", "none that would end a model")];
  return set.map((name) =>
    warning(
      "timeouts",
      `${name} is ${settings[name]}: a model that takes longer is cancelled`,
      `give the role ${user} ${name} = 0, or PGOPTIONS="-c ${name}=0" for these commands`,
    ),
  );
}

/** Servers before 17 have no `transaction_timeout`. */
function isOff(setting: string | undefined): boolean {
  return setting === undefined || setting === "0";
}

function judgeCounts({ settings }: ServerFacts) {
  if (settings.track_counts !== "off") return ok("row counts", "the server keeps them (track_counts)");
  return warning(
    "row counts",
    "track_counts is off: `run --changed` cannot tell whether rows are others, and nothing is analyzed by itself",
    "alter system set track_counts = on, and select pg_reload_conf()",
  );
}

/** Milliseconds between two clocks that nobody need care about. */
const SMALL = 2_000;

function judgeClock({ clockAhead, timeZone, ownTimeZone }: ServerFacts) {
  const zones =
    canonical(timeZone) === canonical(ownTimeZone)
      ? `both in ${ownTimeZone}`
      : `the server is in ${timeZone}, whose day current_date is, and this machine in ${ownTimeZone}`;
  if (Math.abs(clockAhead) <= SMALL) return ok("clock", `as this machine's; ${zones}`);
  return warning(
    "clock",
    `the server's is ${lasting(Math.abs(clockAhead) / 1000)} ${clockAhead > 0 ? "ahead of" : "behind"} this machine's; ${zones}`,
    "let both follow NTP: schedules and releases go by the server's clock, certificates and tokens by this machine's",
  );
}

/** "Etc/UTC" is "UTC"; a name that this machine does not know is as it is. */
function canonical(timeZone: string): string {
  try {
    return new Intl.DateTimeFormat("en", { timeZone }).resolvedOptions().timeZone;
  } catch {
    return timeZone;
  }
}

export function judgeRights({ rights, roles }: ServerFacts) {
  return [
    ...roles.map(({ role, user, failure }) =>
      failure ? failed("role", failure) : ok("role", `${user} can act as ${role}`),
    ),
    ...rights.map(judgeUser),
  ];
}

function judgeUser({ user, roles, mayMakeSchemas, schemas }: RightsFacts) {
  const all = named(
    schemas.map(({ name }) => name),
    5,
  );
  const missing = schemas.filter(({ isThere }) => !isThere && !mayMakeSchemas).map(({ name }) => name);
  const closed = schemas.filter(({ isThere, mayCreate }) => isThere && !mayCreate).map(({ name }) => name);
  const lacks = [
    ...(missing.length ? [`it may not make ${missing.length === 1 ? "schema" : "schemas"} ${named(missing, 5)}`] : []),
    ...(closed.length
      ? [`it may make nothing in ${closed.length === 1 ? "schema" : "schemas"} ${named(closed, 5)}`]
      : []),
  ];
  if (!lacks.length) return ok("schemas", `${user} may make what is needed in ${all}`);
  return failed("schemas", notAllowed(lacks.join(", and "), roles === undefined ? { user } : { user, roles }));
}

export function judgeEnvironment({ environment, layout, newestLayout, summary, failure }: RecordFacts) {
  const found = summary
    ? `${environment}: ${summary.release === null ? "nothing is published yet" : publishedText(summary)}`
    : `${environment}: nothing has run here yet`;
  const record =
    layout === 0
      ? "none yet: the first run makes it"
      : `layout ${layout}${layout < newestLayout ? `, which the next run brings to ${newestLayout}` : ""}`;
  return [
    ...(failure && !summary ? [] : [ok("environment", found)]),
    ...(failure && !summary ? [] : [ok("record", record)]),
    ...(failure ? [failed(summary ? "owner" : "record", failure)] : []),
    ...(summary?.hold
      ? [
          warning(
            "hold",
            describeHold(environment, summary.hold),
            `\`${liftCommand(environment)}\` lets runs publish again`,
          ),
        ]
      : []),
  ];
}

function publishedText({ release, publishedAt, models, bytes: size }: NonNullable<RecordFacts["summary"]>): string {
  const when = publishedAt ? `, published ${minuteOf(publishedAt)}` : "";
  return `release ${release}${when}, with ${counted(models ?? 0, "model")} (${bytes(size)})`;
}

/** "0.4 ms", "12 ms". */
function milliseconds(time: number): string {
  return `${time < 10 ? time.toFixed(1) : Math.round(time)} ms`;
}
