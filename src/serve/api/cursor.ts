import { createHmac, timingSafeEqual } from "node:crypto";
import { Problem } from "./problem.ts";

/** Where a page goes on: behind a row of a release, of one request of an endpoint. */
export interface Position {
  /** Null for what is in no release. */
  readonly release: number | null;
  /** What was asked, and of which declaration: another one has other pages. */
  readonly asked: string;
  /** The order's columns in the last row, as texts. */
  readonly row: readonly (string | null)[];
}

/** Bytes of its seal. */
const SEAL = 16;

/** Makes cursors that nobody else can make, and reads them. */
export class Cursors {
  readonly #environment: string;
  #secret: Buffer;

  /** @param environment whose releases they name: others have releases of the same numbers */
  constructor(secret: Buffer, environment: string) {
    this.#environment = environment;
    this.#secret = this.#own(secret);
  }

  /** Those of another secret are nobody's any more. */
  renew(secret: Buffer): void {
    this.#secret = this.#own(secret);
  }

  write({ release, asked, row }: Position): string {
    const body = Buffer.from(JSON.stringify([release, asked, ...row]));
    return Buffer.concat([this.#seal(body), body]).toString("base64url");
  }

  /**
   * @param asked as of the request that brings it
   * @throws Problem for what is no cursor of this request
   */
  read(text: string, asked: string): Position {
    const bytes = Buffer.from(text, "base64url");
    const body = bytes.subarray(SEAL);
    const isOurs = bytes.length > SEAL && timingSafeEqual(bytes.subarray(0, SEAL), this.#seal(body));
    if (!isOurs) throw wrong("is not one that this server has given out");
    const [release, of, ...row] = JSON.parse(body.toString()) as [number | null, string, ...(string | null)[]];
    if (of !== asked) throw wrong("belongs to another request: its address and parameters must be the same");
    return { release, asked, row };
  }

  /** A name for something of this database's, which nobody else can have. */
  name(of: string): string {
    return createHmac("sha256", this.#secret).update("name\0").update(of).digest("base64url");
  }

  #own(secret: Buffer): Buffer {
    return createHmac("sha256", secret).update(`cursors of ${this.#environment}`).digest();
  }

  #seal(body: Buffer): Buffer {
    return createHmac("sha256", this.#secret).update(body).digest().subarray(0, SEAL);
  }
}

function wrong(detail: string): Problem {
  return new Problem("invalid-request", {
    detail: `cursor ${detail}`,
    errors: [{ pointer: "/query/cursor", detail }],
  });
}
