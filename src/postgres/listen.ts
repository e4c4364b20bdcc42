import { id } from "../sql/identifiers.ts";
import { sql } from "../sql/sql.ts";
import type { Client } from "./client.ts";

/**
 * Hears what is notified on a channel, until the connection ends. A notification is a hint: one may be lost with the
 * connection, or never come through a pooler.
 */
export async function listenTo(client: Client, channel: string, hear: () => void): Promise<void> {
  client.driver.on("notification", (heard) => {
    if (heard.channel === channel) hear();
  });
  await client.query(sql`listen ${id(channel)}`);
}
