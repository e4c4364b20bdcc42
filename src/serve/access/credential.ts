import type { IncomingMessage } from "node:http";
import { Problem } from "../api/problem.ts";

/**
 * The key or token of a request; undefined where it has none. The raw headers are read: of two, the parsed ones have the first
 * or both in one text, and a proxy may have read the other.
 * @throws Problem where it has several
 */
export function credentialOf({ rawHeaders }: Pick<IncomingMessage, "rawHeaders">): string | undefined {
  const found: string[] = [];
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const value = rawHeaders[at + 1]!;
    switch (rawHeaders[at]!.toLowerCase()) {
      case "x-api-key":
        found.push(value.trim());
        break;
      case "authorization": {
        const bearer = /^bearer +(\S+) *$/i.exec(value)?.[1];
        if (bearer !== undefined) found.push(bearer);
      }
    }
  }
  if (found.length > 1)
    throw new Problem("invalid-request", {
      detail: "a request has one key: one Authorization: Bearer, or one X-API-Key",
    });
  return found[0];
}

const FORWARDED = ["forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip"];

/** Whether a proxy says that it brings the request of somebody else. */
export function isForwarded({ headers }: Pick<IncomingMessage, "headers">): boolean {
  return FORWARDED.some((name) => headers[name] !== undefined);
}
