import { recordStart } from "../environment/metadata.ts";
import { recordFinish } from "../environment/record-end.ts";
import { type Session, type SessionOptions, withSession } from "../environment/session.ts";
import type { Catalog } from "../model/catalog.ts";
import type { ConnectionSettings } from "../model/connection-settings.ts";
import { UserError, UserErrors } from "../model/errors.ts";
import type { ProjectIdentity } from "../model/graph.ts";
import { FENCED, type RetireReport } from "../model/release.ts";
import { targetKey } from "../model/target.ts";
import { refuseStranger } from "../plan/owner.ts";
import { type Client, withClient } from "../postgres/client.ts";
import { readCatalog } from "../postgres/read-catalog.ts";
import { connectionLost, IN_THE_WAY, SQLSTATE, sqlState } from "../postgres/sqlstate.ts";
import { labelled } from "../sql/ddl.ts";
import { relationId } from "../sql/identifiers.ts";
import { dollarQuoted, literal } from "../sql/literals.ts";
import { join, sql } from "../sql/sql.ts";
import { until } from "../wait/until.ts";
import { collect } from "./collect.ts";
import { atRandom, blockers } from "./publish.ts";
import { asideNote, readSetAside, rememberSetAside, type SetAside } from "./set-aside.ts";
import { readReleases, refuseAlteredReleases } from "./store.ts";

export interface RetireOptions extends SessionOptions {
  /**
   * Milliseconds to keep trying while readers hold the views.
   * @default 60_000
   */
  readonly publishDeadline?: number;
  /** Whose environment it should be; without it anybody's. */
  readonly project?: ProjectIdentity;
}

/** Milliseconds that the first attempt may take, and any. */
const HOLD = { first: 1_000, longest: 8_000 };

/** Nothing is forgotten but what is retired. */
const ALWAYS = 1_000 * 365 * 86_400_000;
const KEEP_ALL = {
  releases: Number.MAX_SAFE_INTEGER,
  age: 0,
  runs: Number.MAX_SAFE_INTEGER,
  runsAge: ALWAYS,
  failingRowsAge: ALWAYS,
};

/**
 * Takes published models out of the database: their public views, in one transaction, and their private objects, of every
 * release. No release has them any more, so none can be gone back to with them.
 * @param choose which of the published models, by `schema.name`
 * @throws UserErrors that name what others built on them; nothing is changed then
 */
export async function retire(
  settings: ConnectionSettings,
  choose: (published: readonly string[]) => readonly string[],
  options: RetireOptions = {},
): Promise<RetireReport> {
  return withSession(settings, { ...options, existing: true }, async (session) => {
    const { client, environment, runId, fence, failpoint } = session;
    const catalog = await readCatalog(client, environment, []);
    if (options.project && !settings.embedded) refuseStranger(options.project, catalog);
    const keys = choose(Object.keys(catalog.manifest).sort());
    await refuseRead(keys, catalog, client);
    await refuseWaiting(keys, environment, client);
    const asides = await readSetAside(
      client,
      environment,
      keys.map((key) => catalog.manifest[key]!.target),
    );
    const aside = asides.filter(({ target }) => keys.includes(targetKey(target)));
    const notes = [`retired: ${keys.join(", ")}`];
    await recordStart(client, { runId, environment, fence, releases: 0, coreVersion: null, notes });
    try {
      await dropViews({ keys, aside }, catalog, session, options.publishDeadline ?? 60_000);
    } catch (error) {
      if (!connectionLost(error)) await recordFinish(client, runId, "failure");
      throw error;
    }
    const { kept } = await withClient(
      settings,
      { applicationName: `dataform-build-${runId}`, duty: "builder", names: "ours", ...session.others },
      (builder) => collect({ record: client, builder }, environment, KEEP_ALL, catalog.nextRelease - 1, failpoint),
    );
    const left = await stillThere(keys, environment, client);
    await recordFinish(client, runId, "success");
    return { version: 1, runId, environment, models: keys, warnings: [...kept, ...left, ...aside.map(asideNote)] };
  });
}

/** What reads a model would lose it. */
async function refuseRead(keys: readonly string[], catalog: Catalog, client: Client): Promise<void> {
  const retired = new Set(keys);
  const inside = await readersInside(keys, catalog, client);
  const errors = keys.flatMap((key) => {
    const { dependents = [], kind, published } = catalog.relations[key] ?? {};
    const outside = dependents.filter((one) => one.kind !== "private" && !retired.has(targetKey(one.target)));
    const readers = [...outside.map(({ what }) => what), ...inside(key)];
    if (readers.length)
      return new UserError({
        message: `${key} cannot be retired: others read it`,
        found: readers.join(", "),
        hint: "take what reads it away first, or let it read something else; a model of the project by the next run",
        exitCode: 1,
      });
    if (kind === undefined || (kind === "view" && published)) return [];
    return new UserError({
      message: `${key} cannot be retired: a ${kind} that this project did not make has its name`,
      hint: "rename that, and retire the model then",
      exitCode: 1,
    });
  });
  if (errors.length) throw errors.length === 1 ? errors[0]! : new UserErrors(errors);
}

