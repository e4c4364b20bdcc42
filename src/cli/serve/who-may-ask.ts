import { randomBytes } from "node:crypto";
import { readStoredKeys, type StoredKey } from "../../environment/api-keys.ts";
import { hasMetadata } from "../../environment/layout.ts";
import type { DeclaredEndpoint } from "../../model/api.ts";
import type { ConnectionSettings } from "../../model/connection-settings.ts";
import { counted, named } from "../../model/counted.ts";
import { UserError } from "../../model/errors.ts";
import { EXPLORE_SCOPE } from "../../model/explore.ts";
import type { ServerSettings } from "../../model/server-settings.ts";
import { type Client, withClient } from "../../postgres/client.ts";
import { Access, type Openness } from "../../serve/access/access.ts";
import { Keyring } from "../../serve/access/keyring.ts";
import { refuseUnreadable } from "../../serve/access/rights.ts";
import { isLoopback } from "../../serve/server.ts";

interface Asked {
  readonly host: string;
  readonly isPublic: boolean;
  readonly server: ServerSettings;
  readonly endpoints: readonly DeclaredEndpoint[];
  /** Besides the endpoints, what asks who it is. */
  readonly others: readonly Asking[];
  /** Whether readers ask questions of their own. */
  readonly explores: boolean;
  readonly environment: string;
  /** Who reads the keys, and as what. */
  readonly settings: ConnectionSettings;
  readonly duty: "server" | "publisher";
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
}

/** What somebody may ask for. */
type Asking = Pick<DeclaredEndpoint, "access" | "scope">;

/** Who reaches the server, before anything asks them who they are. */
export function opennessOf({ host, isPublic, server }: Pick<Asked, "host" | "isPublic" | "server">): Openness {
  if (isPublic) return "all";
  return isLoopback(host) && !server.trustedProxies.length ? "local" : "none";
}

/** Who may ask, as the keys in the database say, and the secret of its cursors. */
export class WhoMayAsk {
  readonly access: Access;
  readonly #asked: Asked;
  readonly #keyring = new Keyring();
  #secret: Buffer = randomBytes(32);
  #told = "";

  private constructor(asked: Asked, access: (keyring: Keyring) => Access) {
    this.#asked = asked;
    this.access = access(this.#keyring);
  }

  /** @throws UserError where the login may not read what it has to, or nobody might ask for anything */
  static async read(asked: Asked): Promise<WhoMayAsk> {
    const { server, endpoints, others, settings, duty, signal, say } = asked;
    const tokens = server.oidc && new (await import("../../serve/access/tokens.ts")).Tokens(server.oidc, say);
    const parts = { openness: opennessOf(asked), tokens, log: say };
    const who = new WhoMayAsk(asked, (keyring) => new Access({ ...parts, keyring }));
    await withClient(settings, { applicationName: "dataform-serve", duty, signal }, async (client) => {
      await refuseUnreadable(client, settings, asked);
      if (await hasMetadata(client)) await who.renew(client);
    });
    const needsKeys = [...endpoints, ...others].some(({ access }) => access === "key");
    if (parts.openness === "none" && needsKeys && !tokens && !who.#valid.length) throw nobodyMayAsk(asked);
    who.#told = who.lines.join("\n");
    return who;
  }

  /** What cursors are sealed with: of the database, once there is a record in it. */
  get secret(): Buffer {
    return this.#secret;
  }

  /** Takes what is in the database now. */
  async renew(client: Client): Promise<void> {
    const { keys, secret } = await readStoredKeys(client, this.#asked.environment);
    this.#secret = secret;
    this.#keyring.replace(keys);
  }

  /** The same, and says what it is now where that is different. */
  async renewAndTell(client: Client): Promise<void> {
    await this.renew(client);
    const lines = this.lines.join("\n");
    if (lines !== this.#told && lines) this.#asked.say(lines);
    this.#told = lines;
  }

  /** What to say at the start, and again where it changes. */
  get lines(): readonly string[] {
    const { isPublic, endpoints, others, explores } = this.#asked;
    const asking = [...endpoints, ...others];
    const needsKeys = asking.some(({ access }) => access === "key");
    if (!needsKeys && !explores) return [];
    if (this.access.isOpenHere)
      return ["no key is made: whoever is on this machine may ask; `dataform keys add` makes one"];
    const scopes = new Set([...asking.map(({ scope }) => scope), ...(explores ? [EXPLORE_SCOPE] : [])]);
    const idle = this.#valid.flatMap((key) =>
      key.scopes.filter((scope) => !scopes.has(scope)).map((scope) => `${scope} of ${key.name}`),
    );
    return [
      ...(isPublic && needsKeys
        ? ["no key is asked for (--public): whoever reaches the address may ask for everything that endpoints answer"]
        : []),
      ...(needsKeys && !isPublic ? [`endpoints ask who it is: ${this.#who}`] : []),
      ...(explores ? [`the page that explores asks who it is, for scope ${EXPLORE_SCOPE}: ${this.#who}`] : []),
      ...(idle.length ? [`no endpoint asks for scope ${named(idle)}: there are ${[...scopes].join(", ")}`] : []),
    ];
  }

  get #who(): string {
    const { oidc } = this.#asked.server;
    return [counted(this.#valid.length, "valid key"), ...(oidc ? [`tokens of ${oidc.issuer}`] : [])].join(", ");
  }

  get #valid(): readonly StoredKey[] {
    return this.#keyring.keys.filter(({ expires }) => expires > Date.now());
  }
}

function nobodyMayAsk({ host, server, environment }: Asked): UserError {
  return new UserError({
    message: isLoopback(host)
      ? "others reach the server through trustedProxies of serve/server.yaml, and nothing could tell it who they are"
      : `on ${host} others reach the server, and nothing could tell it who they are`,
    expected: `a valid key in environment ${environment}, oidc in serve/server.yaml, or 127.0.0.1, which only this machine reaches`,
    found: server.trustedProxies.length ? `trustedProxies ${server.trustedProxies.join(", ")}` : `--host ${host}`,
    hint: "`dataform keys add <name> --scope <scope>` makes a key; --public says that everybody may read what the endpoints answer and the pages show",
  });
}
