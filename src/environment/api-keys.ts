import { createHash, randomBytes } from "node:crypto";
import { UserError } from "../model/errors.ts";
import type { Rate } from "../model/rate.ts";
import { type Client, withTransaction } from "../postgres/client.ts";
import { sql } from "../sql/sql.ts";

/** A key for `dataform serve`, as it is known after it was made: without itself. */
export interface ApiKey {
  readonly id: string;
  readonly name: string;
  readonly state: "valid" | "expired" | "revoked";
  readonly scopes: readonly string[];
  readonly rate: Rate | null;
  /** ISO 8601, like the moments below. */
  readonly madeAt: string;
  readonly madeBy: string | null;
  readonly expiresAt: string | null;
  readonly revokedAt: string | null;
}

/** What a server compares with. */
export interface StoredKey extends Pick<ApiKey, "id" | "name" | "scopes" | "rate"> {
  /** SHA-256 of the key. */
  readonly hash: Buffer;
  /** Milliseconds since 1970; infinite where it does not expire. */
  readonly expires: number;
  readonly isRevoked: boolean;
}

interface NewKey extends Pick<ApiKey, "name" | "scopes" | "rate" | "madeBy"> {
  /** Milliseconds from now. */
  readonly expiresIn: number | undefined;
}

/** Valid keys of one name: what has the first goes on while it learns the second. */
const MOST_OF_A_NAME = 2;

export function hashOf(key: string): Buffer {
  return createHash("sha256").update(key).digest();
}

/** `dfk_`, its id, and 256 random bits: programs that look for secrets in files know such a text. */
const KEY = /^dfk_([0-9a-f]{12})_[A-Za-z0-9_-]{43}$/;

/** The id in a key; undefined for what is none. */
export function idIn(key: string): string | undefined {
  return KEY.exec(key)?.[1];
}

/**
 * Makes a key. It is in the answer and nowhere else.
 * @throws UserError where the name has two that are valid
 */
export async function addKey(
  client: Client,
  environment: string,
  { name, scopes, rate, madeBy, expiresIn }: NewKey,
): Promise<ApiKey & { readonly key: string }> {
  const id = randomBytes(6).toString("hex");
  const key = `dfk_${id}_${randomBytes(32).toString("base64url")}`;
  return withTransaction(client, async () => {
    // Two who add at once see each other's.
    await client.query(sql`lock table _dataform.api_key in share row exclusive mode`);
    const valid = (await readKeys(client, environment)).filter((one) => one.name === name && one.state === "valid");
    if (valid.length >= MOST_OF_A_NAME) throw hasTwo(name, valid);
    await client.query(
      sql`
        insert into _dataform.api_key (key_id, environment, name, hash, scopes, rate_requests, rate_seconds, made_by, expires_at)
        values ($1, $2, $3, decode($4, 'hex'), array(select jsonb_array_elements_text($5::jsonb)), $6, $7, $8, now() + make_interval(secs => $9))`,
      [
        ...[id, environment, name, hashOf(key).toString("hex"), JSON.stringify(scopes)],
        ...[rate?.requests ?? null, rate?.seconds ?? null, madeBy],
        expiresIn === undefined ? null : expiresIn / 1000,
      ],
    );
    const made = (await readKeys(client, environment)).find((one) => one.id === id)!;
    return { ...made, key };
  });
}

/** All of an environment, the oldest first. */
export async function readKeys(client: Client, environment: string): Promise<readonly ApiKey[]> {
  const { rows } = await client.query<{ keys: string }>(
    sql`
      select coalesce(jsonb_agg(jsonb_build_object(
        'id', key_id,
        'name', name,
        'state', case when revoked_at is not null then 'revoked' when expires_at <= clock_timestamp() then 'expired' else 'valid' end,
        'scopes', to_jsonb(scopes),
        'rate', case when rate_requests is not null then jsonb_build_object('requests', rate_requests, 'seconds', rate_seconds) end,
        'madeAt', made_at,
        'madeBy', made_by,
        'expiresAt', expires_at,
        'revokedAt', revoked_at
      ) order by made_at, key_id), '[]') as keys
      from _dataform.api_key
      where environment = $1`,
    [environment],
  );
  return JSON.parse(rows[0]!.keys) as ApiKey[];
}

/**
 * Revokes the valid key of an id or of a name; with `all`, every one of a name.
 * @throws UserError where there is none, or a name has two
 */
