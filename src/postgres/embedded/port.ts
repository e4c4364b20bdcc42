import { randomInt } from "node:crypto";
import { createServer } from "node:net";
import { UserError } from "../../model/errors.ts";

/** Whether nobody listens on this TCP port of 127.0.0.1. */
export function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once("error", () => resolve(false));
    probe.listen({ host: "127.0.0.1", port, exclusive: true }, () => probe.close(() => resolve(true)));
  });
}

/** A free port below the range from which systems take the ports of outgoing connections, so it stays free. */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const port = randomInt(20_000, 30_000);
    if (await isFree(port)) return port;
  }
  throw new UserError({
    message: "found no free TCP port on 127.0.0.1 for the embedded PostgreSQL",
    hint: "name one with `dataform db start --port`",
  });
}

/** Refuses a port that somebody asked for and that the server cannot have. */
export async function requireFree(port: number): Promise<void> {
  if (!Number.isInteger(port) || port < 1024 || port > 65_535) {
    throw new UserError({ message: `${port} is no port for the embedded PostgreSQL`, expected: "1024 to 65535" });
  }
  if (await isFree(port)) return;
  throw new UserError({
    message: `port ${port} on 127.0.0.1 is taken by another program`,
    hint: "name another one with --port, or leave it out to have a free one chosen",
  });
}
