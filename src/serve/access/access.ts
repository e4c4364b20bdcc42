import type { IncomingMessage } from "node:http";
import type { FastifyRequest } from "fastify";
import { idIn } from "../../environment/api-keys.ts";
import type { DeclaredEndpoint } from "../../model/api.ts";
import { EXPLORE_SCOPE } from "../../model/explore.ts";
import { Problem } from "../api/problem.ts";
import type { Bucket } from "./bucket.ts";
import { credentialOf, isForwarded } from "./credential.ts";
import type { Keyring } from "./keyring.ts";
import type { Tokens } from "./tokens.ts";

/** Who may ask where no key is. `all`: everybody; `local`: whoever is on this machine, until a key is made; `none`: nobody. */
export type Openness = "all" | "local" | "none";

interface Parts {
  readonly openness: Openness;
  readonly keyring: Keyring;
  readonly tokens: Tokens | undefined;
  readonly log: (line: string) => void;
}

/** Whoever asks: what they may ask for, and when no longer. */
interface Asking {
  /** What their key is called, or the subject of their token. */
  readonly name: string;
  readonly scopes: ReadonlySet<string>;
  readonly revoked?: AbortSignal;
}

/** Between two lines on requests that were refused, in milliseconds. */
const TELL_EVERY = 60_000;

/** Decides who may ask for what. */
export class Access {
  readonly #parts: Parts;
  #refused = 0;
  #toldAt = Number.NEGATIVE_INFINITY;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Whether somebody without a key may ask for what is not public. */
  get isOpen(): boolean {
    return this.#parts.openness === "all" || this.isOpenHere;
  }

  /** Whether whoever is on this machine may ask for everything. */
  get isOpenHere(): boolean {
    const { openness, keyring, tokens } = this.#parts;
    return openness === "local" && !keyring.isInUse && !tokens;
  }

  /** @throws Problem where whoever asks may not */
  async allow(
    request: FastifyRequest,
    { access, scope }: Pick<DeclaredEndpoint, "access" | "scope">,
  ): Promise<AbortSignal | undefined> {
    if (access === "public" || this.#parts.openness === "all") return undefined;
    return (await this.#allow(request, scope))?.revoked;
  }

  /**
   * Whoever sends something, by the name of their key: what has two keys is one. Empty where nobody is asked; everybody may read without
   * a key, and nobody may send.
   * @param said a key that stands elsewhere than in a header, where a page cannot send one
   * @throws Problem where whoever asks may not
   */
  async nameOfSender(request: FastifyRequest, scope: string, said: string | undefined): Promise<string> {
    return (await this.#allow(request, scope, said))?.name ?? "";
  }

  /**
   * Whether whoever asks surely may, without waiting. It counts against a rate then, as `allow` does: one of both is asked. Who may not
   * is refused by `allow`.
   */
  admits(request: IncomingMessage, { access, scope }: Pick<DeclaredEndpoint, "access" | "scope">): boolean {
    const { openness, keyring } = this.#parts;
    if (access === "public" || openness === "all") return true;
    if (this.isOpenHere) return !isForwarded(request);
    const credential = soleCredentialOf(request);
    const holder = credential === undefined ? undefined : keyring.find(credential);
    return holder?.scopes.has(scope) === true && !holder.bucket?.take(performance.now());
  }

  /**
   * Where everybody may ask without a key, that is for what endpoints answer: not for all that the server's login may read.
   * @throws Problem where whoever asks may not
   */
  async allowToExplore(request: FastifyRequest): Promise<AbortSignal | undefined> {
    return (await this.#allow(request, EXPLORE_SCOPE))?.revoked;
  }

  async #allow(request: FastifyRequest, scope: string, said?: string): Promise<Asking | undefined> {
    const forwarded = this.isOpenHere && isForwarded(request.raw);
    if (this.isOpenHere && !forwarded) return undefined;
    const credential = credentialOf(request.raw) ?? said;
    const asking = await this.#whoHas(credential ?? "");
    if (!asking) {
      this.#refuse(request);
      throw unauthorized(credential !== undefined, forwarded);
    }
    if (!asking.scopes.has(scope)) throw forbidden(scope, asking.scopes);
    return asking;
  }

  async #whoHas(credential: string): Promise<Asking | undefined> {
    const { keyring, tokens } = this.#parts;
    if (tokens && idIn(credential) === undefined && credential) {
      const holder = await tokens.find(credential);
      if (holder) take(holder);
      return holder;
    }
    const holder = keyring.find(credential);
    if (!holder) return undefined;
    take(holder);
    return { name: holder.key.name, scopes: holder.scopes, revoked: holder.revoked.signal };
  }

  /** Whoever guesses is seen, and cannot fill a log. */
  #refuse({ ip, url }: FastifyRequest): void {
    this.#refused++;
    const now = performance.now();
    if (now - this.#toldAt < TELL_EVERY) return;
    const others = this.#refused > 1 ? `; ${this.#refused - 1} more since the last such line` : "";
    this.#parts.log(`${url.split("?")[0]} was asked for without a valid key, from ${ip}${others}`);
    this.#toldAt = now;
    this.#refused = 0;
  }
}

/** Undefined also where there are several. */
function soleCredentialOf(request: IncomingMessage): string | undefined {
  try {
    return credentialOf(request);
  } catch {
    return undefined;
  }
}

/** @throws Problem where they ask too often */
function take({ bucket }: { readonly bucket: Bucket | undefined }): void {
  const seconds = bucket?.take(performance.now()) ?? 0;
  if (seconds) throw tooMany(seconds);
}

function unauthorized(hasOne: boolean, forwarded: boolean): Problem {
  const challenge = 'Bearer realm="dataform"';
  const through = "the request came through a proxy: without a key, only this machine itself may ask";
  return new Problem("unauthorized", {
    detail: hasOne
      ? "the key is none, or none any more"
      : forwarded
        ? through
        : "send it as Authorization: Bearer …, or as X-API-Key",
    headers: { "www-authenticate": hasOne ? `${challenge}, error="invalid_token"` : challenge },
  });
}

function forbidden(scope: string, has: ReadonlySet<string>): Problem {
  return new Problem("forbidden", {
    detail: `this needs scope ${scope}; the key has ${[...has].join(", ") || "none"}`,
    headers: {
      "www-authenticate": `Bearer realm="dataform", error="insufficient_scope", scope="${scope.replace(/[^\x20-\x7e]|["\\]/g, "?")}"`,
    },
  });
}

function tooMany(seconds: number): Problem {
  return new Problem("too-many-requests", { headers: { "retry-after": String(seconds) } });
}
