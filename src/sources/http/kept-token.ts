import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from "node:crypto";

/** Where a source keeps, from run to run, what a server gave in place of a token. What is kept is sealed, and no secret. */
export interface TokenStore {
  /**
   * Asks a server with what was kept last, while no other run does, and keeps what it gave at once: whatever becomes of the
   * load, the token before is used up.
   * @param id under which it is kept
   */
  exchange<T>(id: string, ask: (kept: string | undefined) => Promise<Exchanged<T>>): Promise<T>;
}

export interface Exchanged<T> {
  readonly result: T;
  /** To be kept; undefined where nothing is new. */
  readonly keep: string | undefined;
}

const CIPHER = "aes-256-gcm";
const [KEY_BYTES, ID_BYTES, NONCE_BYTES, TAG_BYTES] = [32, 16, 12, 16];

/**
 * Seals the tokens that follow a declared one. The key is derived from that, which is a secret of many bits and stands in the
 * environment: who can open what is kept had the first token already. Another declared token begins anew.
 */
export class TokenSeal {
  readonly id: string;
  readonly #key: Buffer;

  constructor(declared: string, about: readonly string[]) {
    const bytes = Buffer.from(
      hkdfSync("sha256", declared, "", `dataform refresh token ${JSON.stringify(about)}`, KEY_BYTES + ID_BYTES),
    );
    this.#key = bytes.subarray(0, KEY_BYTES);
    this.id = bytes.subarray(KEY_BYTES).toString("hex");
  }

  seal(token: string): string {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv(CIPHER, this.#key, nonce).setAAD(Buffer.from(this.id));
    const sealed = Buffer.concat([cipher.update(token, "utf8"), cipher.final()]);
    return Buffer.concat([nonce, cipher.getAuthTag(), sealed]).toString("base64");
  }

  /** Undefined for what this seal is not on. */
  open(kept: string): string | undefined {
    const bytes = Buffer.from(kept, "base64");
    try {
      const decipher = createDecipheriv(CIPHER, this.#key, bytes.subarray(0, NONCE_BYTES))
        .setAAD(Buffer.from(this.id))
        .setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
      return decipher.update(bytes.subarray(NONCE_BYTES + TAG_BYTES), undefined, "utf8") + decipher.final("utf8");
    } catch {
      return undefined;
    }
  }
}
