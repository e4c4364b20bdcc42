import { randomBytes, timingSafeEqual } from "node:crypto";
import { hashOf, idIn, type StoredKey } from "../../environment/api-keys.ts";
import { Bucket } from "./bucket.ts";

/** Whoever has a key, while it is known. */
export interface KeyHolder {
  readonly key: StoredKey;
  readonly scopes: ReadonlySet<string>;
  readonly bucket: Bucket | undefined;
  /** Comes when the key is revoked. */
  readonly revoked: AbortController;
}

/** The hash that no key has: whoever names no id is compared with it, so that their answer takes as long. */
const NOBODY = randomBytes(32);

/** The keys of an environment, as they are in the database. */
export class Keyring {
  #holders: ReadonlyMap<string, KeyHolder> = new Map();
  #hasBeen = false;

  /** Whether a key was ever made, also one that is revoked: whoever made it wanted to know who asks. */
  get isInUse(): boolean {
    return this.#hasBeen;
  }

  get keys(): readonly StoredKey[] {
    return [...this.#holders.values()].map(({ key }) => key);
  }

  /** Takes what is in the database now. What keys began that are revoked ends. */
  replace(keys: readonly StoredKey[]): void {
    this.#hasBeen ||= keys.length > 0;
    const before = this.#holders;
    const holders = new Map<string, KeyHolder>();
    for (const key of keys) if (!key.isRevoked) holders.set(key.id, holderOf(key, before.get(key.id)));
    this.#holders = holders;
    for (const [id, { revoked }] of before) if (!holders.has(id)) revoked.abort(new Error("the key was revoked"));
  }

  /** Whose key this is; undefined for what is none, or expired. Takes as long for every text. */
  find(text: string): KeyHolder | undefined {
    const holder = this.#holders.get(idIn(text) ?? "");
    const isSame = timingSafeEqual(hashOf(text), holder?.key.hash ?? NOBODY);
    return isSame && holder && holder.key.expires > Date.now() ? holder : undefined;
  }
}

/** What is left of the key's requests stays left, whatever else of it changes. */
function holderOf(key: StoredKey, before: KeyHolder | undefined): KeyHolder {
  const { rate, scopes } = key;
  const was = before?.key.rate;
  const isSame = rate?.requests === was?.requests && rate?.seconds === was?.seconds;
  return {
    key,
    scopes: new Set(scopes),
    bucket: before && isSame ? before.bucket : rate ? new Bucket(rate, performance.now()) : undefined,
    revoked: before?.revoked ?? new AbortController(),
  };
}
