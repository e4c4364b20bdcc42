import { setTimeout as pause } from "node:timers/promises";
import type { ConnectionSettings } from "../model/connection-settings.ts";
import type { Duty } from "../model/roles.ts";
import { type Client, connect } from "../postgres/client.ts";
import type { NamesIn } from "../sql/session.ts";

/** The server may be restarting: tries for a minute. */
export async function reconnect(
  settings: ConnectionSettings,
  applicationName: string,
  duty: Duty = "publisher",
  names?: NamesIn,
): Promise<Client> {
  const deadline = performance.now() + 60_000;
  for (let wait = 50; ; wait = Math.min(wait * 2, 2_000)) {
    try {
      return await connect(settings, { applicationName, duty, ...(names ? { names } : {}) });
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await pause(wait);
    }
  }
}
