import type { Manifest } from "../../model/catalog.ts";
import type { ConnectionSettings } from "../../model/connection-settings.ts";
import type { Client } from "../../postgres/client.ts";
import type { ReadPool } from "../../postgres/read-pool.ts";
import { LOOK_EVERY, type Recorded, watchRecord } from "../../release/published.ts";
import { readKeptRelease, readNamedRelease } from "../../release/store.ts";

/** So long after a look began its answer is believed, in milliseconds: two looks may be late, and then the database is asked. */
const BELIEVED = 2 * LOOK_EVERY;
/** Manifests that are kept in memory. */
const MOST = 4;

interface Followed {
  readonly signal: AbortSignal;
  /** Readers have another release. */
  readonly onRelease: (release: number | null) => void;
  /** Keys were made, revoked or changed; called with the first look, too, and again with the next one where it fails. */
  readonly onKeys?: (client: Client) => Promise<void>;
  readonly onLost: (error: Error) => void;
  readonly onFound: () => void;
}

interface KeysFollowed extends Required<Pick<Followed, "signal" | "onKeys" | "onLost" | "onFound">> {
  /** Who looks: the server, or, where it has pages alone, who makes those. */
  readonly duty: "server" | "publisher";
}

/** Tells of keys that were made, revoked or changed, until the signal comes. */
export function followKeys(
  settings: ConnectionSettings,
  environment: string,
  { onKeys, ...how }: KeysFollowed,
): Promise<void> {
  const look = keysLook(onKeys);
  const onLook = (recorded: Recorded, _begun: number, client: Client) => look(recorded, client);
  return watchRecord(settings, environment, { ...how, onLook });
}

/** Tells with each look whether there are other keys; where that fails it is told again. */
function keysLook(onKeys: Followed["onKeys"]) {
  let known: string | null | undefined;
  return async ({ keys }: Recorded, client: Client): Promise<void> => {
    if (keys === known) return;
    if (keys !== null) await onKeys?.(client);
    known = keys;
  };
}

/**
 * Which release readers have, and what it consists of. Notifications are hints: the record is looked at once a second, and each
 * page that is read brings the release of its own snapshot.
 */
export class Releases {
  readonly #pool: ReadPool;
  readonly #environment: string;
  readonly #manifests = new Map<number, Promise<Manifest | undefined>>();
  #current: number | null = null;
  #lookedAt = Number.NEGATIVE_INFINITY;
  #onRelease: Followed["onRelease"] = () => {};

  constructor(pool: ReadPool, environment: string) {
    this.#pool = pool;
    this.#environment = environment;
  }

  /** Follows the record until the signal comes. */
  async follow(settings: ConnectionSettings, { onRelease, onKeys, ...how }: Followed): Promise<void> {
    this.#onRelease = onRelease;
    const ofKeys = keysLook(onKeys);
    const onLook = async (recorded: Recorded, begun: number, client: Client) => {
      const { release } = recorded;
      this.#notice(release === null ? null : Number(release), begun);
      await ofKeys(recorded, client);
    };
    await watchRecord(settings, this.#environment, { ...how, duty: "server", onLook });
  }

  /** Whether the record was looked at a moment ago. Where it was not, answers that were kept are passed by. */
  get isCertain(): boolean {
    return performance.now() - this.#lookedAt < BELIEVED;
  }

  /** Whether readers surely have it. */
  isCurrent(release: number): boolean {
    return release === this.#current && this.isCertain;
  }

  /**
   * What readers have.
   * @param ask the database, whatever is known
   */
  async current(ask: boolean): Promise<number | null> {
    if (!ask && this.isCertain) return this.#current;
    const begun = performance.now();
    const release = await this.#pool.use((client) => readNamedRelease(client, this.#environment));
    this.#notice(release, begun);
    return release;
  }

  /** A page that was asked for at `begun` was read in a snapshot in which readers had this release. */
  noticed(release: number | null, begun: number): void {
    this.#notice(release, begun);
  }

  /** Undefined for one that is collected, or never was. */
  manifest(release: number): Promise<Manifest | undefined> {
    const known = this.#manifests.get(release);
    if (known) return known;
    const read = this.#pool.use((client) => readKeptRelease(client, this.#environment, release));
    this.#manifests.set(release, read);
    read.then(
      (manifest) => manifest ?? this.#manifests.delete(release),
      () => this.#manifests.delete(release),
    );
    for (const old of this.#manifests.keys()) {
      if (this.#manifests.size <= MOST) break;
      if (old !== this.#current) this.#manifests.delete(old);
    }
    return read;
  }

  /** Objects of the release are gone. */
  forget(release: number): void {
    this.#manifests.delete(release);
  }

  /** Numbers of releases grow: a lower one was read before. */
  #notice(release: number | null, begun: number): void {
    const isNewer = release !== null && release > (this.#current ?? 0);
    if (begun < this.#lookedAt && !isNewer) return;
    this.#lookedAt = Math.max(begun, this.#lookedAt);
    if (release === this.#current) return;
    this.#current = release;
    this.#onRelease(release);
  }
}
