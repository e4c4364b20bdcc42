import { createHash } from "node:crypto";
import type { FilesDeclaration } from "../../model/declarations.ts";
import { UserError } from "../../model/errors.ts";
import { within } from "../../wait/timers.ts";
import { plain, remoteFolder } from "./address.ts";
import type { SftpSession } from "./sftp-read.ts";
import { type FilesystemDeps, Patience, Transient } from "./transfer.ts";

/** What we use of ssh2-sftp-client, which has no types of its own. */
interface SftpClient {
  connect(config: object): Promise<SftpSession>;
  list(path: string): Promise<{ type: string; name: string; size: number; modifyTime: number }[]>;
  stat(path: string): Promise<{ size: number; modifyTime: number }>;
  on(event: "close", listener: () => void): void;
  end(): Promise<unknown>;
  /** The client of ssh2. */
  readonly client: { setNoDelay(on: boolean): void };
}

export interface Connection {
  readonly client: SftpClient;
  readonly session: SftpSession;
}

export type SftpClientClass = new (
  name: string,
  callbacks: Record<"error" | "end" | "close", () => void>,
) => SftpClient;

const ignore = () => {};

/** One connection for everything, made again when it is lost. */
export class SftpServer {
  readonly url: URL;
  readonly folder: string;
  readonly #Client: SftpClientClass;
  readonly #connector: FilesDeclaration;
  readonly #deps: FilesystemDeps;
  #connection: Promise<Connection> | undefined;

  constructor(Client: SftpClientClass, url: URL, connector: FilesDeclaration, deps: FilesystemDeps) {
    this.url = url;
    this.folder = remoteFolder(url);
    this.#Client = Client;
    this.#connector = connector;
    this.#deps = deps;
  }

  patience(name: string): Patience {
    return new Patience(name, this.#connector.retry, this.#deps);
  }

  connection(): Promise<Connection> {
    if (this.#connection) return this.#connection;
    const connection = this.#connect(() => {
      if (this.#connection === connection) this.#connection = undefined;
    });
    this.#connection = connection;
    return connection;
  }

  /** Waits no longer than the declaration says; a connection that is silent is given up. */
  async within<T>(work: Promise<T>): Promise<T> {
    const { timeoutSeconds } = this.#connector;
    const late = () => Promise.reject(new Transient(`nothing within ${timeoutSeconds} s`));
    try {
      return await within(timeoutSeconds * 1000, work, late);
    } catch (error) {
      if (error instanceof Transient) await this.close();
      throw error;
    }
  }

  async close(): Promise<void> {
    const connection = this.#connection;
    this.#connection = undefined;
    // A server that does not answer the farewell must not hold us up.
    connection?.then(({ client }) => client.end()).catch(ignore);
  }

  async #connect(onLost: () => void): Promise<Connection> {
    const { hostKey, user, password, privateKey, timeoutSeconds } = this.#connector;
    const client = new this.#Client("dataform", { error: ignore, end: ignore, close: ignore });
    let shown: string | undefined;
    const verify = (key: Buffer): boolean => {
      shown = createHash("sha256").update(key).digest("base64").replace(/=+$/, "");
      return hostKey === "any" || (hostKey !== undefined && fingerprintOf(hostKey) === shown);
    };
    try {
      const session = await client.connect({
        host: this.url.hostname.replace(/^\[(.*)\]$/, "$1"),
        port: this.url.port === "" ? 22 : Number(this.url.port),
        username: user === undefined ? "anonymous" : plain(user),
        ...(privateKey
          ? { privateKey: privateKey.reveal(), ...(password ? { passphrase: password.reveal() } : {}) }
          : { password: password?.reveal() ?? "" }),
        readyTimeout: timeoutSeconds * 1000,
        keepaliveInterval: (timeoutSeconds * 1000) / 3,
        keepaliveCountMax: 3,
        hostVerifier: verify,
      });
      // Requests are small, and each would wait for the answer to the one before.
      client.client.setNoDelay(true);
      client.on("close", onLost);
      return { client, session };
    } catch (error) {
      onLost();
      client.end().catch(ignore);
      throw connectFailure(error as Error, this.url, hostKey, shown);
    }
  }
}

/** From "SHA256:…", its characters alone, or a whole line of `ssh-keygen -l`. */
function fingerprintOf(hostKey: string): string {
  return /(?:^|SHA256:)([A-Za-z0-9+/]{43})(?==*(?:\s|$))/.exec(hostKey.trim())?.[1] ?? hostKey;
}

function connectFailure(error: Error, url: URL, hostKey: string | undefined, shown: string | undefined): Error {
  const verified = hostKey === "any" || (hostKey !== undefined && shown === fingerprintOf(hostKey));
  if (shown !== undefined && !verified) {
    return new UserError({
      message: hostKey === undefined ? `files.hostKey is missing for ${url.href}` : `${url.host} has another key`,
      expected: hostKey ?? "the SHA-256 of the server's key, as ssh-keygen -l shows it",
      found: `SHA256:${shown}`,
      hint: "ask the server's owner whether this key is theirs before you write it in files.hostKey",
      exitCode: hostKey === undefined ? 2 : 1,
    });
  }
  const wrong = /authentication methods failed|privateKey|passphrase|Invalid username|Unsupported key/i.test(
    error.message,
  );
  if (!wrong) return error;
  return new UserError({
    message: `${url.host} does not let us in`,
    found: error.message,
    hint: "check files.user, and files.password or files.privateKey",
    exitCode: 1,
    cause: error,
  });
}
