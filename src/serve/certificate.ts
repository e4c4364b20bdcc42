import { readFileSync, statSync } from "node:fs";
import type { Server } from "node:https";
import { createSecureContext } from "node:tls";
import { UserError } from "../model/errors.ts";
import type { ServerSettings } from "../model/server-settings.ts";
import { repeatedly } from "../wait/timers.ts";

type Files = NonNullable<ServerSettings["tls"]>;

/** Between two looks at the files, in milliseconds: what renews certificates puts others in their place, as links often. */
const LOOK_EVERY = 1_000;

export interface Certificate {
  readonly cert: Buffer;
  readonly key: Buffer;
}

/** @throws UserError for files that are no certificate and its key */
export function readCertificate({ cert, key }: Files): Certificate {
  try {
    const read = { cert: readFileSync(cert), key: readFileSync(key) };
    createSecureContext(read);
    return read;
  } catch (cause) {
    throw new UserError({
      message: "the certificate of this server cannot be used",
      expected: `a certificate in ${cert} and its private key in ${key}, as PEM`,
      found: (cause as Error).message,
      hint: "tls in serve/server.yaml names the files",
      cause,
    });
  }
}

/** Gives the server the files anew when they change. Returns what ends that. */
export function followCertificate(server: Server, files: Files, log: (line: string) => void): () => void {
  let known = markOf(files);
  return repeatedly(LOOK_EVERY, () => {
    const now = markOf(files);
    if (now === undefined || now === known) return;
    known = now;
    try {
      server.setSecureContext(readCertificate(files));
      log("the certificate changed: new connections have it");
    } catch (error) {
      // One of the two may come a moment later.
      log(`the certificate of before stays: ${(error as Error).message}`);
    }
  });
}

function markOf({ cert, key }: Files): string | undefined {
  try {
    return [cert, key]
      .map((file) => statSync(file))
      .map(({ ino, mtimeMs, size }) => `${ino} ${mtimeMs} ${size}`)
      .join(", ");
  } catch {
    return undefined;
  }
}