export function revokeKeys(
  client: Client,
  environment: string,
  which: string,
  all: boolean,
): Promise<readonly ApiKey[]> {
  return withTransaction(client, async () => {
    await client.query(sql`lock table _dataform.api_key in share row exclusive mode`);
    const keys = await readKeys(client, environment);
    const found = keys.filter(({ id, name }) => id === which || name === which);
    const valid = found.filter(({ state }) => state === "valid");
    if (!valid.length) throw noneValid(which, found, keys);
    if (valid.length > 1 && !all) throw several(which, valid);
    const ids = new Set(valid.map(({ id }) => id));
    await client.query(
      sql`update _dataform.api_key set revoked_at = clock_timestamp() where key_id = any ($1::text[])`,
      [[...ids]],
    );
    return (await readKeys(client, environment)).filter(({ id }) => ids.has(id));
  });
}

/** One text for all keys of the environment `$1`: another one means that something of them is different. */
export const keysMark = sql`
  select pg_catalog.md5(pg_catalog.concat(
    (select m.secret::pg_catalog.text from _dataform.metadata as m),
    (select pg_catalog.string_agg(k::pg_catalog.text, ' ' order by k.key_id) from _dataform.api_key as k where k.environment operator(pg_catalog.=) $1)
  ))`;

/** The keys of an environment, and the secret of this database. */
export async function readStoredKeys(
  client: Client,
  environment: string,
): Promise<{ readonly keys: readonly StoredKey[]; readonly secret: Buffer }> {
  const { rows } = await client.query<{ keys: string; secret: string }>(
    sql`
      select
        (select pg_catalog.encode(m.secret, 'hex') from _dataform.metadata as m) as secret,
        (
          select coalesce(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_array(
            k.key_id, k.name, pg_catalog.to_jsonb(k.scopes), pg_catalog.encode(k.hash, 'hex'), k.rate_requests, k.rate_seconds,
            pg_catalog.date_part('epoch', k.expires_at), k.revoked_at is not null
          )), '[]')
          from _dataform.api_key as k
          where k.environment operator(pg_catalog.=) $1
        ) as keys`,
    [environment],
  );
  const { keys, secret } = rows[0]!;
  return { secret: Buffer.from(secret, "hex"), keys: (JSON.parse(keys) as StoredRow[]).map(storedOf) };
}

type StoredRow = readonly [
  id: string,
  name: string,
  scopes: readonly string[],
  hash: string,
  requests: number | null,
  seconds: number | null,
  expires: number | null,
  isRevoked: boolean,
];

function storedOf([id, name, scopes, hash, requests, seconds, expires, isRevoked]: StoredRow): StoredKey {
  return {
    id,
    name,
    scopes,
    hash: Buffer.from(hash, "hex"),
    rate: requests === null || seconds === null ? null : { requests, seconds },
    expires: expires === null ? Number.POSITIVE_INFINITY : expires * 1000,
    isRevoked,
  };
}

function hasTwo(name: string, valid: readonly ApiKey[]): UserError {
  return new UserError({
    message: `${name} has ${MOST_OF_A_NAME} keys that are valid`,
    expected: "one at most: its second is for the time in which it is changed",
    found: valid.map(described).join(", "),
    hint: `\`dataform keys revoke ${valid[0]!.id}\` revokes the older one; whoever else asks gets a name of their own`,
  });
}

function noneValid(which: string, found: readonly ApiKey[], keys: readonly ApiKey[]): UserError {
  const valid = keys.filter(({ state }) => state === "valid").map(({ name, id }) => `${name} (${id})`);
  return new UserError({
    message: found.length ? `${which} has no key that is valid` : `there is no key ${which}`,
    expected: valid.length ? `the name or the id of one of ${valid.join(", ")}` : "a key that is valid: there is none",
    ...(found.length ? { found: found.map(described).join(", ") } : {}),
    hint: "`dataform keys ls` lists them",
  });
}

function several(which: string, valid: readonly ApiKey[]): UserError {
  return new UserError({
    message: `${which} has ${valid.length} keys that are valid`,
    expected: "the id of one",
    found: valid.map(described).join(", "),
    hint: `\`dataform keys revoke ${valid[0]!.id}\` revokes the older one; --all revokes both`,
  });
}

function described({ id, state, madeAt }: ApiKey): string {
  return `${id} (${state}, made ${madeAt})`;
}