/** Models that stay and whose private views read private objects of one that is retired. */
async function readersInside(keys: readonly string[], { manifest }: Catalog, client: Client) {
  const objectsOf = (key: string) => {
    const { object, storage } = manifest[key]!;
    return [object, ...(storage ? [storage.table] : [])];
  };
  const owners = new Map(Object.keys(manifest).map((key) => [manifest[key]!.object, key]));
  const { rows } = await client.query<{ reader: string; read: string }>(
    sql`
      select distinct v.relname as reader, c.relname as read
      from pg_class as c
      join pg_depend as d
        on d.refclassid = 'pg_class'::regclass and d.refobjid = c.oid and d.classid = 'pg_rewrite'::regclass
      join pg_rewrite as w
        on w.oid = d.objid
      join pg_class as v
        on v.oid = w.ev_class and v.relnamespace = c.relnamespace
      where c.relnamespace = '_dataform'::regnamespace and c.relname = any($1::text[])`,
    [keys.flatMap(objectsOf)],
  );
  return (key: string) => {
    const own = objectsOf(key);
    const readers = rows.filter(({ read }) => own.includes(read)).flatMap(({ reader }) => owners.get(reader) ?? []);
    return [...new Set(readers)].filter((reader) => !keys.includes(reader));
  };
}

/** Views of earlier releases of other models may read them: those can still be gone back to. */
async function stillThere(keys: readonly string[], environment: string, client: Client): Promise<string[]> {
  const { rows } = await client.query<{ target: string }>(
    sql`
      select distinct ${labelled(sql`label.description`, "target")} as target
      from pg_class as c
      join pg_description as label
        on label.classoid = 'pg_class'::regclass and label.objoid = c.oid and label.objsubid = 0
      where c.relnamespace = '_dataform'::regnamespace
        and ${labelled(sql`label.description`, "environment")} = $1
        and ${labelled(sql`label.description`, "target")} = any($2::text[])
      order by 1`,
    [environment, keys],
  );
  return rows.map(
    ({ target }) =>
      `${target}: kept releases of other models, or somebody else's view, still read its private objects; runs drop them once nothing does`,
  );
}

async function refuseWaiting(keys: readonly string[], environment: string, client: Client): Promise<void> {
  const releases = await readReleases(client, environment);
  // What it keeps is not known, and nothing is dropped that may be needed.
  refuseAlteredReleases(releases);
  const waiting = releases.find(
    ({ status, items = [] }) => status === "waiting" && items.some(({ target }) => keys.includes(targetKey(target))),
  );
  if (!waiting) return;
  throw new UserError({
    message: `release ${waiting.release} waits to be published and has ${keys.join(", ")}`,
    hint: "`dataform publish` publishes it, the next run replaces it; retire then",
    exitCode: 1,
  });
}

/** The public views and every release's record of the models, or neither. Readers are never kept waiting for long. */
async function dropViews(
  { keys, aside }: { readonly keys: readonly string[]; readonly aside: readonly SetAside[] },
  catalog: Catalog,
  session: Session,
  deadline: number,
): Promise<void> {
  const { client, environment, fence, signal, events } = session;
  const views = keys.filter((key) => catalog.relations[key]).map((key) => relationId(catalog.manifest[key]!.target));
  const body = sql`
    begin
      perform from _dataform.environment where name = ${literal(environment)} and fence = ${literal(fence)} for update;
      if not found then
        raise exception 'another run has taken over environment %', ${literal(environment)} using errcode = ${literal(FENCED)};
      end if;
      ${join(
        views.map((view) => sql`drop view ${view};`),
        "\n",
      )}
      ${rememberSetAside(environment, aside)};
      update _dataform.release set manifest = manifest - array[${keys.map((key) => literal(key))}]::text[]
      where environment = ${literal(environment)} and manifest is not null;
    end`;
  let hold = HOLD.first;
  let held = hold;
  let isSlow = false;
  const look = async (): Promise<true | undefined> => {
    try {
      await client.script(sql`
        begin;
        set local lock_timeout = '5ms';
        set local statement_timeout = ${literal(`${hold}ms`)};
        do ${dollarQuoted(body)};
        commit`);
      return true;
    } catch (error) {
      await client.query(sql`rollback`).catch(() => {});
      const code = sqlState(error) ?? "";
      // Cut off by our own limit on how long readers are held: nobody is in the way, the work takes longer.
      isSlow = code === SQLSTATE.queryCanceled;
      if (!isSlow && !IN_THE_WAY.has(code)) throw error;
      held = hold;
      if (isSlow) hold = Math.min(2 * hold, HOLD.longest);
      return undefined;
    }
  };
  const who = () =>
    blockers(
      keys.filter((key) => catalog.relations[key]).map((key) => catalog.manifest[key]!.target),
      client,
    );
  const describe = async () =>
    isSlow ? `dropping takes longer than ${held / 1000} s` : `readers hold ${keys.join(", ")}: ${await who()}`;
  const tell = (what: string) => events.waiting?.(what);
  const done = await until({ look, every: atRandom, deadline, signal, describe, tell });
  if (!done) throw isSlow ? tooSlow(keys, held) : heldByReaders(keys, await who());
}

function tooSlow(keys: readonly string[], held: number): UserError {
  return new UserError({
    message: `dropping the views of ${keys.join(", ")} takes longer than ${held / 1000} s: nothing was retired`,
    found: "no reader in the way; readers would have been held for as long",
    hint: "try again when the server has less to do, look at its event triggers, or try for longer with --publish-deadline",
    exitCode: 1,
  });
}

function heldByReaders(keys: readonly string[], who: string): UserError {
  return new UserError({
    message: `readers hold ${keys.join(", ")}: nothing was retired`,
    found: who,
    hint: "try again when they have ended, or for longer with --publish-deadline",
    exitCode: 1,
  });
}
