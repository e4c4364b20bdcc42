import { hasMetadata } from "../environment/layout.ts";
import type { Column, Manifest, ManifestEntry } from "../model/catalog.ts";
import type { ConnectionSettings } from "../model/connection-settings.ts";
import { UserError } from "../model/errors.ts";
import type { ModelDiff, ReleaseDiff } from "../model/release.ts";
import { type Client, type ConnectOptions, withClient, withTransaction } from "../postgres/client.ts";
import { readDamage } from "../postgres/read-damage.ts";
import { onlyReads, sqlState } from "../postgres/sqlstate.ts";
import { compareRows } from "../sql/compare.ts";
import { PRIVATE_SCHEMA, privateId } from "../sql/names.ts";
import { sql } from "../sql/sql.ts";
import { readReleases, refuseAlteredReleases } from "./store.ts";

/** Compares two kept releases, model by model, in one snapshot. */
export async function diffReleases(
  settings: ConnectionSettings,
  environment: string,
  from: number,
  to: number,
  reach: Pick<ConnectOptions, "signal" | "onWait"> = {},
): Promise<ReleaseDiff> {
  const releases = await withClient(
    settings,
    { ...reach, applicationName: "dataform-diff", duty: "publisher" },
    async (client) => ((await hasMetadata(client)) ? readReleases(client, environment) : []),
  );
  const manifest = (number: number) => keptManifest(releases, number, environment);
  const [before, after] = [manifest(from), manifest(to)];
  // What the views call is the authors': the builder reads them.
  return withClient(settings, { ...reach, applicationName: "dataform-diff", duty: "builder" }, (client) =>
    withTransaction(
      client,
      async () => {
        // Floating-point numbers that are compared as JSON have all their digits.
        await client.query(sql`set local extra_float_digits = 1`);
        await refuseDamaged(client, before, after);
        const models = await diffManifests(client, before, after).catch((error) => Promise.reject(reading(error)));
        return { version: 1, environment, from, to, models };
      },
      sql`begin transaction isolation level repeatable read read only`,
    ),
  );
}

/** What a view calls may write, which nothing that compares may. */
function reading(error: unknown): unknown {
  const hint = onlyReads(sqlState(error));
  return hint ? new UserError({ message: (error as Error).message, hint, cause: error }) : error;
}

function keptManifest(
  releases: Awaited<ReturnType<typeof readReleases>>,
  number: number,
  environment: string,
): Manifest {
  const asked = releases.filter(({ release }) => release === number);
  refuseAlteredReleases(asked);
  const manifest = asked[0]?.manifest;
  if (manifest) return manifest;
  const kept = releases.filter((release) => release.manifest).map(({ release }) => release);
  throw new UserError({
    message: `release ${number} of environment ${environment} is not kept`,
    expected: kept.length ? `one of ${kept.join(", ")}` : "a kept release",
    hint: "`dataform releases` lists them",
  });
}

/** @throws UserError where somebody dropped what would be compared, or a column of it */
async function refuseDamaged(client: Client, before: Manifest, after: Manifest): Promise<void> {
  for (const manifest of [before, after]) {
    for (const [object, damage] of Object.entries(await readDamage(client, manifest))) {
      const key = Object.keys(manifest).find((one) => manifest[one]!.object === object);
      if (key === undefined || before[key]?.object === after[key]?.object) continue;
      throw new UserError({
        message: `${key} cannot be compared: its private object is not as it was made`,
        found: `${PRIVATE_SCHEMA}.${object}: ${damage}`,
        hint: "compare releases that `dataform run` has built since",
      });
    }
  }
}

async function diffManifests(client: Client, from: Manifest, to: Manifest): Promise<ModelDiff[]> {
  const keys = [...new Set([...Object.keys(from), ...Object.keys(to)])].sort();
  const diffs: ModelDiff[] = [];
  for (const model of keys) {
    const [before, after] = [from[model], to[model]];
    if (before?.object === after?.object) continue;
    diffs.push(
      before && after ? await diffModel(client, model, before, after) : await onlyOne(client, model, before, after),
    );
  }
  return diffs;
}

const same = { rowsChanged: 0, columnsAdded: [], columnsRemoved: [], columnsRetyped: [] };

async function onlyOne(
  client: Client,
  model: string,
  before?: ManifestEntry,
  after?: ManifestEntry,
): Promise<ModelDiff> {
  const { rows } = await client.query<{ count: string }>(
    sql`select count(*) from ${privateId((before ?? after)!.object)}`,
  );
  const count = Number(rows[0]!.count);
  return {
    ...same,
    model,
    change: after ? "added" : "removed",
    rowsAdded: after ? count : 0,
    rowsRemoved: after ? 0 : count,
  };
}

async function diffModel(
  client: Client,
  model: string,
  before: ManifestEntry,
  after: ManifestEntry,
): Promise<ModelDiff> {
  const types = new Map(before.columns.map(({ name, type }) => [name, type]));
  const common = after.columns.filter(({ name }) => types.has(name));
  const has = (columns: readonly Column[], name: string) => columns.some((column) => column.name === name);
  const key = after.key?.every((name) => has(common, name)) ? after.key : undefined;
  const columns = common.map(({ name, type }) => ({ name, before: types.get(name)!, after: type }));
  const { rows } = await client.query<Record<"added" | "removed" | "changed", string>>(
    compareRows(privateId(before.object), privateId(after.object), columns, key),
  );
  const { added, removed, changed } = rows[0]!;
  return {
    model,
    change: "rebuilt",
    ...(key ? { key } : {}),
    rowsAdded: Number(added),
    rowsRemoved: Number(removed),
    rowsChanged: Number(changed),
    columnsAdded: after.columns.filter(({ name }) => !types.has(name)).map(({ name }) => name),
    columnsRemoved: before.columns.filter(({ name }) => !has(after.columns, name)).map(({ name }) => name),
    columnsRetyped: common
      .filter(({ name, type }) => types.get(name) !== type)
      .map(({ name, type }) => `${name}: ${types.get(name)} → ${type}`),
  };
}
