import type { LookupAddress } from "node:dns";
import type { Dispatcher } from "undici";
import { counted } from "../../model/counted.ts";
import type { RetryDeclaration } from "../../model/declarations.ts";
import { UserError } from "../../model/errors.ts";
import { pause } from "../../wait/pause.ts";

/** What a filesystem may be told from outside; all of it has a default. */
export interface FilesystemDeps {
  /** Told before each wait. */
  readonly onWait?: (seconds: number, reason: string) => void;
  /** In place of the clock (in seconds), of chance and of DNS, for tests. */
  readonly sleep?: (seconds: number) => Promise<void>;
  readonly random?: () => number;
  readonly now?: () => number;
  readonly lookup?: (hostname: string) => Promise<readonly LookupAddress[]>;
  /** A certificate authority (PEM) that ftps trusts besides the known ones. */
  readonly ca?: string;
}

/** What a server says, as undici has it. */
export type Answer = Dispatcher.ResponseData;

/** A failure that another try may mend, with what the server said about when. */
export class Transient extends Error {
  readonly retryAfter: number | undefined;

  constructor(message: string, retryAfter?: number) {
    super(message);
    this.name = "Transient";
    this.retryAfter = retryAfter;
  }
}

const FIRST_DELAY_SECONDS = 0.5;

/** Failures that trying again cannot mend, whoever reports them. */
const PERMANENT = /^(ENOTFOUND|ERR_TLS|CERT_|ERR_INVALID|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|ERR_SSL)/;

/** Counts the tries of one piece of work and waits between them. */
export class Patience {
  readonly #name: string;
  readonly #retry: RetryDeclaration;
  readonly #deps: FilesystemDeps;
  readonly #done: string;
  #tries = 0;

  /**
   * @param name the file or folder, for messages, without credentials
   * @param done what is done with it
   */
  constructor(name: string, retry: RetryDeclaration, deps: FilesystemDeps, done = "read") {
    this.#name = name;
    this.#done = done;
    this.#retry = retry;
    this.#deps = deps;
  }

  /** Waits after a failure, or throws a UserError when it is final. `state` says how far the work had come. */
  async after(error: unknown, state = ""): Promise<void> {
    const refusal = userErrorOf(error);
    if (refusal) throw refusal;
    const { attempts, maxDelaySeconds } = this.#retry;
    const code = codeOf(error);
    const asked = error instanceof Transient ? error.retryAfter : undefined;
    if (PERMANENT.test(code ?? "") || ++this.#tries >= attempts || (asked ?? 0) > maxDelaySeconds) {
      throw new UserError({
        message: `${this.#name} cannot be ${this.#done}${state}`,
        found: reasonOf(error) + (this.#tries > 1 ? ` (tried ${counted(this.#tries, "time")})` : ""),
        hint:
          this.#done === "read" ? "nothing of it was landed; the next load tries again" : "the next load tries again",
        ...(code === undefined ? {} : { code }),
        exitCode: 1,
        cause: error,
      });
    }
    // Full jitter: many clients that failed together must not come back together.
    const ceiling = Math.min(maxDelaySeconds, FIRST_DELAY_SECONDS * 2 ** (this.#tries - 1));
    const seconds = asked ?? ceiling * (this.#deps.random ?? Math.random)();
    this.#deps.onWait?.(seconds, reasonOf(error));
    await (this.#deps.sleep ?? ((time: number) => pause(time * 1000)))(seconds);
  }

  /** Does a piece of work until it succeeds or the tries are used up. */
  async do<T>(work: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await work();
      } catch (error) {
        await this.after(error);
      }
    }
  }
}

/** One answer to a request for a file from an offset on. */
export interface Piece {
  readonly bytes: AsyncIterable<Uint8Array>;
  /** Bytes of the whole file, where the server says so. */
  readonly size?: number | undefined;
}

/**
 * The bytes of a file, asked for again from where they broke off. `read` is called with the offset, and makes sure that
 * the file is still the same one. Throws a UserError for a file that stays cut, or has another size than it was listed with.
 */
export async function* transfer(
  name: string,
  listedSize: number | undefined,
  patience: Patience,
  read: (offset: number) => Promise<Piece>,
): AsyncGenerator<Uint8Array> {
  let received = 0;
  let size = listedSize;
  for (;;) {
    try {
      const piece = await read(received);
      if (size !== undefined && piece.size !== undefined && piece.size !== size) throw changed(name, size, piece.size);
      size ??= piece.size;
      for await (const chunk of piece.bytes) {
        received += chunk.byteLength;
        if (size !== undefined && received > size) throw changed(name, size, received);
        yield chunk;
      }
      if (size !== undefined && received < size) throw new Transient("the connection ended early");
      return;
    } catch (error) {
      await patience.after(error, received > 0 ? `: it broke off after ${received} of ${size ?? "?"} bytes` : "");
    }
  }
}

/** The file is not the one that was listed, or not the one whose beginning was read. */
export function changed(name: string, expected: number | string, found: number | string): UserError {
  const unit = typeof expected === "number" ? " bytes" : "";
  return new UserError({
    message: `${name} changed while it was read`,
    expected: `${expected}${unit}`,
    found: `${found}${unit}${typeof found === "number" && Number(found) > Number(expected) ? " or more" : ""}`,
    hint: "nothing of it was landed; raise settleSeconds if it is written slowly",
    exitCode: 1,
  });
}

/** The file broke off, and nothing says whether its rest would be that of the same file. */
export function notResumable(name: string, offset: number, expected: string): UserError {
  return new UserError({
    message: `${name} broke off after ${counted(offset, "byte")}`,
    expected: `${expected}, to go on where it broke off`,
    hint: "nothing of it was landed; run the load again",
    exitCode: 1,
  });
}

/** A UserError may come wrapped, as the cause of what a library throws. */
function userErrorOf(error: unknown): UserError | undefined {
  for (let one = error; one instanceof Error; one = one.cause) if (one instanceof UserError) return one;
  return undefined;
}

function codeOf(error: unknown): string | undefined {
  const { code, cause, errors } = error as {
    code?: unknown;
    cause?: { code?: unknown };
    errors?: { code?: unknown }[];
  };
  const found = code ?? cause?.code ?? errors?.[0]?.code;
  return found === undefined ? undefined : String(found);
}

function reasonOf(error: unknown): string {
  const { message, errors } = error as { message?: string; errors?: Error[] };
  return message || errors?.[0]?.message || String(error);
}
